"""The comparison after a fault must be able to tell what is missing, what counts twice, and what is out of order."""

from loadtest.feed_faults.compared import CONFIRMED, SPARSE, Event, compare, differing, units_confirmed
from loadtest.feed_faults.report import Row, markdown
from loadtest.feed_faults.stage import Verdict


def event(number: int, key: str = "order:ord_1", kind: str = "doorbuster.order.placed.v1", said: str = "") -> Event:
    return Event(f"{key}:{number}", kind, key, f"{number:012}.00", said)


def change(number: int, said: str = "") -> Event:
    return event(number, "stock:RETRO-CLOCK", SPARSE, said)


RECORDED = [event(1), event(2), event(1, "order:ord_2"), change(1, "5 left"), change(4, "2 left")]


def test_what_comes_twice_counts_once() -> None:
    found = compare(RECORDED, [*RECORDED, *RECORDED[1:3]])
    assert (found.events, found.again, found.missing, found.strange) == (5, 2, frozenset(), frozenset())


def test_what_was_not_told_is_missing() -> None:
    assert compare(RECORDED, [RECORDED[0], *RECORDED[2:]]).missing == {"order:ord_1:2"}
    assert compare(RECORDED, []).missing == {"order:ord_1:1", "order:ord_1:2", "order:ord_2:1", "stock:RETRO-CLOCK"}


def test_of_a_stocks_changes_the_last_one_is_told_whatever_else_is() -> None:
    others = RECORDED[:3]
    assert not compare(RECORDED, [*others, change(4, "2 left"), change(3, "3 left")]).missing
    assert not compare(RECORDED, [*others, change(4, "2 left"), change(3, "3 left")]).strange
    assert compare(RECORDED, [*others, change(3, "3 left")]).missing == {"stock:RETRO-CLOCK"}
    assert compare(RECORDED, [*others, change(4, "4 left")]).missing == {"stock:RETRO-CLOCK"}


def test_what_nobody_recorded_or_says_something_else_or_comes_late_is_strange() -> None:
    assert compare(RECORDED, [*RECORDED, event(3)]).strange == {"order:ord_1:3"}
    assert compare(RECORDED, [*RECORDED, event(1, said="other")]).strange == {"order:ord_1:1"}
    assert compare(RECORDED, [RECORDED[1], RECORDED[0], *RECORDED[2:]]).strange == {"order:ord_1:1"}


def test_books_are_too_low_or_too_high() -> None:
    line = {"sku": "RETRO-CLOCK", "quantity": 2}
    confirmed = [Event("1", CONFIRMED, "order:ord_1", "1", {"lines": [line, line]}), event(1)]
    assert units_confirmed(confirmed) == {"RETRO-CLOCK": 4}
    assert differing({"RETRO-CLOCK": 3, "LAVA-LAMP": 1}, {"RETRO-CLOCK": 4, "RADIO": 2}) == (3, 1)


def test_a_verdict_holds_only_if_everything_does() -> None:
    right = compare(RECORDED, RECORDED)
    short = compare(RECORDED, RECORDED[1:])
    nothing = (0, 0)
    verdict = Verdict(right, right, nothing, nothing, nothing, nothing, "")
    assert verdict.holds
    for wrong in (
        Verdict(right, short, nothing, nothing, nothing, nothing, ""),
        Verdict(right, right, (1, 0), nothing, nothing, nothing, ""),
        Verdict(right, right, nothing, (0, 1), nothing, nothing, ""),
        Verdict(right, right, nothing, nothing, (1, 0), nothing, ""),
        Verdict(right, right, nothing, nothing, nothing, (0, 1), ""),
        Verdict(right, right, nothing, nothing, nothing, nothing, "2 totals differ"),
    ):
        assert not wrong.holds
    assert "| 3 | 10 | 50 | 5 + 5 | 0 + 0 | 0 | 0 | 1.5 s, at most 2.0 s |" in markdown(
        [Row("kill -9", 3, 10, 50, [1.5, 1.0, 2.0], verdict)]
    )
