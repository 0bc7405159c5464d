"""The one honest split: everything before an instant is learned from, what happened after it is to be predicted.

Leaving out everybody's last item instead would tell a model of each customer what others did later: there is no such
split here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import NotEnoughData
from ..interactions import NOBODY, Dataset, Items
from ..model import Context
from .cases import Cases, Truths, truths_of

DAY_MS = 86_400_000
LAST_SHARE = 0.1
"""Of the interactions are to be predicted where no window is given."""
FIRST_REAL_MS = 86_400_000 * 365
"""Below that, times of a dataset only say what came before what."""


class Task(StrEnum):
    """What is to be predicted."""

    NEXT_ITEM = "next-item"
    """Of each session of the window: after its first item, its second; after both, its third; and so on."""
    BASKET = "basket"
    """Of each customer who bought in the window: which items."""


class Window(NamedTuple):
    """From `at` up to, but without, `until`: milliseconds UTC, or places in order."""

    at: int
    until: int


@dataclass(frozen=True)
class Split:
    """What may be learned from, what is asked, and the interactions that must not have been seen."""

    task: Task
    window: Window
    train: Dataset
    test: Dataset
    cases: Cases
    straddling: int
    """Sessions that began before the window and went on in it: they are in neither part."""


def last_window(data: Dataset, window_ms: int | None = None, share: float = LAST_SHARE) -> Window:
    """The last so many milliseconds, or the last share of the interactions. Raises NotEnoughData."""
    if len(data) < 2:
        raise NotEnoughData("One interaction can't be divided into what was before and after.")
    until = int(data.at[-1]) + 1
    at = until - window_ms if window_ms else int(data.at[int(len(data) * (1 - share))])
    return Window(at, until)


def split(data: Dataset, task: Task = Task.NEXT_ITEM, window: Window | None = None, *, only_new: bool = False) -> Split:
    """Divide interactions at the window's beginning, by default that of the last tenth. Raises NotEnoughData."""
    window = window or last_window(data)
    before = data.at < window.at
    inside = ~before & (data.at < window.until)
    straddling = np.intersect1d(_sessions(data.session[before]), _sessions(data.session[inside]))
    whole = ~np.isin(data.session, straddling)
    train = known_before(data.where(before & whole), window.at)
    test = data.where(inside & whole)
    cases = _next_items(train, test) if task is Task.NEXT_ITEM else _baskets(train, test, window, only_new)
    if not len(train) or not len(cases):
        raise NotEnoughData(
            f"Before {shown(window.at)} there are {len(train)} interactions, after it {len(cases)} cases."
        )
    return Split(task, window, train, test, cases, len(straddling))


def validation(parted: Split) -> Split:
    """The same within what may be learned from: its last stretch, as long as the window. Parameters are chosen here,
    never on the window itself. Raises NotEnoughData."""
    at, until = parted.window
    return split(parted.train, parted.task, Window(at - (until - at), at), only_new=parted.cases.only_new)


def known_before(data: Dataset, at: int) -> Dataset:
    """Interactions of before an instant: without texts that items only got later, and with the times that are in it."""
    source: Mapping[str, str] = data.source
    if len(data):
        source = {**source, "from": shown(int(data.at[0])), "to": shown(int(data.at[-1]))}
    return replace(data, items=_texts_before(data.items, at), source=source)


def shown(at: int) -> str:
    """A time for people; where only an order is known, the place in it."""
    if at < FIRST_REAL_MS:
        return f"#{at}"
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sessions(column: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.unique(column[column != NOBODY])


def _texts_before(items: Items, at: int) -> Items:
    if not len(items.since) or max(items.since) < at:
        return items

    def known(texts: Sequence[str]) -> Sequence[str]:
        return [text if since < at else "" for text, since in zip(texts, items.since, strict=True)] if texts else texts

    since = [min(since, at - 1) for since in items.since]
    return Items(items.skus, known(items.titles), known(items.categories), known(items.vendors), since)


def _next_items(train: Dataset, test: Dataset) -> Cases:
    rows = test.by_session
    bought = _histories(train)
    customer_of = dict(zip(test.session.tolist(), test.customer.tolist(), strict=True))
    contexts: list[Context] = []
    right: list[int] = []
    group: list[int] = []
    for number, session in enumerate(rows.groups.tolist()):
        first, last = int(rows.starts[number]), int(rows.starts[number + 1])
        items, at = rows.items[first:last].tolist(), rows.at[first:last].tolist()
        history, history_at = bought[customer_of[session]]
        for step in range(1, len(items)):
            contexts.append(Context(items[:step], history, (), history_at, at[step]))
            right.append(items[step])
            group.append(session)
    truths = Truths(np.arange(len(right) + 1, dtype=np.int64), np.array(right, np.int32))
    return Cases(train.items, contexts, truths, np.array(group, np.int64))


def _baskets(train: Dataset, test: Dataset, window: Window, only_new: bool) -> Cases:
    rows = test.bought.by_customer
    bought = _histories(train)
    contexts: list[Context] = []
    right: list[NDArray[np.int32]] = []
    group: list[int] = []
    for number, customer in enumerate(rows.groups.tolist()):
        history, history_at = bought[customer]
        items = np.unique(rows.items[rows.starts[number] : rows.starts[number + 1]])
        if only_new:
            items = items[~np.isin(items, np.array(history, np.int32))]
        if len(items):
            contexts.append(Context((), history, (), history_at, window.at))
            right.append(items)
            group.append(customer)
    return Cases(train.items, contexts, truths_of(right), np.array(group, np.int64), only_new)


def _histories(train: Dataset) -> Mapping[int, tuple[Sequence[int], Sequence[int]]]:
    """What each customer had bought, and when, oldest first."""
    rows = train.bought.by_customer
    found: dict[int, tuple[Sequence[int], Sequence[int]]] = defaultdict(lambda: ((), ()))
    for number, customer in enumerate(rows.groups.tolist()):
        first, last = int(rows.starts[number]), int(rows.starts[number + 1])
        found[customer] = (rows.items[first:last].tolist(), rows.at[first:last].tolist())
    return found
