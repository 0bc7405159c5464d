"""A Doorbuster shop seen from outside: how it is started, and the few administrative requests that tests need."""

import contextlib
import json
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import LoadTestError, UnexpectedAnswer
from .processes import SCRATCH, ServerProcess, answers_ok, clean_environment, free_port

ADMIN_KEY_FILE = "admin.key"
START_TIMEOUT_S = 90.0
REQUEST_TIMEOUT_S = 30.0
RECEIPT_LIMIT_UNITS = 1_000_000
LEDGER_PAGE_VERSIONS = 1_000
PRICE = {"amount": 1999, "currency": "USD"}


@dataclass(frozen=True)
class Stock:
    """The quantities of one SKU, in units."""

    on_hand: int
    reserved: int
    available: int


@dataclass(frozen=True)
class Shop:
    """A running shop at `url`; `admin_key` opens the administrative routes."""

    url: str
    admin_key: str

    def put_product(self, sku: str, title: str) -> None:
        """Create the product, or put it as it is."""
        self.request("PUT", f"/v1/products/{sku}", {"title": title, "price": PRICE})

    def receive(self, sku: str, quantity: int) -> None:
        """Book goods in, in as many receipts as it takes."""
        while quantity:
            units = min(quantity, RECEIPT_LIMIT_UNITS)
            receipt = {"quantity": units, "reason": "load test"}
            self.request("POST", f"/v1/stock/{sku}/receipts", receipt)
            quantity -= units

    def stock(self, sku: str) -> Stock:
        answer = self.request("GET", f"/v1/stock/{sku}")
        return Stock(answer["on_hand"], answer["reserved"], answer["available"])

    def movements(self, sku: str) -> Iterator[dict[str, Any]]:
        """The SKU's ledger from its beginning."""
        after: int | None = 0
        while after is not None:
            page = self.request("GET", f"/v1/stock/{sku}/history?after={after}&limit={LEDGER_PAGE_VERSIONS}")
            yield from page["items"]
            after = page["next_after"]

    def request(self, method: str, path: str, body: object = None) -> Any:
        """What an administrative route answers; raises LoadTestError."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.admin_key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise UnexpectedAnswer(f"{method} {path}", error.code, error.read().decode(errors="replace")) from error
        except OSError as error:
            raise LoadTestError(f"{method} {self.url}{path} was not answered: {error}") from error


def order_body(skus: Sequence[str], *, quantity: int = 1, token: str = "tok_ok") -> dict[str, Any]:
    """An express purchase of each SKU."""
    return {
        "lines": [{"sku": sku, "quantity": quantity} for sku in skus],
        "email": "buyer@example.org",
        "payment": {"method": "sandbox", "token": token},
    }


def read_admin_key(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise LoadTestError(f"the admin key can't be read ({error}): name its file with --admin-key-file") from error


def shop_command(data: Path, port: int, options: Sequence[str] = ()) -> list[str]:
    """How a shop is started: the console script beside this interpreter, else the module that it calls."""
    script = shutil.which("doorbuster", path=str(Path(sys.executable).parent))
    start = [script] if script else [sys.executable, "-m", "serve.cli"]
    return [*start, "up", "--data", str(data), "--port", str(port), *options]


def start_shop(
    data: Path, log: Path, *, port: int | None = None, options: Sequence[str] = (), program: Sequence[str] = ()
) -> tuple[ServerProcess, Shop]:
    """Start a shop on loopback and wait until it can sell. The caller stops the process.

    `program` are arguments of the interpreter for a program that starts one in place of `doorbuster up`.
    """
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    # Settings of the caller's environment are dropped: a figure belongs to the settings that its row names.
    command = shop_command(data, port, options)
    if program:
        command = [sys.executable, *program, "--data", str(data), "--port", str(port), *options]
    process = ServerProcess("the shop", command, log, environment=clean_environment())
    try:
        process.wait_until(lambda: answers_ok(f"{url}/readyz"), START_TIMEOUT_S)
        return process, Shop(url, read_admin_key(data / ADMIN_KEY_FILE))
    except BaseException:
        process.stop()
        raise


@contextlib.contextmanager
def shop_at(url: str, admin_key_file: Path) -> Iterator[Shop]:
    """The shop at `url`; if nobody answers there, a new one on a free port with empty data, gone with the block."""
    if answers_ok(f"{url}/readyz"):
        yield Shop(url, read_admin_key(admin_key_file))
        return
    print(f"no shop answers at {url}: starting one", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="shop-", dir=SCRATCH, ignore_cleanup_errors=True) as folder:
        process, shop = start_shop(Path(folder) / "data", Path(folder) / "shop.log")
        try:
            yield shop
        finally:
            process.stop()
