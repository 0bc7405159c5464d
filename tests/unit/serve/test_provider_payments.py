"""Purchases paid at Stripe and PayPal, over HTTP: webhooks in any order come to one state, and no money is lost."""

from collections.abc import Iterator

import pytest

from serve.gateways.paypal import TOKEN
from serve.identity import order_id_of
from tests.providers.misbehaving import Fault
from tests.providers.stripe_server import DECLINED, THREE_D_SECURE, VISA, signature_of

from .paid_shop import PRICE, WINDOW_MS, PaidShop
from .shopfront import SECRET, Shopfront, kind_of

STRIPE, PAYPAL = "/v1/webhooks/stripe", "/v1/webhooks/paypal"


@pytest.fixture
def at() -> Iterator[PaidShop]:
    paid = PaidShop()
    with paid.shop:
        yield paid


# -- purchases


def test_a_card_is_charged_at_stripe(at: PaidShop) -> None:
    bought = at.buy("stripe", VISA)
    assert (bought.status_code, at.order()["payment"]["status"]) == (201, "captured")
    assert at.stripe.kept(bought.json()["payment_id"]) == PRICE


def test_a_declined_card_buys_nothing_and_its_payment_can_not_be_tried_again_with_another(at: PaidShop) -> None:
    answer = at.buy("stripe", DECLINED)
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_funds")
    assert [intent["status"] for intent in at.stripe.intents.values()] == ["canceled"]
    assert at.shop.stock("RETRO-CLOCK")["available"] == 5


def test_an_unknown_method_is_told_those_that_there_are(at: PaidShop) -> None:
    for answer in (
        at.buy("barter", "goat"),
        at.shop.post(
            f"{at.shop.cart_with(('RETRO-CLOCK', 1))}/checkout",
            json={"email": "ada@example.org", "payment": {"method": "barter", "token": "goat"}},
            headers={"Idempotency-Key": "key-2"},
        ),
    ):
        assert (answer.status_code, kind_of(answer)) == (422, "payment-method-unknown")
        assert answer.json()["methods"] == ["sandbox", "stripe", "paypal"]


def test_a_shopper_who_must_act_is_told_how_at_once(at: PaidShop) -> None:
    card = at.buy("stripe", THREE_D_SECURE)
    assert (card.status_code, card.json()["action"]["client_secret"]) == (
        202,
        f"{at.order()['payment']['id']}_secret_x",
    )
    assert at.order()["payment"]["action"]["client_secret"]
    paypal = at.shop.buy(("RETRO-CLOCK", 1), key="key-2", method="paypal", token=TOKEN)
    assert paypal.status_code == 202
    assert paypal.json()["action"]["redirect_url"].startswith("https://www.paypal.com/")


# -- webhooks


