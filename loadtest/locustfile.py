"""Shoppers for locust: buyers of one hot SKU, of whom some ask twice with one key, and people who only look,
and tell the shop at what.

Each attempt to buy is written down for the audit. By hand: `locust -f loadtest/locustfile.py --sku RETRO-CLOCK`.
"""

# mypy: disable-error-code="misc,untyped-decorator"
# Locust is imported without its types.

import os
import random
import uuid
from typing import Any

from locust import FastHttpUser, between, constant, events, task
from locust.argument_parser import LocustArgumentParser

from loadtest.buyer import CONFIRMED, SOLD_OUT, Attempt, answered, write_attempt
from loadtest.shop import order_body

ORDERS_PATH = "/v1/orders"
RETRY_SHARE = 0.1
"""Of the purchases, how many are sent once more with the same key after their answer."""
CATALOGUE_PAGE = 20
EVENTS_PATH = "/v1/events"
EVENTS_IN_A_BATCH = 10
TIMEOUT_S = 30.0

CONFIRMED_NAME = "buy: confirmed"
SOLD_OUT_NAME = "buy: sold out"


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument("--sku", default="RETRO-CLOCK", help="the hot SKU")
    parser.add_argument("--attempts", default=os.devnull, help="file for the attempts, one JSON line each")


class Buyer(FastHttpUser):
    """Buys one unit after the other without a pause, each with a key of its own."""

    weight = 4
    wait_time = constant(0)
    network_timeout = TIMEOUT_S

    def on_start(self) -> None:
        options = self.environment.parsed_options
        self._body = order_body([options.sku])
        # Appending whole lines: the users of one process share the file.
        self._attempts = open(options.attempts, "a", buffering=1)  # noqa: SIM115 - closed in on_stop

    def on_stop(self) -> None:
        self._attempts.close()

    @task
    def purchase(self) -> None:
        key = uuid.uuid4().hex
        first = self._send(key)
        if first.status in (CONFIRMED, SOLD_OUT) and random.random() < RETRY_SHARE:
            self._send(key, expected_digest=first.digest)

    def _send(self, key: str, expected_digest: str = "") -> Attempt:
        """Buy, or ask again; the same key must get the same bytes."""
        # Until an answer is there the purchase may have happened: it is written down however this ends.
        attempt = Attempt(key, ORDERS_PATH, self._body)
        try:
            headers = {"Idempotency-Key": key}
            with self.client.post(ORDERS_PATH, json=self._body, headers=headers, catch_response=True) as response:
                if response.status_code:
                    attempt = answered(key, ORDERS_PATH, self._body, response.status_code, response.content or b"")
                report(response, attempt, expected_digest)
        finally:
            write_attempt(self._attempts, attempt)
        return attempt


def report(response: Any, attempt: Attempt, expected_digest: str) -> None:
    """Name the answer in locust's statistics by what it means to the buyer."""
    names = {CONFIRMED: CONFIRMED_NAME, SOLD_OUT: SOLD_OUT_NAME}
    suffix = " (same key again)" if expected_digest else ""
    response.request_meta["name"] = names.get(attempt.status, f"buy: {attempt.status} {attempt.problem}") + suffix
    if attempt.status not in names:
        response.failure(f"status {attempt.status} {attempt.problem}")
    elif expected_digest and attempt.digest != expected_digest:
        response.failure("the same key got another answer")
    else:
        response.success()


class Browser(FastHttpUser):
    """Looks at the list, the hot product and its stock."""

    weight = 1
    wait_time = between(0.05, 0.2)
    network_timeout = TIMEOUT_S

    def on_start(self) -> None:
        self._sku = self.environment.parsed_options.sku
        self._visitor = uuid.uuid4().hex
        self._behaviour: list[dict[str, Any]] = []

    @task(1)
    def browse(self) -> None:
        self.client.get(f"/v1/products?limit={CATALOGUE_PAGE}", name="look: list")

    @task(3)
    def look_at_product(self) -> None:
        self.client.get(f"/v1/products/{self._sku}", name="look: product")
        self._behaviour.append({"id": uuid.uuid4().hex, "type": "view", "sku": self._sku})
        if len(self._behaviour) >= EVENTS_IN_A_BATCH:
            self._tell()

    @task(3)
    def look_at_stock(self) -> None:
        self.client.get(f"/v1/stock/{self._sku}", name="look: stock")

    def _tell(self) -> None:
        """Send what was done since the last time; one batch in ten comes twice, and is known."""
        batch = {"anonymous_id": self._visitor, "events": self._behaviour}
        self._behaviour = []
        for _ in range(2 if random.random() < RETRY_SHARE else 1):
            self.client.post(EVENTS_PATH, json=batch, name="tell: events")
