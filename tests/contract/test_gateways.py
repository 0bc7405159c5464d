"""Every gateway is held to the one suite of its port."""

import asyncio

from engine.payment import Authorized
from serve.gateways.port import Gateway
from serve.gateways.sandbox import SandboxGateway

from .gateway_suite import GatewaySuite


async def nobody_listens(_order_id: str, _authorize_key: str, _reply: Authorized) -> None:
    raise ConnectionError("nobody listens")


class TestSandbox(GatewaySuite):
    good_token = "tok_ok"
    bad_token = "tok_declined"

    def new_gateway(self) -> Gateway:
        return SandboxGateway(nobody_listens, sleep=asyncio.sleep)
