"""`doorbuster reorder` against a small server that answers as the shop does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from serve.cli.reorder import command

LINE = {
    "sku": "RETRO-CLOCK",
    "supplier": "acme",
    "demand_per_day": 2.0,
    "lead_time_days": 4.0,
    "reorder_point": 12,
    "position": 4,
    "quantity": 24,
}


class Shop(BaseHTTPRequestHandler):
    answer: ClassVar[tuple[int, Any]] = (
        200,
        {"lines": [LINE], "drafts": [{"id": "po_1", "lines": [1], "supplier": "acme"}]},
    )
    asked: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, self.headers["authorization"], body))
        status, content = self.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: Any) -> None:
        """Not told."""


@contextmanager
def running() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(tmp_path: Path, *arguments: str) -> Result:
    (tmp_path / "admin.key").write_text("secret\n")
    with running() as url:
        key_file = str(tmp_path / "admin.key")
        return CliRunner().invoke(command, [*arguments, "--url", url, "--key-file", key_file])


def test_it_tells_what_is_ordered_and_why(tmp_path: Path) -> None:
    Shop.asked.clear()
    result = run(tmp_path, "--coverage-days", "7", "--dry-run")
    assert (result.exit_code, "RETRO-CLOCK" in result.output, "drafted po_1: 1 lines from acme" in result.output) == (
        0,
        True,
        True,
    )
    path, authorization, body = Shop.asked[0]
    assert (path, authorization, body["coverage_days"], body["dry_run"]) == (
        "/v1/admin/reorder",
        "Bearer secret",
        7,
        True,
    )


def test_a_refusal_is_told_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shop, "answer", (404, {"detail": "There is no location moon."}))
    result = run(tmp_path, "--location", "moon")
    assert (result.exit_code, "There is no location moon." in result.output) == (1, True)


def test_a_shop_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("secret")
    arguments = ["--url", "http://127.0.0.1:1", "--key-file", str(tmp_path / "admin.key")]
    assert "does not answer" in CliRunner().invoke(command, arguments).output
