"""Datasets of sessions in text: one visit per line, its items by id in order of time, lines in order of time too.

A test file has lines `prefix<TAB>next`: what somebody had looked at, and what they looked at then. Both may be gzipped.
"""

import gzip
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DataRefused, NotEnoughData
from ..interactions import Dataset, Items, dataset_of

LONGEST_LINE = 1_000_000
"""Characters. Longer is no visit, but a file of another kind."""


class Continued(NamedTuple):
    """A visit up to some point, and what came next: indices of items."""

    before: tuple[int, ...]
    then: int


class Continuations(NamedTuple):
    """What a test file says in terms of a model's items."""

    known: list[Continued]
    unknown: int
    """Lines whose next item isn't in the catalogue: nobody can predict it, and whoever measures counts it as missed."""


def read_sessions(path: Path) -> Dataset:
    """All visits of a file; their time is only an order. Raises DataRefused, NotEnoughData."""
    index: dict[str, int] = {}
    item: list[int] = []
    lengths: list[int] = []
    for number, line in _lines(path):
        ids = line.split()
        if "\t" in line:
            raise DataRefused(f"{path.name}, line {number}: a tab. A file of visits has item ids between blanks.")
        item.extend([index.setdefault(sku, len(index)) for sku in ids])
        lengths.append(len(ids))
    if not item:
        raise NotEnoughData(f"{path.name} has no visits.")
    session = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    return dataset_of(
        Items(list(index)), item, np.arange(len(item)), session=session, source={"source": f"file:{path.name}"}
    )


def read_continuations(path: Path, items: Items) -> Continuations:
    """A test file's lines; items that the catalogue lacks are left out of what came before. Raises DataRefused."""
    index = {sku: number for number, sku in enumerate(items.skus)}
    known: list[Continued] = []
    unknown = 0
    for number, line in _lines(path):
        before, tab, then = line.partition("\t")
        if not tab or len(then.split()) != 1 or not before.strip():
            raise DataRefused(f"{path.name}, line {number}: not `items before<TAB>next item`.")
        target = index.get(then.strip())
        if target is None:
            unknown += 1
        else:
            known.append(Continued(tuple(index[sku] for sku in before.split() if sku in index), target))
    return Continuations(known, unknown)


def continuations(data: Dataset) -> list[Continued]:
    """Every visit at every point of it, as a test file would have it: for validation on visits kept from training."""
    rows = data.by_session
    visits = (rows.items[start:end].tolist() for start, end in zip(rows.starts[:-1], rows.starts[1:], strict=True))
    return list(
        chain.from_iterable(
            (Continued(tuple(visit[:place]), visit[place]) for place in range(1, len(visit))) for visit in visits
        )
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their number, from 1. Raises DataRefused."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            while raw := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(raw) > LONGEST_LINE:
                    raise DataRefused(f"{path.name}, line {number}: longer than {LONGEST_LINE:,} characters.")
                line = raw.decode().rstrip("\r\n")
                if not line.strip():
                    raise DataRefused(f"{path.name}, line {number}: empty. Each line is a visit.")
                if "\0" in line:
                    raise DataRefused(f"{path.name}, line {number}: no text.")
                yield number, line
    except UnicodeDecodeError as error:
        raise DataRefused(f"{path.name}, line {number}: no text in UTF-8.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataRefused(f"{path.name} can't be read after line {number}: {error}") from error
