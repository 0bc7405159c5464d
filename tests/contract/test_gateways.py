"""Every gateway is held to the one suite of its port."""

import asyncio

from engine.payment import Authorized
from serve.gateways.port import Gateway
from serve.gateways.sandbox import SandboxGateway
from serve.gateways.stripe import StripeGateway
from tests.providers import stripe_server
from tests.providers.stripe_server import StripeServer

from .gateway_suite import GatewaySuite

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
