"""A running shop that takes PayPal: settings, hosts, webhooks and the command line together; a crash in between."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from loadtest.processes import clean_environment, free_port
from loadtest.shop import ADMIN_KEY_FILE, read_admin_key
from tests.providers.paypal_server import CLIENT_ID, CLIENT_SECRET, WEBHOOK_ID, PayPalServer

from .running import RunningShop

SETTLES_WITHIN_S = 60.0
PRICE = 1_999


@contextmanager
def listening(paypal: PayPalServer) -> Iterator[str]:
    """The provider on a port of loopback."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(paypal.network, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


class PayPalShop:
    """The shop, its provider, and whoever buys."""

    def __init__(self, folder: Path, paypal: PayPalServer, paypal_url: str) -> None:
        config = folder / "shop.toml"
        config.write_text(
            f'paypal_client_id = "{CLIENT_ID}"\npaypal_client_secret = "{CLIENT_SECRET}"\n'
            f'paypal_webhook_id = "{WEBHOOK_ID}"\npaypal_api_url = "{paypal_url}"\n'
        )
        self.paypal = paypal
        self.running = RunningShop(folder, "--config", str(config), "--demo-products", "0")
        self.running.start()
        self._http = httpx.Client(base_url=self.running.url, trust_env=False, timeout=30)
        self._admin = {"Authorization": f"Bearer {read_admin_key(self.running.data / ADMIN_KEY_FILE)}"}

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._http.request(method, path, headers={**self._admin, **options.pop("headers", {})}, **options)

    def buy(self, key: str, method: str = "paypal") -> httpx.Response:
        lines = [{"sku": "RETRO-CLOCK", "quantity": 1}]
        body = {"lines": lines, "email": "ada@example.org", "payment": {"method": method, "token": "redirect"}}
        # Only the buyer's own request: an admin's key must not make a difference.
        return self._http.post("/v1/orders", json=body, headers={"Idempotency-Key": key})

    def approve(self, order: httpx.Response) -> str:
        """The payer agrees, and PayPal says so. Returns the payment's id."""
        payment = str(self.ask("GET", order.headers["location"]).json()["payment"]["id"])
        self.paypal.approve(payment)
        body, signed = self.paypal.event(payment, "CHECKOUT.ORDER.APPROVED")
        headers = {"Content-Type": "application/json", **signed}
        assert self._http.post("/v1/webhooks/paypal", content=body, headers=headers).status_code == 204
        return payment

    def settled(self, order: httpx.Response) -> str:
        """The order's status once it has settled."""
        deadline = time.monotonic() + SETTLES_WITHIN_S
        while True:
            found = self.ask("GET", order.headers["location"]).json()
            if found["settled_at"] or time.monotonic() > deadline:
                return str(found["status"])
            time.sleep(0.1)

    def close(self) -> None:
        self._http.close()
        self.running.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PayPalShop]:
    paypal = PayPalServer()
    with listening(paypal) as url:
        shop = PayPalShop(tmp_path_factory.mktemp("paypal-shop"), paypal, url)
        try:
            product = {"title": "Retro clock", "price": {"amount": PRICE, "currency": "USD"}}
            assert shop.ask("PUT", "/v1/products/RETRO-CLOCK", json=product).status_code == 201
            receipt = shop.ask("POST", "/v1/stock/RETRO-CLOCK/receipts", json={"quantity": 5})
            assert receipt.status_code == 201
            yield shop
        finally:
            shop.close()


def test_a_purchase_is_approved_at_paypal_and_confirmed_by_its_webhook(shop: PayPalShop) -> None:
    asked = shop.buy("first")
    assert (asked.status_code, set(asked.json()["action"])) == (202, {"redirect_url"})
    payment = shop.approve(asked)
    assert shop.settled(asked) == "confirmed"
    assert shop.paypal.kept(payment) == PRICE
    assert shop.buy("first").status_code == 201


def test_a_shop_that_takes_money_takes_no_toy_money(shop: PayPalShop) -> None:
    answer = shop.buy("toy", "sandbox")
    assert (answer.status_code, answer.json()["methods"]) == (422, ["paypal"])


def test_the_books_are_compared_from_the_command_line(shop: PayPalShop) -> None:
    command = [sys.executable, "-m", "serve.cli", "payments", "reconcile", "--since", "1h", "--url", shop.running.url]
    key = ["--key-file", str(shop.running.data / ADMIN_KEY_FILE)]
    done = subprocess.run([*command, *key], capture_output=True, text=True, env=clean_environment(), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "payments of paypal" in done.stdout


def test_nobody_sees_a_secret(shop: PayPalShop) -> None:
    assert CLIENT_SECRET not in shop.running.log.read_text()
    assert not [line for line in shop.running.processes().values() if CLIENT_SECRET in line]


def test_a_payment_that_is_approved_while_the_shop_is_down_is_taken_once_it_is_back(shop: PayPalShop) -> None:
    asked = shop.buy("before-the-crash")
    assert asked.status_code == 202
    payment = shop.ask("GET", asked.headers["location"]).json()["payment"]["id"]
    shop.running.ends_with_its_driver()
    shop.paypal.approve(payment)
    shop.running.start()
    shop.approve(asked)
    assert shop.settled(asked) == "confirmed"
    assert shop.paypal.kept(payment) == PRICE


def test_a_signal_leaves_no_process_and_no_port(shop: PayPalShop) -> None:
    shop.running.leaves_nothing_after(signal.SIGTERM)
