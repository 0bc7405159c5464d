"""A shop with Stripe and PayPal behind it, each as a small server in this process."""

from typing import Any

import httpx

from serve.gateways.paypal import TOKEN, PayPalGateway
from serve.gateways.stripe import StripeGateway
from serve.identity import order_id_of
from tests.providers import stripe_server
from tests.providers.paypal_server import WEBHOOK_ID, PayPalServer
from tests.providers.stripe_server import THREE_D_SECURE, StripeServer

from .shopfront import SECRET, START_MS, Shopfront

PRICE = 1_999
WINDOW_MS = 600_000


class PaidShop:
    """The shop, its providers, and what a test does with them."""

    def __init__(self) -> None:
        self.stripe, self.paypal = StripeServer(), PayPalServer()
        stripe = StripeGateway(
            stripe_server.SECRET_KEY, stripe_server.WEBHOOK_SECRET, lambda: START_MS, http=self.stripe.http()
        )
        paypal = PayPalGateway(self.paypal.api(lambda: START_MS), WEBHOOK_ID, return_url="https://shop.example/paid")
        self.shop = Shopfront(providers={"stripe": stripe, "paypal": paypal})
        self.shop.sell("RETRO-CLOCK", quantity=5, amount=PRICE)

    def buy(self, method: str, token: str, key: str = "key-1") -> httpx.Response:
        return self.shop.buy(("RETRO-CLOCK", 1), method=method, token=token, key=key)

    def order(self) -> dict[str, Any]:
        found: dict[str, Any] = self.shop.get(f"/v1/orders/{order_id_of(SECRET, 'key-1')}", admin=True).json()
        return found

    def hear(self, path: str, signed: tuple[bytes, dict[str, str]]) -> httpx.Response:
        body, headers = signed
        return self.shop.post(path, content=body, headers={"Content-Type": "application/json", **headers})

    def pending_at_stripe(self) -> str:
        """The id of a payment that waits for its payer."""
        assert self.buy("stripe", THREE_D_SECURE).status_code == 202
        return str(self.order()["payment"]["id"])

    def pending_at_paypal(self) -> str:
        assert self.buy("paypal", TOKEN).status_code == 202
        return str(self.order()["payment"]["id"])

    def pending_at_paypal_as(self, key: str) -> None:
        """Another purchase that waits for its payer."""
        assert self.buy("paypal", TOKEN, key).status_code == 202
