"""Models as commands name them, tried on one split: each is fitted on what came before, or was trained before.

item-knn                       a model of the library, or package.module:Class
item-knn?neighbours=200        the same with parameters
DIR                            what was trained: a directory with an artifact
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import numpy as np

from ..artifact import DESCRIPTION, load_artifact, read_artifact
from ..errors import Leaked, ParameterRefused
from ..interactions import Dataset, Items
from ..model import Model
from ..models.library import make_model
from ..sources.columns import instant_of
from ..sources.sessions_file import read_continuations
from .cases import next_item_cases
from .evaluate import Scored, evaluate, question_of
from .leakage import Fitted, check
from .split import DAY_MS, Split, Task, Window, known_before, last_window, split

NOWHERE = ""
"""The SKU of what isn't in the catalogue."""

Doing = Callable[[str, int, int], None]
"""Told what is done with which model, and how many cases of how many are done."""


class Trial(NamedTuple):
    """What is asked of all of them."""

    task: Task = Task.NEXT_ITEM
    days: float = 0
    """The window's length; 0: the last tenth of the interactions."""
    only_new: bool = False
    ks: Sequence[int] = (5, 10, 20)
    seed: int = 0
    resamples: int = 1_000
    groups: int = 0
    """So many sessions or customers at most, drawn at random; 0: all."""
    cases: Path | None = None
    """A published test set: then everything else is learned from."""


def split_for(data: Dataset, trial: Trial) -> Split:
    """The split that the trial is on. Raises NotEnoughData, DataRefused."""
    if trial.cases is not None:
        return published(data, trial.cases)
    window = last_window(data, round(trial.days * DAY_MS))
    return split(data, trial.task, window, only_new=trial.only_new)


def published(data: Dataset, file: Path) -> Split:
    """The cases of a published test set, after everything that is at hand: whoever published it said that it is later.
    What follows and isn't in the catalogue counts as missed. Raises DataRefused, NotEnoughData."""
    found = read_continuations(file, data.items)
    # An item that no model knows is what came next there.
    items = Items([*data.items.skus, NOWHERE]) if found.unknown else data.items
    pairs = [*found.known, *[((), len(items) - 1)] * found.unknown]
    after = int(data.at[-1]) + 1
    nothing = data.where(np.zeros(len(data), bool))
    return Split(
        Task.NEXT_ITEM, Window(after, after), known_before(data, after), nothing, next_item_cases(items, pairs), 0
    )


def tried(names: Sequence[str], data: Dataset, trial: Trial, doing: Doing) -> Mapping[str, Scored]:
    """Each model's figures, by the name it was given. Raises ml.errors.MlError."""
    parted = split_for(data, trial)
    question = question_of(parted, ks=trial.ks, seed=trial.seed, resamples=trial.resamples)
    if trial.groups:
        question = question.of(parted.cases.sampled(trial.groups, trial.seed))
    scored = {}
    for name in names:
        doing(f"{name} learns", 0, 0)
        model = fitted_model(name, parted)
        scored[name] = evaluate(model, question, lambda done, of, name=name: doing(f"{name} answers", done, of))  # type: ignore[misc]
    return scored


def fitted_model(name: str, parted: Split) -> Model:
    """The model, which knows nothing of the window. Raises Leaked, ModelUnknown, ParameterRefused, ArtifactDamaged."""
    directory = Path(name)
    if (directory / DESCRIPTION).exists():
        _check_trained_before(directory, parted)
        return load_artifact(directory)
    model = make_model(*named(name))
    check(Fitted(parted.train), parted)
    model.fit(parted.train)
    return model


def named(name: str) -> tuple[str, Mapping[str, Any]]:
    """The model that a command names, and its parameters. Raises ParameterRefused."""
    model, _, query = name.partition("?")
    return model, parameters_of(query)


def parameters_of(query: str) -> Mapping[str, Any]:
    """Parameters as `name=value&name=value`: numbers and true or false as such, all else as text."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise ParameterRefused(f"{query} is not name=value&name=value.") from error
    return {name: _value(text) for name, text in pairs}


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


def _check_trained_before(directory: Path, parted: Split) -> None:
    """By what the artifact says of its data: they are at hand no more."""
    about = read_artifact(directory)
    if about.fingerprint == parted.train.fingerprint:
        return
    until = about.source.get("to", "")
    try:
        last = int(until) if until.isdecimal() else instant_of(until, ZoneInfo("UTC"))
    except ValueError:
        raise Leaked(f"{directory.name} doesn't say until when it learned, but {until or 'nothing'}.") from None
    check(Fitted(until=last), parted)