def test_an_authenticated_card_confirms_its_order_by_the_webhook(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    at.stripe.authenticate(payment)
    assert at.hear(STRIPE, at.stripe.event(payment, "payment_intent.amount_capturable_updated")).status_code == 204
    order = at.order()
    assert (order["status"], order["payment"]["status"], order["payment"]["action"]) == ("confirmed", "captured", None)
    assert at.stripe.kept(payment) == PRICE


def test_an_approved_paypal_payment_is_authorized_and_captured_by_the_webhook(at: PaidShop) -> None:
    payment = at.pending_at_paypal()
    at.paypal.approve(payment)
    assert at.hear(PAYPAL, at.paypal.event(payment, "CHECKOUT.ORDER.APPROVED")).status_code == 204
    assert at.order()["status"] == "confirmed"
    assert at.paypal.kept(payment) == PRICE


def test_a_failed_authentication_ends_the_order(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    at.stripe.authenticate(payment, succeeds=False)
    assert at.hear(STRIPE, at.stripe.event(payment, "payment_intent.payment_failed")).status_code == 204
    order = at.order()
    assert (order["status"], order["reason"]) == ("rejected", "payment-declined")


@pytest.mark.parametrize("order_of_events", [(0, 1, 2), (2, 1, 0), (1, 0, 0, 2, 2)])
def test_webhooks_late_doubled_and_out_of_order_come_to_one_state(
    at: PaidShop, order_of_events: tuple[int, ...]
) -> None:
    payment = at.pending_at_stripe()
    events = [at.stripe.event(payment, "payment_intent.requires_action")]
    at.stripe.authenticate(payment)
    events.append(at.stripe.event(payment, "payment_intent.amount_capturable_updated"))
    events.append(at.stripe.event(payment, "payment_intent.succeeded"))
    assert {at.hear(STRIPE, events[index]).status_code for index in order_of_events} == {204}
    assert at.order()["status"] == "confirmed"
    assert at.stripe.kept(payment) == PRICE
    assert at.stripe.refunds == {}


FORGED = {
    "without a signature": {},
    "signed by somebody else": {"secret": "whsec_thief"},
    "signed long ago": {"age_s": 301},
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_or_replayed_stripe_webhook_does_nothing(at: PaidShop, how: str) -> None:
    payment = at.pending_at_stripe()
    at.stripe.authenticate(payment)
    body, _ = at.stripe.event(payment)
    told = FORGED[how]
    headers = {"stripe-signature": signature_of(body, **told)} if told else {}
    answer = at.hear(STRIPE, (body, headers))
    assert (answer.status_code, kind_of(answer)) == (401, "webhook-unverified")
    assert at.order()["status"] == "awaiting-payment"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data": {"object": 1}}', b"\xff", b'{"data": null}'])
def test_a_signed_body_that_is_no_event_is_refused(at: PaidShop, body: bytes) -> None:
    assert at.hear(STRIPE, (body, {"stripe-signature": signature_of(body)})).status_code == 401
    assert at.hear(PAYPAL, (body, {})).status_code == 401


@pytest.mark.parametrize("header", ["paypal-transmission-sig", "paypal-cert-url"])
def test_a_forged_paypal_webhook_does_nothing(at: PaidShop, header: str) -> None:
    payment = at.pending_at_paypal()
    at.paypal.approve(payment)
    body, headers = at.paypal.event(payment, "CHECKOUT.ORDER.APPROVED")
    wrong = {**headers, header: "forged"} if header.endswith("sig") else {**headers, header: ""}
    assert at.hear(PAYPAL, (body, wrong)).status_code == 401
    assert at.order()["status"] == "awaiting-payment"


def test_a_webhook_is_not_acknowledged_before_its_order_has_heard_it(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    at.stripe.authenticate(payment)
    at.stripe.network.fail(payment, Fault.BEFORE)
    event = at.stripe.event(payment)
    answer = at.hear(STRIPE, event)
    assert (answer.status_code, kind_of(answer)) == (503, "unavailable")
    assert "retry-after" in answer.headers
    assert at.hear(STRIPE, event).status_code == 204
    assert at.order()["status"] == "confirmed"


def test_webhooks_of_payments_that_are_not_ours_are_taken_and_forgotten(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    intent = at.stripe.intents[payment]
    for metadata in ({}, {"doorbuster_key": f"ord_{'0' * 32}:pay"}, {"doorbuster_key": "nonsense"}):
        at.stripe.intents["pi_other"] = {**intent, "id": "pi_other", "metadata": metadata}
        assert at.hear(STRIPE, at.stripe.event("pi_other")).status_code == 204
    body = b'{"object": "event", "type": "payout.paid", "data": {"object": {"object": "payout", "id": "po_1"}}}'
    assert at.hear(STRIPE, (body, {"stripe-signature": signature_of(body)})).status_code == 204


def test_a_shop_without_a_provider_has_no_webhook_of_it(shop: Shopfront) -> None:
    assert shop.post(STRIPE, content=b"{}").status_code == 404
    assert shop.post("/v1/webhooks/barter", content=b"{}").status_code == 404


# -- money that isn't as it should be


def test_a_payment_that_comes_after_its_order_expired_goes_back_by_itself(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    at.shop.clock.advance(WINDOW_MS)
    at.shop.let_time_pass()
    assert at.order()["status"] == "expired"
    assert at.stripe.intents[payment]["status"] == "canceled"
    # Against what Stripe promises of a cancelled payment: the shop doesn't keep it all the same.
    at.stripe.intents[payment].update(status="succeeded", amount_received=PRICE)
    assert at.hear(STRIPE, at.stripe.event(payment)).status_code == 204
    at.shop.let_effects_run()
    assert at.stripe.kept(payment) == 0
    assert at.hear(STRIPE, at.stripe.event(payment)).status_code == 204
    assert len(at.stripe.refunds) == 1


def test_a_paypal_payment_that_is_approved_after_its_order_expired_is_never_taken(at: PaidShop) -> None:
    payment = at.pending_at_paypal()
    at.shop.clock.advance(WINDOW_MS)
    at.shop.let_time_pass()
    at.paypal.approve(payment)
    assert at.hear(PAYPAL, at.paypal.event(payment, "CHECKOUT.ORDER.APPROVED")).status_code == 204
    assert (at.order()["status"], at.paypal.kept(payment), at.paypal.held(payment)) == ("expired", 0, [])


def test_another_amount_than_the_orders_is_never_confirmed_and_goes_back(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    at.stripe.intents[payment].update(status="succeeded", amount_received=1, next_action=None)
    assert at.hear(STRIPE, at.stripe.event(payment)).status_code == 204
    at.shop.let_effects_run()
    order = at.order()
    assert (order["status"], order["reason"]) == ("rejected", "payment-declined")
    assert at.stripe.kept(payment) == 0
    timeline = at.shop.get(f"/v1/admin/orders/{order['id']}/timeline", admin=True).json()
    told = {entry["what"]: entry for entry in timeline["items"]}
    assert told["payment-mismatched"]["text"] == "1 USD"
    assert told["payment-voided"]["text"] == "1 USD went back"


def test_a_cancelled_order_gives_the_money_back_once_through_every_fault(at: PaidShop) -> None:
    at.stripe.network.fail("/capture", Fault.LOST)
    at.stripe.network.fail("/refunds", Fault.BEFORE, Fault.LOST, Fault.AFTER)
    assert at.buy("stripe", VISA).status_code == 201
    payment = at.order()["payment"]["id"]
    at.shop.post(f"/v1/orders/{order_id_of(SECRET, 'key-1')}/cancel", admin=True)
    at.shop.let_effects_run(0.8)
    assert at.order()["payment"]["status"] == "refunded"
    assert (at.stripe.kept(payment), len(at.stripe.refunds)) == (0, 1)
