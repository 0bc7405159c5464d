"""The checker itself: it accepts what some order explains, and nothing else."""

import pytest

from engine.kernel import Command, Rejected, Reply
from engine.reasons import Reason
from engine.stock import Commit, Done, Held, LookStock, Receive, Release, Reserve, StockView

from .linearizability import FOREVER, Expire, Operation, explain

SOLD_OUT = Rejected(Reason.INSUFFICIENT_STOCK)


def sees(on_hand: int, reserved: int) -> StockView:
    return StockView(on_hand, reserved, on_hand - reserved, 0, 0, 0, 1)


def reserve(name: str) -> Reserve:
    return Reserve(name, 1, 10**15)


HISTORIES: list[tuple[str, bool, list[tuple[Command, float, float, Reply]]]] = [
    (
        "one after the other",
        True,
        [(Receive("r", 1), 0, 1, Done()), (reserve("a"), 2, 3, Held(1, 0)), (reserve("b"), 4, 5, SOLD_OUT)],
    ),
    (
        "of two at the same time either may be first",
        True,
        [(Receive("r", 1), 0, 1, Done()), (reserve("a"), 2, 9, SOLD_OUT), (reserve("b"), 3, 8, Held(1, 0))],
    ),
    (
        "two get the last unit",
        False,
        [(Receive("r", 1), 0, 1, Done()), (reserve("a"), 2, 3, Held(1, 0)), (reserve("b"), 2, 3, Held(2, 0))],
    ),
    (
        "sold out though a unit is left",
        False,
        [(Receive("r", 2), 0, 1, Done()), (reserve("a"), 2, 3, Held(1, 0)), (reserve("b"), 4, 5, SOLD_OUT)],
    ),
    (
        "a look at what was before it began",
        False,
        [(Receive("r", 2), 0, 1, Done()), (reserve("a"), 2, 3, Held(1, 0)), (LookStock(), 4, 5, sees(2, 0))],
    ),
    (
        "nobody heard, and it happened",
        True,
        [(Receive("r", 1), 0, FOREVER, None), (LookStock(), 5, 6, sees(1, 0))],
    ),
    (
        "nobody heard, and it did not happen",
        True,
        [(Receive("r", 1), 0, FOREVER, None), (LookStock(), 5, 6, sees(0, 0))],
    ),
    (
        "it happens and unhappens",
        False,
        [
            (Receive("r", 1), 0, FOREVER, None),
            (LookStock(), 5, 6, sees(1, 0)),
            (LookStock(), 7, 8, sees(0, 0)),
        ],
    ),
    (
        "a hold expires and its unit is sold again",
        True,
        [
            (Receive("r", 1), 0, 1, Done()),
            (reserve("a"), 2, 3, Held(1, 0)),
            (Expire("a"), 2, 9, None),
            (reserve("b"), 4, 5, Held(2, 0)),
            (Commit("a", 1, 0), 6, 7, Rejected(Reason.RESERVATION_ENDED)),
        ],
    ),
    (
        "a committed hold is released",
        False,
        [
            (Receive("r", 1), 0, 1, Done()),
            (reserve("a"), 2, 3, Held(1, 0)),
            (Commit("a", 1, 0), 4, 5, Done()),
            (Release("a"), 6, 7, Done()),
            (LookStock(), 8, 9, sees(1, 0)),
        ],
    ),
]


@pytest.mark.parametrize(("name", "linearizable", "told"), HISTORIES, ids=[name for name, _, _ in HISTORIES])
def test_a_history(name: str, linearizable: bool, told: list[tuple[Command, float, float, Reply]]) -> None:
    assert explain([Operation(*each) for each in told]) is linearizable
