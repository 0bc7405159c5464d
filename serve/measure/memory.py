"""Measures what an idle entity costs in memory, and that a million touched carts fit into a bounded host.

Prints one line of JSON: bytes for a cart of two lines and for a stock, and the host's memory after each tenth of the
carts was touched.
"""

import argparse
import asyncio
import gc
import json
import resource
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from actors.client import Client
from actors.host import Host
from actors.journals.urls import open_journal
from engine.cart import AddLine, OpenCart
from engine.kernel import Command
from engine.kinds import KINDS
from engine.money import Money
from engine.stock import Receive, stock_key

from ..hosting import now

AT_ONCE = 500
PRICE = Money(1_999, "USD")
MEASURED_ENTITIES = 20_000


def resident_bytes() -> int:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def a_host(directory: Path, entities_in_memory: int) -> tuple[Client, Host]:
    client = Client(16)
    host = Host(
        KINDS,
        open_journal(f"sqlite:///{directory}"),
        16,
        now,
        gateways={},
        send=client.send,
        entities_in_memory=entities_in_memory,
    )
    client.attach(host)
    await host.own(range(16))
    return client, host


async def touch_carts(client: Client, numbers: Iterable[int]) -> None:
    """Open these carts and put two lines into each."""
    commands: tuple[Command, ...] = (
        OpenCart(),
        AddLine("RETRO-CLOCK", 1, PRICE, "Retro clock", "a"),
        AddLine("BRASS-LAMP", 2, PRICE, "Brass lamp", "b"),
    )
    names = [f"cart-{number:012}" for number in numbers]
    for start in range(0, len(names), AT_ONCE):
        chosen = names[start : start + AT_ONCE]
        for command in commands:
            await asyncio.gather(*(client.send("cart", name, command) for name in chosen))


async def bytes_each(directory: Path) -> tuple[int, int]:
    """Resident bytes for an idle cart of two lines, and for an idle stock."""
    client, host = await a_host(directory, entities_in_memory=10 * MEASURED_ENTITIES)
    await touch_carts(client, range(1_000))
    gc.collect()
    before = resident_bytes()
    await touch_carts(client, range(1_000, 1_000 + MEASURED_ENTITIES))
    gc.collect()
    carts = resident_bytes()
    for start in range(0, MEASURED_ENTITIES, AT_ONCE):
        await asyncio.gather(
            *(
                client.send("stock", stock_key(f"SKU-{number}"), Receive("r", 10))
                for number in range(start, start + AT_ONCE)
            )
        )
    gc.collect()
    stocks = resident_bytes()
    await host.close()
    return (carts - before) // MEASURED_ENTITIES, (stocks - carts) // MEASURED_ENTITIES


async def memory_while_touching(directory: Path, carts: int, entities_in_memory: int) -> list[int]:
    """Resident bytes after each tenth of the carts."""
    client, host = await a_host(directory, entities_in_memory)
    sizes = []
    tenth = max(1, carts // 10)
    for start in range(0, carts, tenth):
        await touch_carts(client, range(start, start + tenth))
        sizes.append(resident_bytes())
        print(f"{start + tenth:,} carts touched, {sizes[-1] / 1e6:.0f} MB", file=sys.stderr)
    await host.close()
    return sizes


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--carts", type=int, default=1_000_000)
    parser.add_argument("--entities-in-memory", type=int, default=100_000)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="doorbuster-memory-") as name:
        cart, stock = asyncio.run(bytes_each(Path(name) / "each"))
        sizes = asyncio.run(memory_while_touching(Path(name) / "many", chosen.carts, chosen.entities_in_memory))
    figures = {
        "bytes_per_idle_cart": cart,
        "bytes_per_idle_stock": stock,
        "carts": chosen.carts,
        "entities_in_memory": chosen.entities_in_memory,
        "host_bytes_by_tenth": sizes,
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
