"""The driver's script with a real wrk: needs the Debian package `wrk`."""

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest

from loadtest.measurement import Measurement
from loadtest.wrk import Target, drive

pytestmark = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")

PAUSE_S = 0.005
POLL_S = 0.02
"""How often a till looks whether it is to close."""


class Till(BaseHTTPRequestHandler):
    """Sells to every second caller and notes each key."""

    protocol_version = "HTTP/1.1"
    keys: list[str]
    bodies: set[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.keys.append(self.headers["Idempotency-Key"])
        self.bodies.add(body)
        # Some hundred purchases show what thousands would, and leave the machine to others.
        time.sleep(PAUSE_S)
        self.send_response(201 if len(self.keys) % 2 else 409)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: there are thousands."""


class Driven(NamedTuple):
    body: str
    keys: list[str]
    bodies: set[str]
    measured: Measurement


def driven(sku: str, **target: int) -> Driven:
    """What reached a till that was driven for a second, wrk's shortest time."""

    class Handler(Till):
        keys: list[str] = []
        bodies: set[str] = set()

    body = json.dumps({"lines": [{"sku": sku, "quantity": 1}]})
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # A connection that was given up before it was taken would be waited for, for ever.
        server.socket.settimeout(1.0)
        threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1/orders"
        measured = drive(Target(url, "POST", body, counted_status=201, **target), connections=2, seconds=1)
        server.shutdown()
    return Driven(body, Handler.keys, Handler.bodies, measured)


@pytest.fixture(scope="module")
def tills() -> tuple[Driven, Driven]:
    """One product, and purchases that are spread over three; both at the same time, which costs one second."""
    with ThreadPoolExecutor() as pool:
        one, three = pool.submit(driven, "RETRO-CLOCK"), pool.submit(driven, "CLOCK-@@@", spread=3)
        return one.result(), three.result()


def test_each_purchase_has_a_key_of_its_own_and_each_answer_is_counted(tills: tuple[Driven, Driven]) -> None:
    till, _ = tills
    assert len(set(till.keys)) == len(till.keys)
    assert till.bodies == {till.body}
    statuses = till.measured.statuses
    assert set(statuses) == {201, 409}
    assert sum(statuses.values()) <= len(till.keys) <= sum(statuses.values()) + 2
    assert till.measured.rate_per_s == pytest.approx(statuses[201] / till.measured.seconds)


def test_purchases_go_round_among_as_many_skus_as_they_are_spread_over(tills: tuple[Driven, Driven]) -> None:
    _, till = tills
    assert len(set(till.keys)) == len(till.keys)
    assert till.bodies == {till.body.replace("@@@", number) for number in ("000", "001", "002")}
