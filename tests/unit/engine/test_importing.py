"""History that another system wrote: orders, returns and credits with dates of their own, that move nothing here."""

from typing import Any

import pytest

from engine.account import AccountView, ImportAccount, LookAccount, LookOrders, OpenAccount, OrderNotes, SignIn
from engine.account.messages import Erase
from engine.cart import Line
from engine.credit import CreditLine, CreditView, ImportCredit, LookCredit
from engine.history import Imported
from engine.kernel import EffectAnswered, Rejected
from engine.money import Money
from engine.order import (
    Anonymize,
    Cancel,
    CreditedUnits,
    DeliveryAddress,
    Fulfil,
    ImportOrder,
    ImportReturn,
    LookOrder,
    OrderView,
    SettlePayment,
    Status,
)
from engine.order.aftersale.edits import EditOrder
from engine.order.aftersale.fulfilment import MoveShipment
from engine.order.aftersale.notes import AddNote
from engine.order.aftersale.records import LineUnits, ReturnedUnits, ReturnReason, ShipmentStatus
from engine.order.aftersale.refunds import RefundOrder
from engine.order.aftersale.returns import RequestReturn
from engine.order.effects import effects
from engine.payment import Authorized
from engine.reasons import Reason

from .world import DAY_MS, START, World, named

ORDER = "ord_1"
LONG_AGO = START - 4_000 * DAY_MS
LANTERN = Line("METAL-LANTERN", 6, Money(339, "GBP"), "White metal lantern")
CHEAPER = Line("METAL-LANTERN", 60, Money(299, "GBP"), "White metal lantern")
HEART = Line("T-LIGHT-HEART", 2, Money(255, "GBP"), "Hanging heart")
FRANCE = DeliveryAddress("", "", "", "FR")


def sold(**changes: Any) -> ImportOrder:
    content: dict[str, Any] = {
        "source": "old-shop",
        "reference": "536365",
        "fingerprint": "print",
        "placed_at": LONG_AGO,
        "currency": "GBP",
        "lines": (LANTERN, CHEAPER, HEART),
        "shipping": 1_800,
        "address": FRANCE,
        **changes,
    }
    return ImportOrder(**content)


@pytest.fixture
def world() -> World:
    made = World()
    assert made.send("order", ORDER, sold()) == Imported(True)
    return made


def look(world: World) -> OrderView:
    view = world.send("order", ORDER, LookOrder())
    assert isinstance(view, OrderView)
    return view


def test_an_imported_order_is_fulfilled_with_its_own_date(world: World) -> None:
    order = look(world)
    assert (order.status, order.placed_at, order.number, order.source) == (
        Status.FULFILLED,
        LONG_AGO,
        "536365",
        "old-shop",
    )
    assert order.settlement is not None
    assert (order.settlement.status, order.settlement.at) == (Status.CONFIRMED, LONG_AGO)
    assert order.total == Money(6 * 339 + 60 * 299 + 2 * 255 + 1_800, "GBP")
    assert order.payment_status == "elsewhere"


def test_nothing_follows_from_it_elsewhere(world: World) -> None:
    assert list(effects(world.state("order", ORDER))) == []
    assert set(world.states) == {("order", ORDER)}


def test_the_same_import_again_changes_nothing(world: World) -> None:
    before = len(world.journal["order", ORDER])
    assert world.send("order", ORDER, sold()) == Imported(False)
    assert len(world.journal["order", ORDER]) == before
    changed = world.send("order", ORDER, sold(fingerprint="other"))
    assert isinstance(changed, Rejected)
    assert changed.reason is Reason.KEY_REUSED


@pytest.mark.parametrize(
    ("changes", "field"),
    named(
        [
            ("no source", {"source": ""}, "source"),
            ("a long number", {"reference": "9" * 33}, "reference"),
            ("tomorrow", {"placed_at": START + DAY_MS}, "at"),
            ("no date", {"placed_at": 0}, "at"),
            ("nothing", {"lines": (), "shipping": 0}, "lines"),
            ("too many lines", {"lines": (HEART,) * 1_501}, "lines"),
            ("no currency", {"currency": "pounds"}, "currency"),
            ("another currency", {"lines": (Line("CLOCK", 1, Money(1, "USD")),)}, "price"),
            ("no unit", {"lines": (Line("CLOCK", 0, Money(1, "GBP")),)}, "quantity"),
            ("no SKU", {"lines": (Line("", 1, Money(1, "GBP")),)}, "sku"),
            ("negative shipping", {"shipping": -1}, "shipping"),
            ("a long customer", {"customer": "c" * 256}, "customer"),
        ]
    ),
)
def test_what_no_order_can_be_is_refused(changes: dict[str, Any], field: str) -> None:
    refusal = World().send("order", ORDER, sold(**changes))
    assert isinstance(refusal, Rejected)
    assert refusal.details["field"] == field


def test_it_fits_the_longest_invoices() -> None:
    lines = tuple(Line(f"SKU-{number}", 1, Money(100, "GBP"), "x" * 35) for number in range(1_200))
    world = World()
    assert world.send("order", ORDER, sold(lines=lines)) == Imported(True)
    assert len(look(world).lines) == 1_200


