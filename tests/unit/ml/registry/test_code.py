"""Which code goes with a model: its module, what of ours that imports, and pinned packages."""

from importlib.metadata import version

from ml.registry.code import code_of


def test_a_model_takes_its_own_modules_along_and_nothing_else_of_ours() -> None:
    code = code_of("ml.models.popularity")
    assert {"ml", "ml.models", "ml.models.popularity", "ml.arrays", "ml.interactions", "ml.model"} <= set(code.modules)
    assert not [name for name in code.modules if name.startswith(("ml.lake", "ml.registry", "engine", "actors"))]
    assert code.modules["ml.model"].name == "model.py"


def test_what_they_import_from_elsewhere_is_pinned_as_it_is_installed() -> None:
    assert f"numpy=={version('numpy')}" in code_of("ml.models.popularity").requirements
    assert [line.partition("==")[0] for line in code_of("ml.registry.pyfunc").requirements] == [
        "msgspec", "numpy", "pandas",
    ]  # fmt: skip
