"""A flash sale with a waiting room: everyone joins before the start, polls, buys when called; bots ask again and again.

300 shoppers for 100 units by default, a third of them bots. It ends exactly when all units are sold, everybody else
heard "sold out", each had one ticket, and the books agree.
"""

import argparse
import asyncio
import secrets
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from .buyer import CONFIRMED, PENDING, buy, settle
from .commands import exit_status
from .ledger import read_ledger
from .rush import PATIENCE_S, own_connection, put_on_sale
from .shop import ADMIN_KEY_FILE, Shop, order_body, shop_at

SALE_PRICE = 999
JOINING_S = 6.0
"""How long before the start the line opens."""
BOT_ASKS = 5
CALL_S = 20


@dataclass(frozen=True)
class Shopper:
    """What one shopper lived through."""

    told: str
    joined: int
    """Different tickets that were given out to this one."""
    polls: int
    waited_s: float
    slowest_s: float


@dataclass(frozen=True)
class LineResult:
    """How the sale ended; `wrong` is what the books have against it."""

    units: int
    shoppers: Sequence[Shopper]
    seconds: float
    wrong: Sequence[str]

    @property
    def told(self) -> Mapping[str, int]:
        return Counter(shopper.told for shopper in self.shoppers)

    def exact(self) -> bool:
        """All units sold, everybody else told so, and one ticket for each."""
        sold = min(self.units, len(self.shoppers))
        left = len(self.shoppers) - sold
        wanted = {told: count for told, count in (("confirmed", sold), ("sold-out", left)) if count}
        return dict(self.told) == wanted and not self.wrong and all(each.joined == 1 for each in self.shoppers)

    def __str__(self) -> str:
        polls = sum(shopper.polls for shopper in self.shoppers)
        slowest = max(shopper.slowest_s for shopper in self.shoppers)
        return "\n".join(
            [
                f"{len(self.shoppers)} shoppers for {self.units} units, from the start to the last word "
                f"{self.seconds:.2f} s: {', '.join(f'{count} {told}' for told, count in sorted(self.told.items()))}; "
                f"{polls} polls, slowest answer {slowest:.2f} s",
                *(f"  wrong: {finding}" for finding in self.wrong),
                f"  {'exact' if self.exact() else 'NOT EXACT'}",
            ]
        )


async def line(shop: Shop, *, shoppers: int = 300, units: int = 100) -> LineResult:
    """Schedule a sale of a fresh SKU, let everyone join, and count."""
    (sku,) = await asyncio.to_thread(put_on_sale, shop, ("RETRO-CLOCK",), units)
    starts_at = time.time() + JOINING_S
    sale = f"{sku}@rush"
    terms = {
        "price": {"amount": SALE_PRICE, "currency": "USD"},
        "allotment": units,
        "starts_at": datetime.fromtimestamp(starts_at, UTC).isoformat(),
        "ends_at": datetime.fromtimestamp(starts_at + 600, UTC).isoformat(),
        "line": "always",
        "calls_per_s": 1_000,
        "call_s": CALL_S,
    }
    await asyncio.to_thread(shop.request, "PUT", f"/v1/admin/sales/{sale}", terms)
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(own_connection()) for _ in range(shoppers)]
        lived = await asyncio.gather(
            *(
                _shop(session, shop.url, sale, f"shopper-{number}@example.org", bot=number % 3 == 0)
                for number, session in enumerate(sessions)
            )
        )
        seconds = time.time() - starts_at
    ledger, stock = await asyncio.to_thread(lambda: (read_ledger(shop, sku), shop.stock(sku)))
    wrong = list(ledger.check(stock))
    told = await asyncio.to_thread(shop.request, "GET", f"/v1/admin/sales/{sale}")
    if (told["sold"], told["joined"]) != (min(units, shoppers), shoppers):
        wrong.append(f"the sale says that it sold {told['sold']} and gave {told['joined']} places")
    return LineResult(units, lived, seconds, wrong)


async def _shop(session: aiohttp.ClientSession, url: str, sale: str, email: str, *, bot: bool) -> Shopper:
    begun = time.monotonic()
    tickets: set[str] = set()
    polls, slowest = 0, 0.0
    place: dict[str, Any] = {}
    try:
        for _ in range(BOT_ASKS if bot else 1):
            place = await _told(session.post(f"{url}/v1/sales/{sale}/line", json={"email": email}))
            if "ticket" not in place:
                return Shopper(_problem_of(place), 0, polls, 0.0, slowest)
            tickets.add(place["ticket"])
        while place["state"] in ("before-start", "waiting"):
            await asyncio.sleep(place["ask_again_s"])
            asked = time.monotonic()
            place = await _told(session.get(f"{url}/v1/sales/{sale}/line/{place['ticket']}"))
            polls, slowest = polls + 1, max(slowest, time.monotonic() - asked)
        waited_s = time.monotonic() - begun
        if place["state"] != "called":
            return Shopper(place["state"], len(tickets), polls, waited_s, slowest)
        asked = time.monotonic()
        told = await _buy(session, url, sale, email, place["ticket"])
        return Shopper(told, len(tickets), polls, waited_s, max(slowest, time.monotonic() - asked))
    except (aiohttp.ClientError, TimeoutError, KeyError) as error:
        return Shopper(f"{type(error).__name__}: {error}", len(tickets), polls, 0.0, slowest)


async def _buy(session: aiohttp.ClientSession, url: str, sale: str, email: str, ticket: str) -> str:
    """Try again where a replica hasn't heard of the call yet; else tell how it ended."""
    body = {**order_body([sale.partition("@")[0]]), "email": email, "sale_tickets": [ticket]}
    for _ in range(CALL_S):
        attempt = await buy(session, url, "/v1/orders", body, secrets.token_hex(16))
        if attempt.status == PENDING:
            attempt = await settle(session, url, attempt, PATIENCE_S)
        if attempt.status == CONFIRMED:
            return "confirmed"
        if not attempt.problem.endswith("/waiting-room"):
            break
        await asyncio.sleep(1.0)
    return attempt.problem.rpartition("/")[2]


async def _told(request: Any) -> dict[str, Any]:
    async with request as answer:
        told: dict[str, Any] = await answer.json(content_type=None)
        return told


def _problem_of(told: Mapping[str, Any]) -> str:
    return str(told.get("type", told)).rpartition("/")[2]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when the sale ended exactly."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.line", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="a shop; if none answers, one is started")
    parser.add_argument("--admin-key-file", type=Path, default=Path("var") / ADMIN_KEY_FILE, help="(var/admin.key)")
    parser.add_argument("--shoppers", type=int, default=300, help="(300)")
    parser.add_argument("--units", type=int, default=100, help="(100)")
    options = parser.parse_args(argv)

    def work() -> int:
        with shop_at(options.url, options.admin_key_file) as shop:
            result = asyncio.run(line(shop, shoppers=options.shoppers, units=options.units))
        print(result)
        return 0 if result.exact() else 1

    return exit_status("line", work)


if __name__ == "__main__":
    sys.exit(main())