def test_an_order_of_nothing_but_shipping_stays_fulfilled() -> None:
    world = World()
    world.send("order", ORDER, sold(lines=()))
    world.send("order", ORDER, AddNote("n-1", "A parcel was posted twice.", True))
    assert look(world).status is Status.FULFILLED


@pytest.mark.parametrize(
    "command",
    [
        EditOrder("e-1", remove=(LineUnits(0, 1),)),
        RefundOrder("f-1", 100),
        RequestReturn("r-1", (ReturnedUnits(0, 1, ReturnReason.OTHER),)),
        MoveShipment("whole", ShipmentStatus.RETURNED_TO_SENDER),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nobody_changes_it_here(world: World, command: Any) -> None:
    refusal = world.send("order", ORDER, command)
    assert isinstance(refusal, Rejected)
    assert refusal.reason is Reason.ORDER_IMPORTED


def test_it_can_be_noted_and_neither_cancelled_nor_paid(world: World) -> None:
    world.send("order", ORDER, AddNote("n-1", "A good customer.", True))
    cancelled = world.send("order", ORDER, Cancel())
    assert isinstance(cancelled, Rejected)
    assert cancelled.reason is Reason.ORDER_NOT_CANCELLABLE
    assert not isinstance(world.send("order", ORDER, Fulfil()), Rejected)
    paid = world.send("order", ORDER, SettlePayment(f"{ORDER}:pay", Authorized("pay-1", True)))
    assert isinstance(paid, Rejected)
    assert paid.reason is Reason.NOT_FOUND


def test_what_came_back_has_its_own_date_and_amount(world: World) -> None:
    back = ImportReturn("C536379", LONG_AGO + DAY_MS, (CreditedUnits(1, 10, 2_990), CreditedUnits(2, 2, 510)))
    assert world.send("order", ORDER, back) == Imported(True)
    order = look(world)
    assert order.status is Status.FULFILLED
    assert order.after is not None
    (known,) = order.after.returns
    assert (known.return_id, known.credit, known.changed_at) == ("C536379", 3_500, LONG_AGO + DAY_MS)
    assert [item.returnable for item in order.after.items] == [6, 50, 0]
    assert (order.after.captured, order.after.refunded) == (24_284 - 2_000, 3_500)
    assert world.send("order", ORDER, back) == Imported(False)
    assert list(effects(world.state("order", ORDER))) == []
    world.check_folds()


def test_more_may_go_back_than_a_line_had_cost(world: World) -> None:
    world.send("order", ORDER, ImportReturn("C1", LONG_AGO, (CreditedUnits(2, 2, 9_999_999),)))
    after = look(world).after
    assert after is not None
    assert (after.items[2].refunded, after.captured - after.refunded) == (510, 0)


@pytest.mark.parametrize(
    ("command", "reason"),
    named(
        [
            ("too many", ImportReturn("C2", START, (CreditedUnits(0, 7, 1),)), Reason.UNITS_UNAVAILABLE),
            ("none", ImportReturn("C2", START, ()), Reason.INVALID_COMMAND),
            ("no such line", ImportReturn("C2", START, (CreditedUnits(3, 1, 1),)), Reason.INVALID_COMMAND),
            (
                "twice a line",
                ImportReturn("C2", START, (CreditedUnits(0, 1, 1), CreditedUnits(0, 1, 1))),
                Reason.INVALID_COMMAND,
            ),
            ("before it was sold", ImportReturn("C2", LONG_AGO - 1, (CreditedUnits(0, 1, 1),)), Reason.INVALID_COMMAND),
            ("tomorrow", ImportReturn("C2", START + DAY_MS, (CreditedUnits(0, 1, 1),)), Reason.INVALID_COMMAND),
            ("a debt", ImportReturn("C2", START, (CreditedUnits(0, 1, -1),)), Reason.INVALID_COMMAND),
            ("no name", ImportReturn("", START, (CreditedUnits(0, 1, 1),)), Reason.INVALID_COMMAND),
            ("another content", ImportReturn("C1", START, (CreditedUnits(0, 2, 1),)), Reason.KEY_REUSED),
        ]
    ),
)
def test_a_return_that_cannot_be_is_refused(world: World, command: ImportReturn, reason: Reason) -> None:
    world.send("order", ORDER, ImportReturn("C1", LONG_AGO, (CreditedUnits(0, 1, 339),)))
    refusal = world.send("order", ORDER, command)
    assert isinstance(refusal, Rejected)
    assert refusal.reason is reason


def test_a_return_needs_an_imported_order() -> None:
    refusal = World().send("order", "ord_2", ImportReturn("C1", LONG_AGO, (CreditedUnits(0, 1, 1),)))
    assert isinstance(refusal, Rejected)
    assert refusal.reason is Reason.NOT_FOUND


# -- customers


def test_a_customer_known_by_a_number_has_orders_and_no_login() -> None:
    world = World()
    world.send("account", "acc_17850", ImportAccount("old-shop", "17850", "GB"))
    world.send("order", ORDER, sold(customer="acc_17850", placed_at=LONG_AGO + DAY_MS))
    world.send("order", "ord_2", sold(customer="acc_17850"))
    world.run(ORDER)
    world.run("ord_2")
    found = world.send("account", "acc_17850", LookOrders())
    assert isinstance(found, OrderNotes)
    assert [note.order_id for note in found.orders] == [ORDER, "ord_2"]
    assert isinstance(world.send("account", "acc_17850", LookAccount()), AccountView)
    assert isinstance(world.send("account", "acc_17850", ImportAccount("old-shop", "17850", "GB")), AccountView)
    refused = world.send("account", "acc_17850", SignIn("s-1", "token", 0, START + DAY_MS))
    assert isinstance(refused, Rejected)


def test_orders_are_listed_by_their_own_dates() -> None:
    world = World()
    world.send("account", "acc_17850", ImportAccount("old-shop", "17850"))
    for order_id, days in ((ORDER, 3), ("ord_2", 1), ("ord_3", 2)):
        world.send("order", order_id, sold(customer="acc_17850", placed_at=LONG_AGO + days * DAY_MS))
        world.run(order_id)
    found = world.send("account", "acc_17850", LookOrders())
    assert isinstance(found, OrderNotes)
    assert [note.order_id for note in found.orders] == [ORDER, "ord_3", "ord_2"]


def test_an_erased_customer_is_not_imported_again() -> None:
    world = World()
    world.send("account", "acc_17850", ImportAccount("old-shop", "17850"))
    world.send("account", "acc_17850", Erase())
    for command in (ImportAccount("old-shop", "17850"), OpenAccount("a@example.org", "mail_a")):
        refusal = world.send("account", "acc_17850", command)
        assert isinstance(refusal, Rejected)


def test_an_anonymous_order_takes_the_same_import_as_done() -> None:
    world = World()
    world.send("order", ORDER, sold(email="ada@example.org"))
    world.send("order", ORDER, Anonymize())
    assert world.send("order", ORDER, sold(email="ada@example.org")) == Imported(False)
    assert look(world).email == ""
    assert look(world).address == FRANCE


def test_an_effect_that_is_answered_twice_notes_once() -> None:
    world = World()
    world.send("account", "acc_17850", ImportAccount("old-shop", "17850"))
    world.send("order", ORDER, sold(customer="acc_17850"))
    world.run(ORDER)
    before = len(world.journal["order", ORDER])
    world.send("order", ORDER, EffectAnswered("note", None))
    assert len(world.journal["order", ORDER]) == before


# -- credits


def credited(**changes: Any) -> ImportCredit:
    content: dict[str, Any] = {
        "source": "old-shop",
        "reference": "C536379",
        "fingerprint": "print",
        "credited_at": LONG_AGO,
        "currency": "GBP",
        "lines": (CreditLine("goods", 2_750, "METAL-LANTERN", 1, "White metal lantern"), CreditLine("discount", 500)),
        "address": FRANCE,
        **changes,
    }
    return ImportCredit(**content)


def test_a_credit_is_recorded_once() -> None:
    world = World()
    assert world.send("credit", "crd_1", credited()) == Imported(True)
    view = world.send("credit", "crd_1", LookCredit())
    assert isinstance(view, CreditView)
    assert (view.total, view.at, view.country) == (Money(3_250, "GBP"), LONG_AGO, "FR")
    assert world.send("credit", "crd_1", credited()) == Imported(False)
    assert len(world.journal["credit", "crd_1"]) == 1
    other = world.send("credit", "crd_1", credited(fingerprint="other"))
    assert isinstance(other, Rejected)
    assert other.reason is Reason.KEY_REUSED


@pytest.mark.parametrize(
    ("changes", "field"),
    named(
        [
            ("no source", {"source": ""}, "source"),
            ("tomorrow", {"credited_at": START + DAY_MS}, "at"),
            ("a long customer", {"customer": "c" * 256}, "customer"),
            ("no currency", {"currency": ""}, "currency"),
            ("nothing", {"lines": ()}, "lines"),
            ("an unknown kind", {"lines": (CreditLine("gift", 1),)}, "kind"),
            ("goods without SKU", {"lines": (CreditLine("goods", 1, "", 1),)}, "sku"),
            ("a discount with SKU", {"lines": (CreditLine("discount", 1, "CLOCK"),)}, "sku"),
            ("goods without units", {"lines": (CreditLine("goods", 1, "CLOCK", 0),)}, "quantity"),
            ("a debt", {"lines": (CreditLine("shipping", -1),)}, "amount"),
            ("a long title", {"lines": (CreditLine("shipping", 1, title="x" * 501),)}, "title"),
        ]
    ),
)
def test_a_credit_that_cannot_be_is_refused(changes: dict[str, Any], field: str) -> None:
    refusal = World().send("credit", "crd_1", credited(**changes))
    assert isinstance(refusal, Rejected)
    assert refusal.details["field"] == field


def test_a_credit_that_nobody_recorded_is_not_there() -> None:
    refusal = World().send("credit", "crd_1", LookCredit())
    assert isinstance(refusal, Rejected)
    assert refusal.reason is Reason.NOT_FOUND
