"""What went wrong in other shops' engines about payments, one test each, over HTTP, at a provider with books."""

import asyncio
from collections.abc import Iterator

import pytest

from serve.identity import order_id_of
from tests.providers.misbehaving import Fault
from tests.providers.stripe_server import VISA

from .paid_shop import PRICE, PaidShop
from .shopfront import SECRET, keyed, order_body

ORDER = f"/v1/orders/{order_id_of(SECRET, 'key-1')}"
STRIPE = "/v1/webhooks/stripe"


@pytest.fixture
def at() -> Iterator[PaidShop]:
    paid = PaidShop()
    with paid.shop:
        yield paid


def test_medusa_3556_woocommerce_stripe_831_client_and_webhook_at_once_finish_one_order_and_charge_once(
    at: PaidShop,
) -> None:
    payment = at.pending_at_stripe()
    at.stripe.authenticate(payment)
    body, signed = at.stripe.event(payment)
    hook = ("POST", STRIPE, {"content": body, "headers": {"Content-Type": "application/json", **signed}})
    bought = order_body(("RETRO-CLOCK", 1), token="pm_card_authenticationRequired")
    bought["payment"]["method"] = "stripe"
    client = ("POST", "/v1/orders", {"json": bought, "headers": keyed("key-1")})
    answers = at.shop.at_once([hook, client, hook, client])
    assert [answers[0].status_code, answers[2].status_code] == [204, 204]
    # Whoever asks before the webhook is through is told what the shopper has to do, as before.
    assert {answers[1].status_code, answers[3].status_code} <= {201, 202}
    assert at.shop.at_once([client])[0].status_code == 201
    assert (at.stripe.kept(payment), list(at.stripe.intents), at.stripe.refunds) == (PRICE, [payment], {})
    assert at.shop.stock("RETRO-CLOCK")["on_hand"] == 4


def test_saleor_pr_14885_a_webhook_and_a_cancellation_at_once_never_wait_for_each_other(at: PaidShop) -> None:
    payment = at.pending_at_stripe()
    at.stripe.authenticate(payment)
    body, signed = at.stripe.event(payment)
    hook = ("POST", STRIPE, {"content": body, "headers": {"Content-Type": "application/json", **signed}})
    cancel = ("POST", f"{ORDER}/cancel", {"admin": True})
    answers = at.shop.at_once([hook, cancel, hook])
    assert [answer.status_code for answer in answers] == [204, 200, 204]
    at.shop.let_effects_run()
    assert at.order()["status"] == "cancelled"
    assert at.stripe.kept(payment) == 0
    assert at.shop.stock("RETRO-CLOCK")["available"] == 5


def test_medusa_13301_a_capture_that_is_made_again_takes_the_money_once(at: PaidShop) -> None:
    at.stripe.network.fail("/capture", Fault.LOST, Fault.DOUBLED, Fault.AFTER)
    bought = at.buy("stripe", VISA)
    assert bought.status_code == 201
    payment = bought.json()["payment_id"]
    assert (at.stripe.kept(payment), list(at.stripe.intents)) == (PRICE, [payment])


def test_saleor_pr_11069_others_buy_while_a_provider_is_slow(at: PaidShop) -> None:
    at.stripe.network.fail("/confirm", Fault.SLOW)
    slow = order_body(("RETRO-CLOCK", 1), token=VISA)
    slow["payment"]["method"] = "stripe"
    finished: list[str] = []

    async def buy(name: str, body: object) -> None:
        answer = await at.shop._send("POST", "/v1/orders", json=body, headers=keyed(name))
        assert answer.status_code == 201
        finished.append(name)

    async def both() -> None:
        await asyncio.gather(buy("slow", slow), *(buy(f"fast-{n}", order_body(("RETRO-CLOCK", 1))) for n in range(4)))

    at.shop.run(both())
    assert finished[-1] == "slow"
    assert at.shop.stock("RETRO-CLOCK")["on_hand"] == 0
