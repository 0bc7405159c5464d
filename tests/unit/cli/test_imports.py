"""`doorbuster import products` against a small HTTP server of ours that keeps what it is sent."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from serve.cli.bulk import ROWS_PER_REQUEST
from serve.cli.imports import command

KEY = "open-sesame"
HEADER = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\n"


class FakeShop(ThreadingHTTPServer):
    """Answers the bulk import like the shop does; can be told to be unavailable for a while."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.products: dict[str, Any] = {}
        self.families: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self.refuse_next = 0
        self.lock = threading.Lock()

    def put(self, row: dict[str, Any]) -> dict[str, Any]:
        product = {name: value for name, value in row.items() if name != "row"}
        known = self.products.get(row["sku"])
        status = "created" if known is None else "unchanged" if known == product else "updated"
        if row["title"] == "Cursed":
            return {"row": row["row"], "sku": row["sku"], "status": "error", "error": "title: is cursed"}
        self.products[row["sku"]] = product
        return {"row": row["row"], "sku": row["sku"], "status": status, "error": None}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeShop

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            status, answer = self._answer(body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, body: dict[str, Any]) -> tuple[int, Any]:
        if self.path == "/v1/admin/families/bulk":
            self.server.families += body["families"]
            return 200, {"results": [{"key": one["handle"], "status": "created"} for one in body["families"]]}
        assert self.path == "/v1/admin/import"
        if self.headers["Authorization"] != f"Bearer {KEY}":
            return 401, {"title": "Unauthorized"}
        if self.server.refuse_next:
            self.server.refuse_next -= 1
            return 503, {"title": "Service unavailable"}
        self.server.batches.append(len(body["rows"]))
        return 200, {"results": [self.server.put(row) for row in body["rows"]]}

    def log_message(self, *_: Any) -> None:
        """No line per request on the test's terminal."""


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with FakeShop() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text(KEY + "\n")
    return tmp_path


def run(shop: FakeShop, file: Path, *options: str) -> Result:
    url = f"http://127.0.0.1:{shop.server_port}"
    return CliRunner().invoke(command, ["products", str(file), "--url", url, "--key-file", "key", *options])


def write(folder: Path, *rows: str) -> Path:
    file = folder / "products.csv"
    file.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return file


def test_good_rows_go_in_and_bad_ones_are_listed_by_number(shop: FakeShop, folder: Path) -> None:
    file = write(folder, "clock,Retro Clock,RETRO-CLOCK,19.99,5", "lamp,Lamp,LAMP,cheap,1", "pot,Cursed,POT,1,1")
    result = run(shop, file)
    assert result.exit_code == 1
    assert list(shop.products) == ["RETRO-CLOCK"]
    assert shop.products["RETRO-CLOCK"]["price"] == {"amount": 1999, "currency": "USD"}
    assert "1 created, 0 updated, 0 unchanged, 2 refused" in result.stdout
    assert "'cheap' is no price" in result.stderr
    assert "POT: title: is cursed" in result.stderr


def test_running_it_twice_changes_nothing(shop: FakeShop, folder: Path) -> None:
    file = write(folder, "clock,Retro Clock,RETRO-CLOCK,19.99,5")
    assert "1 created" in run(shop, file).stdout
    again = run(shop, file)
    assert again.exit_code == 0
    assert "0 created, 0 updated, 1 unchanged, 0 refused" in again.stdout


def test_strict_sends_nothing_when_a_row_is_at_fault(shop: FakeShop, folder: Path) -> None:
    file = write(folder, "clock,Retro Clock,RETRO-CLOCK,19.99,5", "lamp,Lamp,@LAMP,1,1", "pot,Pot,POT,1,-1")
    result = run(shop, file, "--strict")
    assert result.exit_code == 1
    assert shop.batches == []
    assert "2 rows at fault" in result.stderr
    assert "@LAMP: sku" in result.stderr


