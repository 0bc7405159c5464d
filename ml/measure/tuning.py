"""Choosing the parameters of a contender on the validation month: a fixed number of trials, each fitted once and asked
twice, with repeat purchases and without, because what is best for the one need not be for the other.

Trials can be kept in a file of JSON lines: a search that was ended goes on from there.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..evaluation.cases import Cases
from ..evaluation.measures import found, ndcg
from ..interactions import Dataset
from .contenders import contender, trial_of

K = 10
"""NDCG at so many chooses."""


class Tried(msgspec.Struct, frozen=True):
    """One trial and what it reached on the validation month."""

    name: str
    number: int
    parameters: dict[str, Any]
    repeats: float
    """NDCG@10, repeat purchases count."""
    new: float
    """NDCG@10 for what the customer never bought before."""
    training_s: float
    """Of the process's own time."""


class Month(NamedTuple):
    """What trials learn from, and what they are asked."""

    train: Dataset
    repeats: Cases
    new: Cases


def tried(month: Month, name: str, trials: int, file: Path | None = None) -> list[Tried]:
    """So many trials of a contender, but for those that the file has already."""
    known = {each.number: each for each in kept(file) if each.name == name and _same(each)}
    for number in range(trials):
        if number not in known:
            known[number] = _try(month, name, number)
            print(msgspec.json.encode(known[number]).decode(), file=sys.stderr, flush=True)
            if file:
                _keep(file, known[number])
    return [known[number] for number in range(trials)]


def best(tried: Sequence[Tried], *, only_new: bool) -> Tried:
    """Of equals the first."""
    return max(tried, key=lambda each: (each.new if only_new else each.repeats, -each.number))


def kept(file: Path | None) -> list[Tried]:
    """Everything that a file of trials has."""
    if not file or not file.exists():
        return []
    return msgspec.json.Decoder(Tried).decode_lines(file.read_bytes())


def _keep(file: Path, each: Tried) -> None:
    with file.open("ab") as lines:
        lines.write(msgspec.json.encode(each) + b"\n")


def _same(each: Tried) -> bool:
    """Whether the trial of this number is still what it was."""
    return each.parameters == dict(trial_of(each.name, each.number))


def _try(month: Month, name: str, number: int) -> Tried:
    parameters = dict(trial_of(name, number))
    model, began = contender(name, parameters), time.process_time()
    model.fit(month.train)
    training_s = time.process_time() - began

    def reached(cases: Cases) -> float:
        return float(ndcg(found(model.lists(cases), cases.truths), [K]).mean())

    return Tried(name, number, parameters, reached(month.repeats), reached(month.new), round(training_s, 2))
