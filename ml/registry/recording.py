"""A trained model becomes a run and a version in the registry, with all that somebody needs who asks where it is from.

The run has parameters, measures, the data and the report; below it lies the model as MLflow's own tools load it, with
signature, pinned requirements and its code, and in it the artifact as training left it. Registering the same artifact
again gives the version that it is.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..artifact import REPORT, Artifact, check_artifact, digest_of, load_artifact
from ..models.library import model_class
from ..workplace import workplace
from .code import code_of
from .fetching import ARTIFACT
from .mlflow_alone import unwarned
from .opening import Registry, in_our_words
from .pyfunc import signature
from .release import DEFAULT_MARKET, DIGEST_TAG, MODEL_TAG, registered_name

if TYPE_CHECKING:
    import pandas as pd

PLACE = "model"
"""Where a run has its model."""
DATA_TAG = "doorbuster.data."
LOADER = "ml.registry.pyfunc"
NOT_IN_NAMES = re.compile(r"[^\w./ -]")
AN_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT")
YEAR_2000_MS = 946_684_800_000
PARAMETER_LIMIT = 6_000
"""Characters, of MLflow."""


class Registered(NamedTuple):
    """Which version an artifact is."""

    name: str
    number: int
    run: str
    new: bool
    """Not, where it was registered before."""


def register(registry: Registry, directory: Path, market: str = DEFAULT_MARKET, *, at: datetime) -> Registered:
    """Put an artifact into the registry. Raises ArtifactDamaged, ModelUnknown, RegistryRefused, RegistryUnreachable."""
    about = check_artifact(directory)
    digest = digest_of(directory)
    name = registered_name(market)
    with in_our_words(registry.url):
        if known := _known(registry, name, digest):
            return known
        run = _recorded(registry, directory, about, at)
        tags = {MODEL_TAG: about.model, DIGEST_TAG: digest}
        source = f"{registry.client.get_run(run).info.artifact_uri}/{PLACE}"
        version = registry.client.create_model_version(name, source, run, tags=tags, description=_described(about))
        return Registered(name, int(version.version), run, new=True)


def _known(registry: Registry, name: str, digest: str) -> Registered | None:
    """The version of this very artifact; the registered model is made on the way."""
    if not registry.client.search_registered_models(f"name = '{name}'"):
        registry.client.create_registered_model(name, description="Recommendations of a Doorbuster shop.")
    found = registry.client.search_model_versions(f"name = '{name}' and tags.`{DIGEST_TAG}` = '{digest}'")
    # A version is there only if everything of its run was there before.
    return Registered(name, int(found[0].version), found[0].run_id, new=False) if found else None


def _recorded(registry: Registry, directory: Path, about: Artifact, at: datetime) -> str:
    client = registry.client
    started = int(at.timestamp() * 1_000)
    title = f"{about.model} {about.trained_at}".strip()
    run: str = client.create_run(registry.experiment(), started, _tags(about), title).info.run_id
    try:
        for key, value in {**about.parameters, "model": about.model, "seed": about.seed}.items():
            client.log_param(run, key, str(value)[:PARAMETER_LIMIT])
        for key, value in measures_of(about).items():
            client.log_metric(run, key, value, timestamp=started)
        _log_data(registry, run, about)
        with workplace() as draft, unwarned():
            _write_model(directory, about, draft)
            client.log_artifacts(run, str(draft / PLACE), PLACE)
        if (directory / REPORT).is_dir():
            client.log_artifacts(run, str(directory / REPORT), REPORT)
    except BaseException:
        client.set_terminated(run, "FAILED")
        raise
    client.set_terminated(run)
    return run


def _write_model(directory: Path, about: Artifact, draft: Path) -> None:
    """The artifact in MLflow's wrapping, below `draft`."""
    import mlflow.pyfunc

    module = model_class(about.model).__module__
    code = code_of(module, LOADER)
    roots = _copied(code.modules, draft / "code")
    shutil.copytree(directory, draft / Path(ARTIFACT).name, copy_function=_linked)
    mlflow.pyfunc.save_model(
        str(draft / PLACE),
        loader_module=LOADER,
        data_path=str(draft / Path(ARTIFACT).name),
        code_paths=[str(root) for root in roots],
        signature=signature(),
        input_example=_example(directory),
        pip_requirements=code.requirements,
        metadata={"doorbuster": {"model": about.model, "fingerprint": about.fingerprint}},
    )


def _example(directory: Path) -> "pd.DataFrame":
    """A visitor who looked at one thing, for whoever wants to try the model."""
    import pandas as pd

    skus = list(load_artifact(directory).skus[:1])
    return pd.DataFrame([{"session": skus, "history": skus, "basket": skus}])


def _copied(modules: Mapping[str, Path], directory: Path) -> list[Path]:
    """The source files as they are imported, and the roots among them."""
    for name, file in modules.items():
        path = directory / name.replace(".", "/")
        path = path / file.name if file.name == "__init__.py" else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)
    return sorted(directory.iterdir())


def _linked(source: str, target: str) -> None:
    """Models are large, and a second name costs nothing where it is possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _log_data(registry: Registry, run: str, about: Artifact) -> None:
    from mlflow.entities import Dataset, DatasetInput

    if about.fingerprint:
        source = json.dumps(dict(about.source), sort_keys=True)
        name = about.source.get("source", "interactions")
        # MLflow's digests are short; the whole fingerprint is a tag of the run.
        data = Dataset(name, about.fingerprint[:32], "doorbuster", source)
        registry.client.log_inputs(run, [DatasetInput(data)])


def measures_of(about: Artifact) -> dict[str, float]:
    """Measures under names that MLflow takes: `ndcg@10` becomes `ndcg_at_10`."""
    measures = {
        **about.metrics,
        **{f"popularity/{name}": value for name, value in about.baseline.items()},
        "training_s": about.training_s,
        "interactions": float(about.interactions),
        "skus": float(about.skus),
    }
    return {NOT_IN_NAMES.sub("_", name.replace("@", "_at_")): value for name, value in measures.items()}


def _tags(about: Artifact) -> dict[str, str]:
    tags = {
        MODEL_TAG: about.model,
        "doorbuster.fingerprint": about.fingerprint,
        "doorbuster.trained_at": about.trained_at,
        "mlflow.source.git.commit": about.commit,
        **{f"{DATA_TAG}{key}": value for key, value in about.source.items()},
    }
    return {key: value for key, value in tags.items() if value}


def shown_window(source: Mapping[str, str]) -> str:
    """From when to when the data are, for people: sources say it in milliseconds, as instants, or as they like."""
    ends = (source.get("from", ""), source.get("to", ""))
    return " to ".join(_day(end) for end in ends if end)


def _day(text: str) -> str:
    if AN_INSTANT.match(text):
        return text[:10]
    # Where a source knows only an order, these are small numbers, and no days.
    if not text.isdecimal() or int(text) < YEAR_2000_MS:
        return text
    return datetime.fromtimestamp(int(text) / 1_000, UTC).date().isoformat()


def _described(about: Artifact) -> str:
    window = shown_window(about.source)
    return f"{about.model}, {about.skus:,} items, {about.interactions:,} interactions{', ' + window if window else ''}."
