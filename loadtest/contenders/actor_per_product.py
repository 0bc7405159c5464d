"""One Ray actor per product, called once per request: what a newcomer to Ray writes, and the reason for batching."""

import json
import secrets
import sys
import urllib.request
from pathlib import Path

from ..processes import ServerProcess, answers_ok, clean_environment, free_port
from ..shop import order_body
from ..wrk import Target
from .contender import PRELOADED_UNITS, SKU, HttpContender

START_TIMEOUT_S = 60.0


class ActorPerProduct(HttpContender):
    """Ray Serve as it comes (its default proxy), in a Ray of its own that ends with it."""

    name = "actor-per-product"
    per_purchase = "one call of the product's Ray actor, which counts down and keeps the order in a dictionary"
    durability = "none: a restart of the actor forgets everything"

    def __init__(self) -> None:
        super().__init__()
        self._process: ServerProcess | None = None
        self._url = ""

    def start(self, workspace: Path) -> None:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        # The token that guards this Ray lies in the workspace, not in the user's home.
        environment = clean_environment(RAY_AUTH_TOKEN_PATH=str(workspace / "token"), RAY_USAGE_STATS_ENABLED="0")
        (workspace / "token").write_text(secrets.token_hex(32))
        self._process = ServerProcess(
            "Ray",
            [
                *(sys.executable, "-m", "loadtest.contenders.actor_per_product_app", "--port", str(port)),
                *("--temporary-directory", str(workspace / "ray"), "--sku", SKU, "--units", str(PRELOADED_UNITS)),
            ],
            workspace / "ray.log",
            environment=environment,
        )
        self._process.wait_until(lambda: answers_ok(f"{self._url}/healthz"), START_TIMEOUT_S)

    def target(self) -> Target:
        return Target(f"{self._url}/v1/orders", "POST", json.dumps(order_body([SKU])), counted_status=201)

    def sold(self) -> int:
        with urllib.request.urlopen(f"{self._url}/v1/stock/{SKU}") as answer:
            return PRELOADED_UNITS - int(json.load(answer)["on_hand"])

    def stop(self) -> None:
        if self._process:
            self._process.stop()
