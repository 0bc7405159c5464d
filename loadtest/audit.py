"""Compares what buyers were told with what the shop's books say, through the API alone; exit status 1 on a difference.

Takes the attempts of a load test (one JSON line each) on a SKU that nobody else bought.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from .buyer import CONFIRMED, FINAL_STATUSES, REQUEST_TIMEOUT, Attempt, distinct, read_attempts, settle
from .errors import LoadTestError
from .ledger import read_ledger
from .shop import ADMIN_KEY_FILE, Shop, Stock, read_admin_key

CONCURRENT_REQUESTS = 32
PATIENCE_S = 60.0
POLL_INTERVAL_S = 0.25
SHOWN_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it held, and the numbers."""

    check: str
    held: bool
    detail: str


@dataclass(frozen=True)
class Books:
    """What buyers of one SKU were told, beside what the shop says of it."""

    sku: str
    received: int
    attempts: Sequence[Attempt]
    by_key: Mapping[str, Attempt]
    """Each attempt as it ended."""
    stock: Stock
    missing: Sequence[str]
    """What is wrong with the acknowledged orders."""
    wrong: Sequence[str]
    """What is wrong with the ledger."""

    @property
    def confirmed(self) -> list[Attempt]:
        return [attempt for attempt in self.by_key.values() if attempt.status == CONFIRMED]

    @property
    def sold_twice(self) -> int:
        """Units that were sold to buyers and are still there, or were never there."""
        sold = sum(attempt.units_of(self.sku) for attempt in self.confirmed)
        return max(0, sold + self.stock.on_hand - self.received)

    def findings(self) -> list[Finding]:
        """Every check."""
        orders = f"{len(self.confirmed):,} orders"
        return [
            check_units(self.sku, self.received, self.stock, self.confirmed),
            check_one_order_per_key(self.by_key, self.attempts),
            Finding("every acknowledged order is there", not self.missing, summary(orders, self.missing)),
            Finding("the ledger adds up", not self.wrong, summary("every movement read", self.wrong)),
        ]


async def audit(shop: Shop, sku: str, received: int, attempts: Sequence[Attempt]) -> list[Finding]:
    """Every check, on a SKU into which `received` units were booked and which only `attempts` bought."""
    return (await read_books(shop, sku, received, attempts)).findings()


async def read_books(shop: Shop, sku: str, received: int, attempts: Sequence[Attempt]) -> Books:
    """Everything that the checks need, once every attempt has ended."""
    connector = aiohttp.TCPConnector(limit=CONCURRENT_REQUESTS)
    async with aiohttp.ClientSession(connector=connector) as session:
        by_key = await settle_all(session, shop, attempts)
        confirmed = [attempt for attempt in by_key.values() if attempt.status == CONFIRMED]
        missing = await missing_orders(session, shop, confirmed)
    stock = await resolved_stock(shop, sku)
    wrong = (await asyncio.to_thread(read_ledger, shop, sku)).check(stock)
    return Books(sku, received, attempts, by_key, stock, missing, wrong)


async def settle_all(session: aiohttp.ClientSession, shop: Shop, attempts: Iterable[Attempt]) -> dict[str, Attempt]:
    """By key, each attempt as it ended: whoever got no answer asks again with the same key."""
    by_key = distinct(attempts)
    open_attempts = [attempt for attempt in by_key.values() if attempt.status not in FINAL_STATUSES]
    ended = await asyncio.gather(*(settle(session, shop.url, attempt, PATIENCE_S) for attempt in open_attempts))
    return by_key | {attempt.key: attempt for attempt in ended}


async def resolved_stock(shop: Shop, sku: str) -> Stock:
    """The quantities once no reservation is open any more; as they are when that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        stock = await asyncio.to_thread(shop.stock, sku)
        if not stock.reserved or time.monotonic() > deadline:
            return stock
        await asyncio.sleep(POLL_INTERVAL_S)


async def missing_orders(session: aiohttp.ClientSession, shop: Shop, confirmed: Sequence[Attempt]) -> list[str]:
    """What is wrong with the acknowledged orders, each asked for with its own token."""
    at_once = asyncio.Semaphore(CONCURRENT_REQUESTS)

    async def look(attempt: Attempt) -> str:
        headers = {"Authorization": f"Bearer {attempt.access_token}"}
        order_url = f"{shop.url}/v1/orders/{attempt.order_id}"
        async with at_once, session.get(order_url, headers=headers, timeout=REQUEST_TIMEOUT) as answer:
            if answer.status != 200:
                return f"{attempt.order_id} was answered with {answer.status}"
            order = await answer.json()
        bought = [(line["sku"], line["quantity"]) for line in order["lines"]]
        wanted = [(line["sku"], line["quantity"]) for line in attempt.body.get("lines", ())]
        if order["status"] != "confirmed":
            return f"{attempt.order_id} is {order['status']}"
        return f"{attempt.order_id} has other lines" if wanted and bought != wanted else ""

    return [problem for problem in await asyncio.gather(*map(look, confirmed)) if problem]


def check_units(sku: str, received: int, stock: Stock, confirmed: Iterable[Attempt]) -> Finding:
    """Sold + left = received, where sold is what buyers were told."""
    sold = sum(attempt.units_of(sku) for attempt in confirmed)
    held = sold + stock.on_hand == received and stock.reserved == 0
    detail = f"{sold:,} sold + {stock.on_hand:,} left, {received:,} received, {stock.reserved:,} still reserved"
    return Finding("sold + left = received", held, detail)


def check_one_order_per_key(by_key: Mapping[str, Attempt], attempts: Iterable[Attempt]) -> Finding:
    """Each key has one order and got the same bytes every time; no order belongs to two keys."""
    orders = Counter(attempt.order_id for attempt in by_key.values() if attempt.status == CONFIRMED)
    wrong = [f"order {order_id} has {count} keys" for order_id, count in orders.items() if count > 1]
    retries = 0
    seen: set[str] = set()
    for attempt in attempts:
        retries += attempt.key in seen
        seen.add(attempt.key)
        first = by_key[attempt.key]
        if attempt.status in FINAL_STATUSES and attempt.digest != first.digest:
            wrong.append(f"key {attempt.key} got {first.status} and later another answer, {attempt.status}")
    return Finding("one order per key", not wrong, summary(f"{len(by_key):,} keys, {retries:,} sent again", wrong))


def summary(scope: str, wrong: Sequence[str]) -> str:
    """The scope, and the first few of what is wrong."""
    if not wrong:
        return scope
    return f"{scope}; {len(wrong):,} wrong: " + "; ".join(wrong[:SHOWN_EXAMPLES])


def print_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        print(f"  {'ok  ' if finding.held else 'FAIL'} {finding.check}: {finding.detail}")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when every check held."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.audit", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the shop (http://127.0.0.1:8000)")
    parser.add_argument("--admin-key-file", type=Path, default=Path("var") / ADMIN_KEY_FILE, help="(var/admin.key)")
    parser.add_argument("--sku", required=True, help="the SKU that was sold")
    parser.add_argument("--received", type=int, required=True, help="units that were booked in")
    parser.add_argument("--attempts", type=Path, required=True, help="the file that the load test wrote")
    options = parser.parse_args(argv)
    try:
        shop = Shop(options.url, read_admin_key(options.admin_key_file))
        findings = asyncio.run(audit(shop, options.sku, options.received, read_attempts(options.attempts)))
    except (LoadTestError, aiohttp.ClientError) as error:
        print(f"audit: {error}", file=sys.stderr)
        return 1
    print_findings(findings)
    return 0 if all(finding.held for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
