"""The scene at the door: everyone buys in the same moment, over a connection of their own.

300 buyers for 100 units by default; with `--carts` each fills a cart with three SKUs, in an order of their own, and
checks it out: all lines or none, and nobody waits for someone who waits for them.
"""

import argparse
import asyncio
import itertools
import secrets
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import aiohttp

from .buyer import CONFIRMED, PENDING, REQUEST_TIMEOUT, SOLD_OUT, buy, settle
from .commands import exit_status
from .errors import LoadTestError
from .ledger import read_ledger
from .shop import ADMIN_KEY_FILE, Shop, Stock, order_body, shop_at

PATIENCE_S = 60.0
CART_SKUS = ("VELVET-SOFA", "BRASS-LAMP", "RETRO-CLOCK")
SINGLE_SKUS = ("RETRO-CLOCK",)


@dataclass(frozen=True)
class RushResult:
    """How a rush ended; `wrong` is what the ledgers of the SKUs have against it."""

    buyers: int
    units: int
    confirmed: int
    refused: int
    errors: Mapping[str, int]
    seconds: float
    slowest_answer_s: float
    stock: Mapping[str, Stock]
    wrong: Sequence[str]

    def exact(self) -> bool:
        """Everything sold that could be, to nobody too many, everyone else told so, and the books agree."""
        expected = min(self.buyers, self.units)
        left = {(stock.on_hand, stock.reserved) for stock in self.stock.values()}
        return (
            (self.confirmed, self.refused) == (expected, self.buyers - expected)
            and left == {(self.units - expected, 0)}
            and not self.errors
            and not self.wrong
        )

    def __str__(self) -> str:
        lines = [
            f"{self.buyers} buyers for {self.units} units in {self.seconds:.2f} s: {self.confirmed} confirmed, "
            f"{self.refused} refused with 409, {sum(self.errors.values())} errors; "
            f"slowest answer {self.slowest_answer_s:.2f} s",
            *(f"  error: {count} x {error}" for error, count in self.errors.items()),
            *(f"  {sku}: on_hand {stock.on_hand}, reserved {stock.reserved}" for sku, stock in self.stock.items()),
            *(f"  ledger: {finding}" for finding in self.wrong),
            f"  {'exact' if self.exact() else 'NOT EXACT'}",
        ]
        return "\n".join(lines)


class Told(Enum):
    """What a buyer heard."""

    CONFIRMED = "confirmed"
    SOLD_OUT = "sold out"
    ERROR = "error"


@dataclass(frozen=True)
class Basket:
    """What a buyer is about to send, and where to."""

    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """One buyer's purchase: what was heard and how long it took."""

    told: Told
    seconds: float
    error: str = ""


async def rush(shop: Shop, *, buyers: int = 300, units: int = 100, carts: bool = False) -> RushResult:
    """Put fresh SKUs on sale, let everyone in at once, and count."""
    skus = await asyncio.to_thread(put_on_sale, shop, CART_SKUS if carts else SINGLE_SKUS, units)
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(own_connection()) for _ in range(buyers)]
        orders = itertools.islice(itertools.cycle(itertools.permutations(skus)), buyers)
        baskets = await asyncio.gather(
            *(fill(session, shop.url, order, carts) for session, order in zip(sessions, orders, strict=True))
        )
        begun = time.monotonic()
        ended = await asyncio.gather(
            *(buy_and_settle(session, shop.url, basket) for session, basket in zip(sessions, baskets, strict=True))
        )
        seconds = time.monotonic() - begun
    ledgers = await asyncio.to_thread(lambda: {sku: read_ledger(shop, sku) for sku in skus})
    stock = await asyncio.to_thread(lambda: {sku: shop.stock(sku) for sku in skus})
    return RushResult(
        buyers=buyers,
        units=units,
        confirmed=sum(end.told == Told.CONFIRMED for end in ended),
        refused=sum(end.told == Told.SOLD_OUT for end in ended),
        errors=Counter(end.error for end in ended if end.told == Told.ERROR),
        seconds=seconds,
        slowest_answer_s=max(end.seconds for end in ended),
        stock=stock,
        wrong=[f"{sku}: {finding}" for sku in skus for finding in ledgers[sku].check(stock[sku])],
    )


def own_connection() -> aiohttp.ClientSession:
    """A session that shares no connection with anyone, as two shoppers' browsers don't."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), timeout=REQUEST_TIMEOUT)


async def fill(session: aiohttp.ClientSession, url: str, skus: Sequence[str], carts: bool) -> Basket:
    """Get ready at the door: the connection is open and, where carts are used, the cart is filled in this order."""
    order = order_body(skus)
    if not carts:
        async with session.get(f"{url}/healthz") as answer:
            answer.raise_for_status()
        return Basket("/v1/orders", order)
    async with session.post(f"{url}/v1/carts") as answer:
        answer.raise_for_status()
        cart = f"/v1/carts/{(await answer.json())['id']}"
    for line in order.pop("lines"):
        async with session.put(f"{url}{cart}/lines/{line['sku']}", json={"quantity": line["quantity"]}) as answer:
            answer.raise_for_status()
    return Basket(f"{cart}/checkout", order)


async def buy_and_settle(session: aiohttp.ClientSession, url: str, basket: Basket) -> Ended:
    """Buy once; only where the shop says that the order goes on is it asked again."""
    begun = time.monotonic()
    try:
        attempt = await buy(session, url, basket.path, basket.body, secrets.token_hex(16))
        if attempt.status == PENDING:
            attempt = await settle(session, url, attempt, PATIENCE_S)
    except (aiohttp.ClientError, TimeoutError, LoadTestError) as error:
        return Ended(Told.ERROR, time.monotonic() - begun, f"{type(error).__name__}: {error}")
    seconds = time.monotonic() - begun
    if attempt.status == CONFIRMED:
        return Ended(Told.CONFIRMED, seconds)
    if attempt.status == SOLD_OUT and attempt.problem.endswith("insufficient-stock"):
        return Ended(Told.SOLD_OUT, seconds)
    return Ended(Told.ERROR, seconds, f"{attempt.status} {attempt.problem}")


def put_on_sale(shop: Shop, names: Sequence[str], units: int) -> tuple[str, ...]:
    """New SKUs of these names with `units` each."""
    run = secrets.token_hex(3).upper()
    skus = tuple(f"{name}-{run}" for name in names)
    for sku in skus:
        shop.put_product(sku, sku.replace("-", " ").capitalize())
        shop.receive(sku, units)
    return skus


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when the rush ended exactly."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.rush", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="a shop; if none answers, one is started")
    parser.add_argument("--admin-key-file", type=Path, default=Path("var") / ADMIN_KEY_FILE, help="(var/admin.key)")
    parser.add_argument("--buyers", type=int, default=300, help="(300)")
    parser.add_argument("--units", type=int, default=100, help="units of each SKU (100)")
    parser.add_argument("--carts", action="store_true", help="carts of three SKUs in opposing order")
    options = parser.parse_args(argv)

    def work() -> int:
        with shop_at(options.url, options.admin_key_file) as shop:
            result = asyncio.run(rush(shop, buyers=options.buyers, units=options.units, carts=options.carts))
        print(result)
        return 0 if result.exact() else 1

    return exit_status("rush", work)


if __name__ == "__main__":
    sys.exit(main())
