"""Measures the engine alone: durable reservations of one SKU, from callers over Ray to a host actor, without HTTP.

Prints one line of JSON: reservations per second, callers, how many each kept in flight, and the journal's URL.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import ray

from actors import on_ray
from actors.client import Client
from actors.collector import look_less_for_cycles
from engine.kinds import KINDS
from engine.stock import Held, Receive, Reserve, stock_key

from ..host_actors import start_hosts
from ..hosting import now
from ..settings import Settings, display

SKU = "ENGINE-ONLY"
HOLD_MS = 600_000
RECEIPT_UNITS = 1_000_000


class Callers:
    """A process of callers; each sends a group of reservations, waits for all answers, and sends the next."""

    def __init__(self, name: str, shards: int) -> None:
        self._name = name
        self._shards = shards

    async def reserve(self, callers: int, in_flight: int, seconds: float) -> int:
        """How many reservations were acknowledged."""
        look_less_for_cycles()
        client = on_ray.connect(KINDS, self._shards)
        until = time.monotonic() + seconds
        counts = await asyncio.gather(
            *(self._call(client, f"{self._name}-{number}", in_flight, until) for number in range(callers))
        )
        return sum(counts)

    async def _call(self, client: Client, name: str, in_flight: int, until: float) -> int:
        done = 0
        key = stock_key(SKU)
        while time.monotonic() < until:
            expires_at = now() + HOLD_MS
            reservations = [Reserve(f"{name}-{done + number}", 1, expires_at) for number in range(in_flight)]
            replies = await client.send_all("stock", key, reservations)
            assert all(isinstance(reply, Held) for reply in replies), replies[0]
            done += in_flight
        return done


async def _receive(settings: Settings) -> None:
    client = on_ray.connect(KINDS, settings.shards)
    for number in range(20):
        await client.send("stock", stock_key(SKU), Receive(f"receipt-{number}", RECEIPT_UNITS))


def main(arguments: list[str] | None = None) -> int:
    """Run the measurement in a Ray of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--in-flight", type=int, default=512, help="reservations that each caller has under way")
    parser.add_argument("--processes", type=int, default=1, help="processes that the callers are spread over")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--journal", default="", help="URL of an empty journal (files in a new directory by default)")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="doorbuster-engine-") as directory:
        settings = Settings(data=Path(directory), hosts=1, journal=chosen.journal)
        ray.init(address="local", include_dashboard=False, num_cpus=4, log_to_driver=False)
        try:
            start_hosts(settings)
            asyncio.run(_receive(settings))
            share = chosen.callers // chosen.processes
            actors = [
                ray.remote(num_cpus=0)(Callers).remote(f"c{number}", settings.shards)
                for number in range(chosen.processes)
            ]
            ray.get([actor.reserve.remote(share, chosen.in_flight, 1.0) for actor in actors])
            started = time.monotonic()
            done = sum(ray.get([actor.reserve.remote(share, chosen.in_flight, chosen.seconds) for actor in actors]))
            took = time.monotonic() - started
        finally:
            on_ray.stop_hosts(1)
            ray.shutdown()
    print(
        json.dumps(
            {
                "reservations_per_s": round(done / took),
                "callers": chosen.callers,
                "in_flight": chosen.in_flight,
                "processes": chosen.processes,
                "journal": display(settings, "journal"),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
