"""The second books of vouchers: they agree with the engine, and notice what doesn't add up."""

from typing import Any

import pytest

from engine.coupon import COUPON, CouponPut
from engine.gift_card import GIFT_CARD, CardIssued, ToppedUp
from engine.kernel import Event, Kind
from engine.money import Money
from engine.reservation import Committed, Expired, Released, Reserved, Returned
from serve.cli.voucher_books import VoucherBooks

AT = 1_800_000_000_000
CARD = [
    CardIssued(Money(500, "USD"), "…4711", 0, "", AT),
    Reserved("ord-1:0", 100, AT),
    Committed("ord-1:0", 100, AT),
    ToppedUp("t-1", Money(50, "USD"), "", AT),
    Reserved("ord-2:0", 450, AT),
    Released("ord-2:0", 450, AT),
    Reserved("ord-3:0", 10, AT),
    Expired("ord-3:0", 10, AT),
    Released("ord-4:0", 0, AT),
    Returned("ord-1:0", 100, AT),
]
CODE = [CouponPut("summer", 3, 0, 0, True), Reserved("ord-1:0", 1, AT), Committed("ord-1:0", 1, AT)]


def faults(kind: Kind, events: list[Event]) -> tuple[list[str], Any]:
    state = kind.new("key")
    books = VoucherBooks(state)
    found: list[str] = []
    for event in events:
        found += books.record(event)
        kind.apply(state, event)
        found += books.compare(state)
    return found, state


@pytest.mark.parametrize(("kind", "events"), [(GIFT_CARD, CARD), (COUPON, CODE)])
def test_both_books_agree_after_every_event(kind: Kind, events: list[Event]) -> None:
    assert faults(kind, events)[0] == []


def test_a_card_that_holds_more_than_it_has_is_told() -> None:
    found, _ = faults(GIFT_CARD, [*CARD[:1], Reserved("ord-1:0", 400, AT), Reserved("ord-2:0", 200, AT)])
    assert found == ["overspent: 600 are held of 500"]


def test_an_engine_that_counts_otherwise_is_told() -> None:
    _, card = faults(GIFT_CARD, CARD[:3])
    books = VoucherBooks(card)
    card.balance += 1
    card.holds.reserved += 1
    assert [fault.split(",")[0] for fault in books.compare(card)] == ["reserved is 1", "the balance is 401"]
    _, coupon = faults(COUPON, CODE)
    books = VoucherBooks(coupon)
    coupon.used = 2
    assert list(books.compare(coupon)) == ["used is 2, but 1 uses were committed and not returned"]
