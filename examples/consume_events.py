"""A service of your own that hears of the shop by a Redis Stream, and counts what each SKU has earned.

Each event counts once, whatever is killed and whatever comes twice: its id is recorded in the same transaction as what
it leads to. Several of these may run with one group; each event goes to one of them.

    doorbuster up --relay redis://localhost:6379
    python examples/consume_events.py redis://localhost:6379 --group books --database books.sqlite
"""

import argparse
import json
import sqlite3
import uuid
from collections.abc import Iterator
from typing import Any

import redis

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS earned (
    sku TEXT, currency TEXT, units INTEGER, amount INTEGER, PRIMARY KEY (sku, currency)
) WITHOUT ROWID;
"""
ADD = """
INSERT INTO earned VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET units = units + excluded.units, amount = amount + excluded.amount
"""
AT_ONCE = 100
BLOCK_MS = 500
IDLE_MS = 5_000
"""Whoever has had an event for so long without acknowledging it is taken for dead, and another takes it over."""


class Books:
    """What was earned, and which events are in it."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path)
        self._database.executescript(SCHEMA)

    def take(self, events: list[dict[str, Any]]) -> None:
        """Count these events, but for those that were counted before. One transaction for many: each syncs the disk."""
        with self._database:
            for event in events:
                new = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (event["id"],)).rowcount
                if new and event["type"] == "doorbuster.order.confirmed.v1":
                    self._count(event["data"]["lines"])

    def _count(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            price = line["price"]
            earned = (line["sku"], price["currency"], line["quantity"], price["amount"] * line["quantity"])
            self._database.execute(ADD, earned)

    def lines(self) -> Iterator[str]:
        """The books, the best first."""
        for sku, currency, units, amount in self._database.execute("SELECT * FROM earned ORDER BY amount DESC, sku"):
            yield f"{sku:<20} {units:>6} units {amount / 100:>12,.2f} {currency}"


def consume(client: Any, stream: str, group: str, books: Books, *, until_idle: bool) -> None:
    """Take what comes; with `until_idle`, until nothing comes any more."""
    try:
        # From the first event that the stream has; "$" would be: from now on.
        client.xgroup_create(stream, group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    me = f"consumer-{uuid.uuid4().hex[:8]}"
    while True:
        # First what somebody was given who died before it was done.
        _, taken_over, *_ = client.xautoclaim(stream, group, me, IDLE_MS, count=AT_ONCE)
        fresh = client.xreadgroup(group, me, {stream: ">"}, count=AT_ONCE, block=BLOCK_MS)
        entries = [*taken_over, *(entry for _, found in fresh for entry in found)]
        if entries:
            # One that the stream has let go of meanwhile has no fields any more.
            books.take([json.loads(fields[b"event"]) for _, fields in entries if fields])
            # Only now: were we killed before, they would come again.
            client.xack(stream, group, *(entry_id for entry_id, _ in entries))
        if until_idle and not entries and not client.xpending(stream, group)["pending"]:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description="Count what each SKU has earned, from the shop's events.")
    parser.add_argument("redis", help="URL of the Redis that the shop relays to")
    parser.add_argument("--stream", default="doorbuster.events")
    parser.add_argument("--group", default="books")
    parser.add_argument("--database", default="books.sqlite")
    parser.add_argument("--until-idle", action="store_true", help="end when nothing comes any more, and tell the books")
    given = parser.parse_args()
    books = Books(given.database)
    with redis.Redis.from_url(given.redis) as client:
        consume(client, given.stream, given.group, books, until_idle=given.until_idle)
    for line in books.lines():
        print(line)


if __name__ == "__main__":
    main()
