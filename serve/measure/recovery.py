"""Measures how soon a shard with a long journal serves its first command after kill -9 of its host.

A child process records the entries (reservations and commits of one SKU, and orders beside them) and is killed. Then
the journal is opened and the shard taken over here. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from actors.client import Client
from actors.codec import codecs_of
from actors.host import Host
from actors.journals.port import Batch, NewEntry, Snapshot
from actors.journals.urls import open_journal
from engine.kinds import KINDS
from engine.stock import STOCK, Committed, LookStock, Received, Reserved, Stock, StockView, stock_key

from ..hosting import now

SKU = "RETRO-CLOCK"
ENTRIES_PER_COMMIT = 1_000
SNAPSHOT_EVERY = 1_000


async def record(directory: Path, entries: int) -> None:
    """One shard, one entity, that many entries, with snapshots as a host would write them."""
    journal = open_journal(f"sqlite:///{directory}", shards=1)
    epoch = await journal.acquire(0)
    codec = codecs_of(KINDS)["stock"]
    stock: Stock = STOCK.new(stock_key(SKU))
    at = now()
    received = Received("r", entries)
    STOCK.apply(stock, received)
    pending = [NewEntry("stock", stock_key(SKU), 1, at, codec.encode_events([received]))]
    for version in range(2, entries + 1):
        name = f"ord_{version}:0"
        events = [Reserved(name, 1, at + 600_000), Committed(name, 1, at)]
        for event in events:
            STOCK.apply(stock, event)
        pending.append(NewEntry("stock", stock_key(SKU), version, at, codec.encode_events(events)))
        if len(pending) == ENTRIES_PER_COMMIT or version == entries:
            snapshots = []
            if version % SNAPSHOT_EVERY == 0:
                snapshots = [Snapshot("stock", stock_key(SKU), version, codec.encode_state(stock))]
            await journal.append([Batch(0, epoch, pending, snapshots)])
            pending = []
    os.kill(os.getpid(), signal.SIGKILL)


async def serve_first_command(directory: Path) -> tuple[float, StockView]:
    """Seconds from opening the journal to the first reply."""
    started = time.perf_counter()
    client = Client(1)
    host = Host(KINDS, open_journal(f"sqlite:///{directory}"), 1, now, gateways={}, send=client.send)
    client.attach(host)
    await host.own([0])
    view = await client.send("stock", stock_key(SKU), LookStock())
    took = time.perf_counter() - started
    assert isinstance(view, StockView)
    await host.close()
    return took, view


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="doorbuster-recovery-") as name:
        directory = Path(name) / "journal"
        child = os.fork()
        if child == 0:
            asyncio.run(record(directory, chosen.entries))
        os.waitpid(child, 0)
        took, view = asyncio.run(serve_first_command(directory))
    assert view.on_hand == 1, view
    print(json.dumps({"entries": chosen.entries, "first_reply_s": round(took, 4)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
