"""The stock of one SKU at one location: what is on hand, what is held for whom, and until when.

A reservation ends in exactly one way: commit, release or expiry. Every command names its reservation (or receipt), so
sending one twice is harmless. Memory is bounded by the holds that are open, not by the units ever sold.
"""

from ..backorders import BackorderEvent, BackorderView, LookBackorder
from ..incoming import Dispatch, Dispatched, DispatchTaken, Expect, ExpectationSet, ExpectationTold
from ..kernel import Instant, Kind
from ..reservation import (
    COMMIT_KNOWN_MS,
    DAY_MS,
    ENDED_KEPT_MS,
    LONGEST_HOLD_MS,
    MOST_EXPIRED_AT_ONCE,
    MOST_UNITS,
    SECOND_MS,
    SOLD_KEPT_MS,
    Commit,
    Committed,
    Done,
    Ended,
    Expired,
    Held,
    Hold,
    NextExpiryFound,
    Release,
    Released,
    Reserve,
    Reserved,
    Return,
    Returned,
    Sold,
)
from .decisions import MOST_ON_HAND, decide
from .messages import (
    DEFAULT_LOCATION,
    Adjust,
    Adjusted,
    LookStock,
    PolicySet,
    Receive,
    Received,
    SetPolicy,
    StockView,
    stock_key,
)
from .state import RECEIPTS_KEPT, Stock, apply, view

__all__ = [
    "COMMIT_KNOWN_MS",
    "DAY_MS",
    "DEFAULT_LOCATION",
    "ENDED_KEPT_MS",
    "LONGEST_HOLD_MS",
    "MOST_EXPIRED_AT_ONCE",
    "MOST_ON_HAND",
    "MOST_UNITS",
    "RECEIPTS_KEPT",
    "SECOND_MS",
    "SOLD_KEPT_MS",
    "STOCK",
    "Adjust",
    "Adjusted",
    "Commit",
    "Committed",
    "Done",
    "Ended",
    "Expired",
    "Held",
    "Hold",
    "LookStock",
    "NextExpiryFound",
    "PolicySet",
    "Receive",
    "Received",
    "Release",
    "Released",
    "Reserve",
    "Reserved",
    "Return",
    "Returned",
    "SetPolicy",
    "Sold",
    "Stock",
    "StockView",
    "stock_key",
]


def remind_at(stock: Stock) -> Instant | None:
    """When a hold may expire; never later than the first does."""
    return stock.next_expiry or None


STOCK = Kind(
    name="stock",
    new=Stock,
    decide=decide,
    apply=apply,
    commands=Receive
    | Adjust
    | SetPolicy
    | Reserve
    | Commit
    | Release
    | Return
    | LookStock
    | Expect
    | Dispatch
    | LookBackorder,
    events=Received
    | Adjusted
    | PolicySet
    | Reserved
    | Committed
    | Released
    | Expired
    | Returned
    | NextExpiryFound
    | ExpectationSet
    | Dispatched
    | BackorderEvent,
    answers=Held | Done | StockView | ExpectationTold | DispatchTaken | BackorderView,
    state=Stock,
    remind_at=remind_at,
    view=view,
)
