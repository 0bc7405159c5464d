"""Measures the engine alone: durable reservations of one SKU, from callers over Ray to a host actor, without HTTP.

Prints one line of JSON: reservations per second, in how many milliseconds a caller's group was answered, callers, how
many each kept in flight, and the journal's URL.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
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
PERCENTILES = (50, 90, 99)


class Callers:
    """A process of callers; each sends a group of reservations, waits for all answers, and sends the next."""

    def __init__(self, name: str, shards: int) -> None:
        self._name = name
        self._shards = shards
        self._runs = 0

    async def reserve(self, callers: int, in_flight: int, seconds: float) -> list[float]:
        """For each group of `in_flight` reservations, in how many seconds it was acknowledged."""
        look_less_for_cycles()
        # An id that was used while warming up would be a retry: answered from memory, with nothing to record.
        self._runs += 1
        client = on_ray.connect(KINDS, self._shards)
        until = time.monotonic() + seconds
        took_s = await asyncio.gather(
            *(self._call(client, f"{self._name}-{self._runs}-{number}", in_flight, until) for number in range(callers))
        )
        return [each for caller in took_s for each in caller]

    async def _call(self, client: Client, name: str, in_flight: int, until: float) -> list[float]:
        took_s: list[float] = []
        key = stock_key(SKU)
        while (begun := time.monotonic()) < until:
            done = len(took_s) * in_flight
            expires_at = now() + HOLD_MS
            reservations = [Reserve(f"{name}-{done + number}", 1, expires_at) for number in range(in_flight)]
            replies = await client.send_all("stock", key, reservations)
            assert all(isinstance(reply, Held) for reply in replies), replies[0]
            took_s.append(time.monotonic() - begun)
        return took_s


def percentile(ascending: Sequence[float], share: int) -> float:
    """The value that `share` of a hundred don't exceed."""
    return ascending[min(len(ascending) * share // 100, len(ascending) - 1)]


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
            groups = ray.get([actor.reserve.remote(share, chosen.in_flight, chosen.seconds) for actor in actors])
            took = time.monotonic() - started
        finally:
            on_ray.stop_hosts()
            ray.shutdown()
    took_s = sorted(each for actor in groups for each in actor)
    print(
        json.dumps(
            {
                "reservations_per_s": round(len(took_s) * chosen.in_flight / took),
                **{f"p{share}_ms": round(percentile(took_s, share) * 1_000, 2) for share in PERCENTILES},
                "max_ms": round(took_s[-1] * 1_000, 2),
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
