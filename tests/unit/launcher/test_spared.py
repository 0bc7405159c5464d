"""Serve is spared one import, and nobody else."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from serve.launcher.spared import ONLY_FROM, spare_serve

PROGRAM = "try:\n    import pandas\nexcept ImportError:\n    pandas = None\n"


class Installed:
    """Finds an empty pandas; the real one takes half a second."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "pandas" else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """It is empty."""


def imported_by(module: str) -> object:
    names: dict[str, object] = {"__name__": module}
    exec(PROGRAM, names)
    return names["pandas"]


def test_serve_does_without_pandas_and_nobody_else_has_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [Installed(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    spare_serve()
    spare_serve()
    assert imported_by(ONLY_FROM) is None
    assert imported_by("ray.data.block") is not None
    # Who had it before has it still.
    assert imported_by(ONLY_FROM) is not None
    del sys.modules["pandas"]
