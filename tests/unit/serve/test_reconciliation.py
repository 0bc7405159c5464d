"""What providers say against what orders say: every difference is found, and what is safe to mend is mended."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.cart import Line
from engine.money import Money
from engine.order import LookOrder, OrderView, Place
from engine.order.aftersale.refunds import RefundOrder
from engine.stock import Receive
from serve.reconciliation import payments_of
from tests.providers.misbehaving import Fault
from tests.providers.stripe_server import VISA
from tests.unit.engine.world import World

from .paid_shop import PRICE, WINDOW_MS, PaidShop
from .shopfront import START_MS, Shopfront, kind_of

PATH = "/v1/payments/reconciliation"
WINDOW = "since=2026-11-18T00:00:00Z&until=2026-11-19T00:00:00Z"
"""Around `START_MS`."""


@pytest.fixture
def at() -> Iterator[PaidShop]:
    paid = PaidShop()
    paid.stripe.created_at = paid.paypal.created_at = START_MS / 1_000
    with paid.shop:
        yield paid


def compared(at: PaidShop, *, mend: bool = False) -> dict[str, Any]:
    answer = at.shop.request("POST" if mend else "GET", f"{PATH}?{WINDOW}", admin=True)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def kinds(found: dict[str, Any]) -> list[str]:
    return [finding["kind"] for finding in found["findings"]]


def test_books_that_agree_have_nothing_open(at: PaidShop) -> None:
    assert at.buy("stripe", VISA).status_code == 201
    at.pending_at_paypal_as("key-2")
    found = compared(at)
    assert (found["open"], found["payments"], found["orders"], found["methods"]) == (0, 2, 2, ["paypal", "stripe"])


def test_a_refund_in_parts_that_both_sides_know_of_is_no_difference(at: PaidShop) -> None:
    bought = at.buy("stripe", VISA)
    path = f"/v1/admin/orders/{bought.json()['id']}/refunds"
    assert at.shop.post(path, json={"amount": 500, "reason": "scratched"}, admin=True).status_code == 201
    at.shop.let_effects_run()
    assert at.stripe.kept(bought.json()["payment_id"]) == PRICE - 500
    assert compared(at)["findings"] == []


def test_what_became_store_credit_is_still_at_the_provider() -> None:
    world = World()
    world.send("stock", "LAVA-LAMP@default", Receive("r-1", 1))
    lamp = Line("LAVA-LAMP", 1, Money(PRICE, "USD"))
    world.send("order", "ord-1", Place("fp", "ann@example.org", "stripe", "tok_ok", (lamp,), customer="acc_ann"))
    world.run("ord-1")
    world.send("order", "ord-1", RefundOrder("r-1", 500, to_credit=True))
    world.run("ord-1")
    order = world.send("order", "ord-1", LookOrder())
    assert isinstance(order, OrderView)
    (expected,) = payments_of(order).values()
    assert (expected.captured, expected.refunded, expected.asked_back) == (PRICE, 0, 0)


def test_an_order_that_missed_its_webhook_is_told(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    at.stripe.authenticate(payment)
    assert kinds(compared(at)) == ["unheard"]
    assert at.order()["status"] == "awaiting-payment"
    assert compared(at, mend=True)["open"] == 0
    assert at.order()["status"] == "confirmed"
    assert compared(at)["findings"] == []


def test_money_that_came_after_the_end_of_its_order_goes_back(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    at.shop.clock.advance(WINDOW_MS)
    at.shop.let_time_pass()
    at.stripe.intents[payment].update(status="succeeded", amount_received=PRICE)
    assert kinds(compared(at)) == ["surplus"]
    found = compared(at, mend=True)
    assert (found["open"], found["findings"][0]["mended"]) == (0, True)
    assert at.stripe.kept(payment) == 0


def test_money_that_is_still_held_for_an_order_that_ended_is_released(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    at.shop.clock.advance(WINDOW_MS)
    at.shop.let_time_pass()
    at.stripe.intents[payment]["status"] = "requires_capture"
    assert kinds(compared(at)) == ["held"]
    assert compared(at, mend=True)["open"] == 0
    assert at.stripe.intents[payment]["status"] == "canceled"


def test_a_second_payment_of_an_order_goes_back(at: PaidShop) -> None:
    bought = at.buy("stripe", VISA).json()
    intent = at.stripe.intents[bought["payment_id"]]
    at.stripe.intents["pi_twice"] = {**intent, "id": "pi_twice"}
    assert kinds(compared(at)) == ["surplus"]
    assert compared(at, mend=True)["open"] == 0
    assert (at.stripe.kept("pi_twice"), at.stripe.kept(bought["payment_id"])) == (0, PRICE)


def test_money_without_an_order_is_for_people(at: PaidShop) -> None:
    bought = at.buy("stripe", VISA).json()
    intent = at.stripe.intents[bought["payment_id"]]
    for number, key in enumerate((f"ord_{'0' * 32}:pay", "nonsense")):
        metadata = {"doorbuster_key": key}
        at.stripe.intents[f"pi_{number}"] = {**intent, "id": f"pi_{number}", "metadata": metadata}
    for mend in (False, True):
        found = compared(at, mend=mend)
        assert (kinds(found), found["open"]) == (["order-unknown", "order-unknown"], 2)
    assert at.stripe.kept("pi_0") == PRICE


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"status": "canceled"}, "money-missing"),
        ({"amount_received": 1}, "amount-differs"),
    ],
)
def test_money_that_an_order_counts_on_and_the_provider_has_not_is_for_people(
    at: PaidShop, change: dict[str, Any], kind: str
) -> None:
    bought = at.buy("stripe", VISA).json()
    at.stripe.intents[bought["payment_id"]].update(change)
    assert kinds(compared(at, mend=True)) == [kind]


def test_a_payment_that_the_provider_never_had_is_found_from_its_order(at: PaidShop) -> None:
    bought = at.buy("stripe", VISA).json()
    del at.stripe.intents[bought["payment_id"]]
    [finding] = compared(at, mend=True)["findings"]
    assert (finding["kind"], finding["order_id"], finding["expected"]) == ("money-missing", bought["id"], PRICE)


def test_a_refund_that_somebody_made_at_the_provider_is_told(at: PaidShop) -> None:
    bought = at.buy("stripe", VISA).json()
    at.stripe._refund("", {"payment_intent": bought["payment_id"], "amount": "500"})
    [finding] = compared(at, mend=True)["findings"]
    assert (finding["kind"], finding["expected"], finding["found"]) == ("refund-differs", 0, 500)


def test_paypal_is_compared_from_both_sides(at: PaidShop) -> None:
    payment = at.pending_at_paypal()
    at.paypal.approve(payment)
    assert kinds(compared(at)) == ["unheard"]
    assert compared(at, mend=True)["open"] == 0
    assert (at.order()["status"], at.paypal.kept(payment)) == ("confirmed", PRICE)
    assert compared(at)["findings"] == []


def test_another_window_has_none_of_it(at: PaidShop) -> None:
    at.pending_at_stripe()
    answer = at.shop.get(f"{PATH}?since=2026-11-17T00:00:00Z&until=2026-11-18T00:00:00Z", admin=True)
    assert (answer.json()["payments"], answer.json()["orders"]) == (0, 0)


def test_a_provider_that_is_away_is_no_finding(at: PaidShop) -> None:
    at.stripe.network.fail("/payment_intents", Fault.BEFORE)
    answer = at.shop.get(f"{PATH}?{WINDOW}", admin=True)
    assert (answer.status_code, kind_of(answer)) == (503, "unavailable")


@pytest.mark.parametrize(
    "window",
    [
        "since=2026-11-18T00:00:00Z",
        "since=2026-11-18T00:00:00Z&until=2026-11-18T00:00:00Z",
        "since=2026-11-18T00:00:00Z&until=2026-11-20T00:00:00Z",
        "since=yesterday&until=today",
    ],
)
def test_a_window_must_be_one(at: PaidShop, window: str) -> None:
    assert at.shop.get(f"{PATH}?{window}", admin=True).status_code == 422


def test_only_those_who_sell_may_look(shop: Shopfront) -> None:
    assert shop.get(f"{PATH}?{WINDOW}").status_code == 401
    assert shop.get(f"{PATH}?{WINDOW}", headers=shop.token("acc_1")).status_code == 403
