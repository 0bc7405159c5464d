"""Every gateway is held to the one suite of its port."""

import asyncio

from engine.kernel import Answer
from engine.payment import Authorize, Authorized, Declined, Pending, Voided
from serve.gateways.paypal import TOKEN, PayPalGateway
from serve.gateways.port import Gateway
from serve.gateways.sandbox import SandboxGateway
from serve.gateways.stripe import StripeGateway
from tests.providers import stripe_server
from tests.providers.paypal_server import WEBHOOK_ID, PayPalServer
from tests.providers.stripe_server import StripeServer

from .gateway_suite import GatewaySuite, authorize, void

NOW = 1_795_000_000_000


async def nobody_listens(_order_id: str, _authorize_key: str, _reply: Authorized) -> None:
    raise ConnectionError("nobody listens")


class TestSandbox(GatewaySuite):
    good_token = "tok_ok"
    bad_token = "tok_declined"

    def new_gateway(self) -> Gateway:
        return SandboxGateway(nobody_listens, sleep=asyncio.sleep)


class TestStripe(GatewaySuite):
    good_token = stripe_server.VISA
    bad_token = stripe_server.DECLINED

    def new_gateway(self) -> Gateway:
        return StripeGateway(
            stripe_server.SECRET_KEY, stripe_server.WEBHOOK_SECRET, lambda: NOW, http=StripeServer().http()
        )


class TestPayPal(GatewaySuite):
    good_token = TOKEN
    bad_token = TOKEN
    """Whether the payer's bank agrees isn't told by a token."""

    def new_gateway(self) -> Gateway:
        self.server = PayPalServer()
        return PayPalGateway(self.server.api(lambda: NOW), WEBHOOK_ID, return_url="https://shop.example/paid")

    async def pay(self, gateway: Gateway, call: Authorize) -> Answer:
        asked = await gateway.call(call)
        assert isinstance(asked, Pending)
        assert asked.action is not None
        assert asked.action.redirect_url
        self.server.approve(asked.payment_id)
        return await gateway.call(call)

    def test_a_bad_card_is_declined_with_a_code_every_time(self) -> None:
        async def story(gateway: Gateway) -> None:
            self.server.instrument_declined = True
            first = await self.pay(gateway, authorize(TOKEN))
            assert first == Declined("instrument_declined")
            assert await gateway.call(authorize(TOKEN)) == first

        self.run(story)

    def test_a_void_of_a_declined_payment_finds_nothing_to_undo(self) -> None:
        async def story(gateway: Gateway) -> None:
            self.server.instrument_declined = True
            await self.pay(gateway, authorize(TOKEN))
            assert await gateway.call(void(token=TOKEN)) == Voided()

        self.run(story)
