"""Refuses to measure a model that knew what it is asked. Every way in which that happened to somebody is one check."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import Leaked
from ..interactions import NOBODY, Dataset, Items
from .split import Split, shown


@dataclass(frozen=True)
class Fitted:
    """What a model was made of, as far as it is known."""

    data: Dataset | None = None
    """The interactions."""
    until: int | None = None
    """The time of its last interaction, of a saved model whose data are no longer at hand."""
    features: Mapping[str, int] = field(default_factory=dict)
    """By the name of each feature that was computed beside the interactions, the time of the last fact in it."""


def check(fitted: Fitted, parted: Split) -> None:
    """Raises Leaked, with everything that was found."""
    if faults := leaks(fitted, parted):
        raise Leaked(" ".join(faults))


def leaks(fitted: Fitted, parted: Split) -> Sequence[str]:
    """What the model knew of the window, in sentences."""
    return [*_of_data(fitted.data, parted), *_of_times(fitted, parted)]


def _of_times(fitted: Fitted, parted: Split) -> Iterator[str]:
    began = parted.window.at
    if fitted.until is not None and fitted.until >= began:
        yield f"The model learned until {shown(fitted.until)}; the window begins at {shown(began)}."
    for name, last in sorted(fitted.features.items()):
        if last >= began:
            yield f"The feature {name} was computed of facts until {shown(last)}."


def _of_data(data: Dataset | None, parted: Split) -> Iterator[str]:
    if data is None:
        return
    began, test = parted.window.at, parted.test
    if late := int((data.at >= began).sum()):
        yield f"{late} interactions were learned from that happened when the window had begun, at {shown(began)}."
    if seen := _seen(data, test):
        yield f"{seen} of the interactions to be predicted were learned from."
    both = np.intersect1d(data.session[data.session != NOBODY], test.session)
    if len(both):
        yield f"{len(both)} sessions are in both parts, such as {int(both[0])}."
    if later := _texts_of_later(data.items, began):
        yield f"{later} items have texts that they got when the window had begun."


def _seen(data: Dataset, test: Dataset) -> int:
    """How many interactions of the test are in the data: the same item, at the same time, by the same session or
    customer. Items and customers are told apart by their names, as indices change when data are loaded anew."""
    items = _translated(data.items.skus, test.items.skus)[data.item]
    customers = data.customer
    if data.customers and data.customers != test.customers:
        customers = _translated(data.customers, test.customers)[data.customer]
    seen = np.zeros(len(test), bool)
    for theirs, mine in ((data.session, test.session), (customers, test.customer)):
        known = (theirs != NOBODY) & (items != NOBODY)
        learned = set(zip(theirs[known].tolist(), items[known].tolist(), data.at[known].tolist(), strict=True))
        asked = zip(mine.tolist(), test.item.tolist(), test.at.tolist(), strict=True)
        seen |= np.fromiter((row[0] != NOBODY and row in learned for row in asked), bool, len(test))
    return int(seen.sum())


def _translated(names: Sequence[str], to: Sequence[str]) -> NDArray[np.int32]:
    """By index in the one list, the index in the other; `NOBODY` for what it lacks, and for `NOBODY`."""
    if names == to:
        return np.append(np.arange(len(names)), NOBODY).astype(np.int32)
    places = {name: place for place, name in enumerate(to)}
    return np.array([*(places.get(name, NOBODY) for name in names), NOBODY], np.int32)


def _texts_of_later(items: Items, began: int) -> int:
    if not len(items.since):
        return 0
    later = np.array(items.since) >= began
    told = np.zeros(len(items), bool)
    for texts in (items.titles, items.categories, items.vendors):
        if len(texts):
            told |= np.array([bool(text) for text in texts])
    return int((later & told).sum())
