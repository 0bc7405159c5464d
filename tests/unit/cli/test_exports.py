"""`doorbuster export products` against a small HTTP server of ours."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serve.cli.exports import command

KEY = "open-sesame"
TEXT = "Handle,Title\r\nclock,Wanduhr für Küchen\r\n"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        right = self.headers["Authorization"] == f"Bearer {KEY}"
        known = self.path == "/v1/admin/products.csv?currency=EUR&with_stock=true"
        content = TEXT.encode() if right and known else b"{}"
        self.send_response(200 if right and known else 401)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """No line per request on the test's terminal."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text(KEY + "\n")
    return tmp_path


def run(url: str, *arguments: str) -> Result:
    given = ["products", *arguments, "--url", url, "--currency", "EUR", "--with-stock", "--key-file", "key"]
    return CliRunner().invoke(command, given)


def test_the_catalogue_is_written_to_a_file_as_it_comes(url: str, folder: Path) -> None:
    assert run(url, "products.csv").exit_code == 0
    assert (folder / "products.csv").read_bytes() == TEXT.encode()


def test_without_a_file_it_is_shown(url: str, folder: Path) -> None:
    assert run(url).stdout_bytes == TEXT.encode()


def test_a_refusal_leaves_what_there_was(url: str, folder: Path) -> None:
    (folder / "key").write_text("wrong")
    (folder / "products.csv").write_text("older")
    result = run(url, "products.csv")
    assert result.exit_code == 1
    assert "401" in result.stderr
    assert [file.name for file in folder.iterdir() if "products" in file.name] == ["products.csv"]
    assert (folder / "products.csv").read_text() == "older"


def test_a_shop_that_is_not_there_is_told(folder: Path) -> None:
    result = run("http://127.0.0.1:9", "products.csv")
    assert result.exit_code == 1
    assert "Does it run?" in result.stderr
