"""A real `localstripe` for tests: a Stripe server that somebody else wrote, as a process of its own.

It comes as a source package only, so it isn't among the locked packages: it is installed beside the tests' cache.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import stripe

from loadtest.processes import free_port

REQUIREMENT = "localstripe==1.15.10"
INSTALL_TIMEOUT_S = 90
START_TIMEOUT_S = 60.0
SECRET_KEY = "sk_test_12345"
WEBHOOK_SECRET = "whsec_local"
VISA = "pm_card_visa"
DECLINED = "pm_card_chargeCustomerFail"
THREE_D_SECURE_NUMBER = "4000002500003155"
TOO_NEW = "allowed_payment_method_types"
"""A parameter of Stripe's API since 2026-07-29 that this version of localstripe doesn't know."""

Heard = tuple[bytes, dict[str, str]]


class NotInstalled(Exception):
    """There is no package index, or it doesn't have localstripe."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class HttpClient(stripe.HTTPXClient):
    """The SDK's client, without the one parameter that localstripe doesn't know."""

    async def request_async(self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None) -> Any:
        if post_data:
            post_data = "&".join(pair for pair in post_data.split("&") if not pair.startswith(TOO_NEW))
        return await super().request_async(method, url, headers, post_data)


def installed(cache: Path) -> Path:
    """The directory with localstripe and what it needs; raises `NotInstalled`."""
    target = cache / REQUIREMENT
    if (target / "done").exists():
        return target
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "--upgrade", REQUIREMENT]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise NotInstalled("pip found no localstripe in time") from None
    if done.returncode:
        raise NotInstalled(done.stderr.strip().splitlines()[-1])
    (target / "done").touch()
    return target


class LocalStripe:
    """A running server with empty books."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, auth=(SECRET_KEY, ""), trust_env=False)

    def post(self, path: str, **data: Any) -> dict[str, Any]:
        answer = self._http.post(path, data=data)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def card(self, number: str) -> str:
        """A payment method, as Stripe.js would make one."""
        card = {"card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2030", "card[cvc]": "123"}
        return str(self.post("/v1/payment_methods", type="card", **card)["id"])

    def intent(self, payment_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get(f"/v1/payment_intents/{payment_id}").json()
        return found

    def refunded(self, payment_id: str) -> list[int]:
        """What went back, each refund by itself, the first one first."""
        refunds = self._http.get("/v1/refunds", params={"payment_intent": payment_id}).json()["data"]
        return sorted(refund["amount"] for refund in refunds)

    def call_back(self, url: str) -> None:
        """Send webhooks there."""
        self.post("/_config/webhooks/shop", url=url, secret=WEBHOOK_SECRET)

    def close(self) -> None:
        self._http.close()


@contextmanager
def running(directory: Path) -> Iterator[LocalStripe]:
    """A server on a free port; `directory` is where it is installed."""
    port = free_port()
    command = [sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(directory)}
    server = LocalStripe(f"http://127.0.0.1:{port}")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(server.url):
            assert process.poll() is None, "localstripe ended"
            assert time.monotonic() < deadline, "localstripe does not answer"
            time.sleep(0.05)
        yield server
    finally:
        server.close()
        process.kill()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/js.stripe.com/v3/", trust_env=False).is_success
    except httpx.TransportError:
        return False


@contextmanager
def listening() -> Iterator[tuple[str, "Queue[Heard]"]]:
    """An address for webhooks, and those that came: body and headers exactly as they were sent."""
    heard: Queue[Heard] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.put((body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not told."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/webhooks", heard
        server.shutdown()
