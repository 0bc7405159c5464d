"""The audit's checks and the ledger's sums: each must be able to fail."""

import pytest

from loadtest.audit import check_one_order_per_key, check_units
from loadtest.buyer import CONFIRMED, SOLD_OUT, UNANSWERED, Attempt, answered, distinct
from loadtest.ledger import Ledger
from loadtest.shop import Stock, order_body

SKU = "RETRO-CLOCK"


def attempt(key: str, status: int = CONFIRMED, *, order: str = "", digest: str = "") -> Attempt:
    return Attempt(key, "/v1/orders", order_body([SKU]), status, order or f"ord_{key}", digest=digest)


def movement(event: str, on_hand: int, reserved: int, identity: str = "r1") -> dict[str, object]:
    return {"event": event, "on_hand_change": on_hand, "reserved_change": reserved, "id": identity}


def ledger_of(*movements: dict[str, object]) -> Ledger:
    ledger = Ledger()
    for each in movements:
        ledger.add(each)
    return ledger


@pytest.mark.parametrize(
    ("left", "reserved", "sold", "held"),
    [
        (8, 0, 2, True),
        (8, 0, 3, False),  # one acknowledged too many
        (8, 0, 1, False),  # one sold that nobody was told of
        (8, 1, 2, False),  # a hold that never ended
    ],
)
def test_sold_and_left_must_make_what_was_received(left: int, reserved: int, sold: int, held: bool) -> None:
    confirmed = [attempt(f"k{number}") for number in range(sold)]
    assert check_units(SKU, 10, Stock(left, reserved, left - reserved), confirmed).held is held


@pytest.mark.parametrize(
    ("attempts", "held"),
    [
        ([attempt("a"), attempt("b")], True),
        ([attempt("a", digest="x"), attempt("a", digest="x")], True),
        ([attempt("a", digest="x"), attempt("a", digest="y")], False),
        ([attempt("a", SOLD_OUT, digest="x"), attempt("a", CONFIRMED, digest="y")], False),
        ([attempt("a", order="ord_1"), attempt("b", order="ord_1")], False),
    ],
)
def test_a_key_has_one_order_and_one_answer(attempts: list[Attempt], held: bool) -> None:
    assert check_one_order_per_key(distinct(attempts), attempts).held is held


def test_an_attempt_that_got_no_answer_gives_way_to_one_that_did() -> None:
    assert distinct([attempt("a", UNANSWERED), attempt("a")])["a"].status == CONFIRMED


def test_an_answer_that_is_no_json_is_still_an_answer() -> None:
    assert answered("a", "/v1/orders", {}, 502, b"<html>").status == 502


def test_a_ledger_that_adds_up_has_no_findings() -> None:
    ledger = ledger_of(movement("received", 5, 0, "receipt"), movement("reserved", 0, 2), movement("committed", -2, -2))
    assert ledger.check(Stock(3, 0, 3)) == []
    assert ledger.units == {"received": 5, "reserved": 2, "committed": 2}


@pytest.mark.parametrize(
    "movements",
    [
        pytest.param([movement("reserved", 0, 6)], id="more reserved than there is"),
        pytest.param([movement("reserved", 0, 1), movement("committed", -6, -1)], id="below zero"),
        pytest.param(
            [movement("reserved", 0, 2), movement("released", 0, -1), movement("committed", -1, -1)],
            id="a reservation that ends twice",
        ),
    ],
)
def test_a_ledger_tells_which_rule_was_broken(movements: list[dict[str, object]]) -> None:
    ledger = ledger_of(movement("received", 5, 0, "receipt"), *movements)
    assert ledger.check(Stock(ledger.on_hand, ledger.reserved, 0))


def test_a_ledger_that_differs_from_the_quantities_is_found() -> None:
    assert ledger_of(movement("received", 5, 0)).check(Stock(4, 0, 4))
