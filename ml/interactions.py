"""What models learn from: who did what with which item, and when, in columns; and what the items are.

One shape for whatever it comes from (the event lake, files of sessions, order history). Rows are in order of time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NOBODY = -1
"""In `session` and `customer`: it belongs to none, or nobody knows to which."""


class Did(IntEnum):
    """What somebody did with an item."""

    VIEW = 0
    CLICK = 1
    ADD = 2
    REMOVE = 3
    CHECKOUT = 4
    PURCHASE = 5


class Rows(NamedTuple):
    """Interactions grouped by session or customer: group g has `items[starts[g]:starts[g + 1]]`, oldest first."""

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    at: NDArray[np.int64]
    groups: NDArray[np.int32]
    """Which session or customer group g is."""

    def __len__(self) -> int:
        return len(self.groups)


@dataclass(frozen=True, slots=True)
class Items:
    """The catalogue that indices point to, in the order of the indices. Texts are empty where nobody knows them."""

    skus: Sequence[str]
    titles: Sequence[str] = ()
    categories: Sequence[str] = ()
    vendors: Sequence[str] = ()
    since: Sequence[int] = ()
    """When each got these texts, milliseconds UTC; empty where nobody knows."""

    def __len__(self) -> int:
        return len(self.skus)


@dataclass(frozen=True)
class Dataset:
    """Interactions in order of time, all columns of the same length n."""

    items: Items
    item: NDArray[np.int32]
    at: NDArray[np.int64]
    """Milliseconds UTC; where only an order is known, 0, 1, 2, ..."""
    session: NDArray[np.int32]
    """Which visit (`NOBODY`: none). A file's sessions are numbered in order of their last interaction."""
    customer: NDArray[np.int32]
    """Which customer, as an index of `customers` (`NOBODY`: unknown)."""
    did: NDArray[np.int8]
    """Of `Did`."""
    quantity: NDArray[np.int32]
    customers: Sequence[str] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    """Where it came from, for the model's card: `source`, `from`, `to`."""

    def __len__(self) -> int:
        return len(self.item)

    def where(self, rows: NDArray[np.bool_]) -> "Dataset":
        """The same catalogue with some of the interactions: indices keep their meaning."""
        return Dataset(
            self.items,
            self.item[rows],
            self.at[rows],
            self.session[rows],
            self.customer[rows],
            self.did[rows],
            self.quantity[rows],
            self.customers,
            self.source,
        )

    @cached_property
    def by_session(self) -> Rows:
        """Visits, in the order of their last interaction."""
        rows = _grouped(self.session, self)
        last = rows.at[rows.starts[1:] - 1] if len(rows) else rows.at
        return _reordered(rows, np.argsort(last, kind="stable"))

    @cached_property
    def by_customer(self) -> Rows:
        """Customers by index, with what they did: purchases only if `bought` made this."""
        return _grouped(self.customer, self)

    @property
    def bought(self) -> "Dataset":
        """The purchases only."""
        return self.where(self.did == Did.PURCHASE)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the columns and SKUs: which data a model was made of."""
        digest = sha256("\n".join(self.items.skus).encode())
        for column in (self.item, self.at, self.session, self.customer, self.did, self.quantity):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


def dataset_of(
    items: Items,
    item: Sequence[int] | NDArray[np.int32],
    at: Sequence[int] | NDArray[np.int64],
    *,
    session: Sequence[int] | NDArray[np.int32] | None = None,
    customer: Sequence[int] | NDArray[np.int32] | None = None,
    did: Sequence[int] | NDArray[np.int8] | None = None,
    quantity: Sequence[int] | NDArray[np.int32] | None = None,
    customers: Sequence[str] = (),
    source: Mapping[str, str] | None = None,
) -> Dataset:
    """A dataset of columns in any order; what is left out is `NOBODY`, a click, one."""
    count = len(item)
    times = np.asarray(at, np.int64)
    order = np.argsort(times, kind="stable")

    def column(given: Sequence[int] | NDArray[np.generic] | None, otherwise: int, kind: type[np.generic]) -> NDArray:  # type: ignore[type-arg]
        filled = np.full(count, otherwise, kind) if given is None else np.asarray(given, kind)
        return np.ascontiguousarray(filled[order])

    return Dataset(
        items,
        column(item, 0, np.int32),
        np.ascontiguousarray(times[order]),
        column(session, NOBODY, np.int32),
        column(customer, NOBODY, np.int32),
        column(did, Did.CLICK, np.int8),
        column(quantity, 1, np.int32),
        customers,
        source or {},
    )


def _grouped(key: NDArray[np.int32], data: Dataset) -> Rows:
    known = np.flatnonzero(key != NOBODY)
    order = known[np.argsort(key[known], kind="stable")]
    groups, starts = np.unique(key[order], return_index=True)
    return Rows(np.append(starts, len(order)).astype(np.int64), data.item[order], data.at[order], groups)


def _reordered(rows: Rows, order: NDArray[np.int64]) -> Rows:
    lengths = np.diff(rows.starts)[order]
    starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    places = np.repeat(rows.starts[:-1][order] - starts[:-1], lengths) + np.arange(starts[-1])
    return Rows(starts, rows.items[places], rows.at[places], rows.groups[order])
