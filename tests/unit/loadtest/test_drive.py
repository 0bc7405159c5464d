"""The driver's script with a real wrk: needs the Debian package `wrk`."""

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loadtest.wrk import Target, drive

pytestmark = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


class Till(BaseHTTPRequestHandler):
    """Sells to every second caller and notes each key."""

    protocol_version = "HTTP/1.1"
    keys: list[str]
    bodies: set[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.keys.append(self.headers["Idempotency-Key"])
        self.bodies.add(body)
        self.send_response(201 if len(self.keys) % 2 else 409)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: there are thousands."""


def test_each_purchase_has_a_key_of_its_own_and_each_answer_is_counted() -> None:
    class Handler(Till):
        keys: list[str] = []
        bodies: set[str] = set()

    body = json.dumps({"lines": [{"sku": "RETRO-CLOCK", "quantity": 1}]})
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1/orders"
        measured = drive(Target(url, "POST", body, counted_status=201), connections=2, seconds=1)
        server.shutdown()
    assert len(set(Handler.keys)) == len(Handler.keys)
    assert Handler.bodies == {body}
    assert set(measured.statuses) == {201, 409}
    assert sum(measured.statuses.values()) <= len(Handler.keys) <= sum(measured.statuses.values()) + 2
    assert measured.rate_per_s == pytest.approx(measured.statuses[201] / measured.seconds)


def test_purchases_go_round_among_as_many_skus_as_they_are_spread_over() -> None:
    class Handler(Till):
        keys: list[str] = []
        bodies: set[str] = set()

    body = json.dumps({"lines": [{"sku": "CLOCK-@@@", "quantity": 1}]})
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1/orders"
        drive(Target(url, "POST", body, counted_status=201, spread=3), connections=2, seconds=1)
        server.shutdown()
    assert len(set(Handler.keys)) == len(Handler.keys)
    assert Handler.bodies == {body.replace("@@@", number) for number in ("000", "001", "002")}
