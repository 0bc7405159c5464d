"""The Stripe gateway against `localstripe`, a Stripe server somebody else wrote: the suite, and whole purchases."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from queue import Queue
from typing import Any

import pytest

from serve.gateways.port import Gateway
from serve.gateways.stripe import StripeGateway
from tests.contract.gateway_suite import GatewaySuite
from tests.providers import localstripe
from tests.providers.localstripe import DECLINED, THREE_D_SECURE_NUMBER, VISA, Heard, LocalStripe
from tests.unit.serve.shopfront import START_MS, Shopfront

STRIPE = "/v1/webhooks/stripe"
PRICE = 1_999
WEBHOOK_TIMEOUT_S = 30
PATIENCE_S = 30.0
"""localstripe calls back after a second."""


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[LocalStripe]:
    try:
        directory = localstripe.installed(request.config.cache.mkdir("providers"))  # type: ignore[union-attr]
    except localstripe.NotInstalled as reason:
        pytest.skip(f"localstripe can't be installed: {reason}")
    with localstripe.running(directory) as running:
        yield running


def gateway_to(server: LocalStripe) -> StripeGateway:
    return StripeGateway(
        localstripe.SECRET_KEY,
        localstripe.WEBHOOK_SECRET,
        lambda: START_MS,
        http=localstripe.HttpClient(timeout=10),
        api_url=server.url,
    )


class TestLocalStripe(GatewaySuite):
    good_token = VISA
    bad_token = DECLINED

    @pytest.fixture(autouse=True)
    def _with_server(self, server: LocalStripe) -> None:
        self.server = server

    def new_gateway(self) -> Gateway:
        return gateway_to(self.server)

    @pytest.mark.skip("localstripe doesn't say how much of an intent was captured")
    def test_a_part_can_be_captured_and_no_more_than_that_goes_back(self) -> None: ...


@pytest.fixture
def shop(server: LocalStripe) -> Iterator[Shopfront]:
    with Shopfront(providers={"stripe": gateway_to(server)}) as shop:
        shop.sell("RETRO-CLOCK", quantity=5, amount=PRICE)
        yield shop


def webhook_of(payment_id: str, heard: "Queue[Heard]") -> Heard:
    """The first webhook that tells of the payment: those of purchases before may still be on their way."""
    while True:
        told = heard.get(timeout=WEBHOOK_TIMEOUT_S)
        if payment_id.encode() in told[0]:
            return told


def wait_until(shop: Shopfront, right: Callable[[], bool]) -> None:
    """Let the shop ask its provider, and ask again, until it is so."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not right():
        assert time.monotonic() < give_up_at
        shop.let_effects_run(0.1)


def order_of(shop: Shopfront, path: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.get(path, admin=True).json()
    return found


def test_a_purchase_its_refund_in_parts_and_its_webhook(shop: Shopfront, server: LocalStripe) -> None:
    with localstripe.listening() as (address, heard):
        server.call_back(address)
        bought = shop.buy(("RETRO-CLOCK", 1), method="stripe", token=VISA)
        assert bought.status_code == 201, bought.text
        payment, path = bought.json()["payment_id"], bought.headers["location"]
        assert (server.intent(payment)["status"], server.intent(payment)["amount"]) == ("succeeded", PRICE)
        body, headers = webhook_of(payment, heard)
    for _ in range(2):
        signed = {"stripe-signature": headers["stripe-signature"], "content-type": "application/json"}
        assert shop.post(STRIPE, content=body, headers=signed).status_code == 204
    forged = {**signed, "stripe-signature": signed["stripe-signature"][:-1] + "x"}
    assert shop.post(STRIPE, content=body, headers=forged).status_code == 401
    assert order_of(shop, path)["status"] == "confirmed"
    for refunded in ([500], [500, 700]):
        refund = {"amount": refunded[-1], "reason": "scratched"}
        assert shop.post(f"/v1/admin{path[3:]}/refunds", json=refund, admin=True).status_code == 201
        wait_until(shop, partial(lambda expected: server.refunded(payment) == expected, refunded))


def test_a_cancelled_order_gives_all_of_it_back(shop: Shopfront, server: LocalStripe) -> None:
    bought = shop.buy(("RETRO-CLOCK", 1), method="stripe", token=VISA)
    assert shop.post(f"{bought.headers['location']}/cancel", admin=True).status_code == 200
    wait_until(shop, lambda: order_of(shop, bought.headers["location"])["payment"]["status"] == "refunded")
    assert server.refunded(bought.json()["payment_id"]) == [PRICE]


def test_a_declined_card_buys_nothing(shop: Shopfront) -> None:
    answer = shop.buy(("RETRO-CLOCK", 1), method="stripe", token=DECLINED)
    assert (answer.status_code, answer.json()["code"]) == (402, "card_declined")
    assert shop.stock("RETRO-CLOCK")["available"] == 5


def test_a_card_that_wants_authentication_is_paid_by_the_payer_and_told_by_the_webhook(
    shop: Shopfront, server: LocalStripe
) -> None:
    with localstripe.listening() as (address, heard):
        server.call_back(address)
        asked = shop.buy(("RETRO-CLOCK", 1), method="stripe", token=server.card(THREE_D_SECURE_NUMBER))
        assert asked.status_code == 202, asked.text
        payment = order_of(shop, asked.headers["location"])["payment"]
        secret = asked.json()["action"]["client_secret"]
        server.post(f"/v1/payment_intents/{payment['id']}/_authenticate", client_secret=secret, success="true")
        # As somebody would in Stripe's dashboard, before the shop has heard of the authentication.
        server.post(f"/v1/payment_intents/{payment['id']}/capture")
        body, headers = webhook_of(payment["id"], heard)
    signed = {"stripe-signature": headers["stripe-signature"], "content-type": "application/json"}
    assert shop.post(STRIPE, content=body, headers=signed).status_code == 204
    order = order_of(shop, asked.headers["location"])
    assert (order["status"], order["payment"]["status"]) == ("confirmed", "captured")


def test_a_payer_who_never_comes_leaves_a_cancelled_payment(shop: Shopfront, server: LocalStripe) -> None:
    asked = shop.buy(("RETRO-CLOCK", 1), method="stripe", token=server.card(THREE_D_SECURE_NUMBER))
    payment = order_of(shop, asked.headers["location"])["payment"]["id"]
    shop.clock.advance(600_000)
    shop.let_time_pass()
    wait_until(shop, lambda: order_of(shop, asked.headers["location"])["status"] == "expired")
    wait_until(shop, lambda: server.intent(payment)["status"] == "canceled")
    assert shop.stock("RETRO-CLOCK")["available"] == 5