def test_strict_sends_everything_when_all_is_well(shop: FakeShop, folder: Path) -> None:
    result = run(shop, write(folder, "clock,Retro Clock,RETRO-CLOCK,19.99,5"), "--strict")
    assert result.exit_code == 0, result.output
    assert list(shop.products) == ["RETRO-CLOCK"]


def test_many_rows_travel_in_batches(shop: FakeShop, folder: Path) -> None:
    count = 3 * ROWS_PER_REQUEST + 1
    result = run(shop, write(folder, *(f"clock-{n},Clock {n},CLOCK-{n},{n}.50,1" for n in range(1, count + 1))))
    assert result.exit_code == 0, result.output
    assert len(shop.products) == count
    assert sorted(shop.batches) == [1, *[ROWS_PER_REQUEST] * 3]


def test_a_busy_shop_is_asked_again(shop: FakeShop, folder: Path) -> None:
    shop.refuse_next = 3
    result = run(shop, write(folder, "clock,Retro Clock,RETRO-CLOCK,19.99,5"))
    assert result.exit_code == 0, result.output
    assert list(shop.products) == ["RETRO-CLOCK"]


def test_a_zipped_file_is_read_as_it_is(shop: FakeShop, folder: Path) -> None:
    file = folder / "products.csv.gz"
    file.write_bytes(gzip.compress((HEADER + "clock,Rétro,RETRO-CLOCK,1,1\n").encode("utf-8-sig")))
    assert run(shop, file, "--currency", "EUR").exit_code == 0
    assert shop.products["RETRO-CLOCK"]["title"] == "Rétro"
    assert shop.products["RETRO-CLOCK"]["price"]["currency"] == "EUR"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a;b;c\n", "no Shopify product export"),
        (HEADER.encode() + b"clock,R\xe9tro,X,1,1\n", "is not UTF-8"),
        (gzip.compress(HEADER.encode() * 1_000, mtime=0)[:-20], "is damaged"),
        (b"", "no Shopify product export"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(
    shop: FakeShop, folder: Path, content: bytes, said: str
) -> None:
    file = folder / "file"
    file.write_bytes(content)
    result = run(shop, file)
    assert result.exit_code == 1
    assert said in result.stderr


def test_another_shops_key_is_recognized(shop: FakeShop, folder: Path) -> None:
    (folder / "key").write_text("other")
    result = run(shop, write(folder, "clock,Retro Clock,RETRO-CLOCK,19.99,5"))
    assert result.exit_code == 1
    assert "does not accept this admin key" in result.stderr


def test_a_shop_that_is_not_there_is_not_waited_for(shop: FakeShop, folder: Path) -> None:
    file = write(folder, "clock,Retro Clock,RETRO-CLOCK,19.99,5")
    result = CliRunner().invoke(command, ["products", str(file), "--url", "http://127.0.0.1:9", "--key-file", "key"])
    assert result.exit_code == 1
    assert "does not answer" in result.stderr


def test_a_missing_key_is_named(shop: FakeShop, folder: Path) -> None:
    (folder / "key").unlink()
    result = run(shop, write(folder, "clock,Retro Clock,RETRO-CLOCK,19.99,5"))
    assert result.exit_code == 1
    assert "--key-file" in result.stderr


def test_variants_come_in_with_the_page_that_they_are_on(shop: FakeShop, folder: Path) -> None:
    file = folder / "products.csv"
    header = HEADER.replace("Handle,Title", "Handle,Title,Option1 Name,Option1 Value")
    file.write_text(f"{header}clock,Clock,Colour,Red,CLOCK-RED,19.99,5\nclock,,,Blue,CLOCK-BLUE,19.99,5\n")
    result = run(shop, file)
    assert "2 created, 0 updated, 0 unchanged, 1 pages, 0 refused" in result.stdout
    (family,) = shop.families
    assert family["handle"] == "clock"
    assert [variant["sku"] for variant in family["variants"]] == ["CLOCK-RED", "CLOCK-BLUE"]
