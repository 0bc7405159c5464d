"""Kills every part between the journal and whoever reads our events, again and again, while people buy and browse.

After each fault everything is compared, from the first event on: what the journal has with what a Redis Stream and a
Kafka topic were told, with the books of a service that consumes them, with the lake, and with the counters of the
running minute; and the journal with what buyers and visitors were acknowledged. Exit status 1 if anything is missing or
counted twice. Kafka is the broker that its client brings along for tests, which keeps its records in memory only: that
one is stopped and goes on, where the others are killed.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..commands import exit_status
from ..faults.__main__ import say
from ..faults.scene import Site
from ..processes import SCRATCH
from ..shop import start_shop
from .parts import TOPIC, KafkaBroker, RedisBroker
from .report import Row, markdown
from .stage import Stage
from .strikes import FAULTS, Fault
from .visitors import BATCH_EVENTS

WARM_UP_S = 3.0


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when nothing is missing and nothing counted twice."""
    options = parse(argv)

    def work() -> int:
        rows = run(options)
        print(markdown(rows), end="")
        return 0 if all(row.verdict.holds for row in rows) else 1

    return exit_status("feed_faults", work)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.feed_faults", description=__doc__)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--fault", action="append", choices=names, metavar="NAME", help=f"({', '.join(names)})")
    parser.add_argument("--kills", type=int, default=0, help="how often each fault strikes (3 times)")
    parser.add_argument("--rate", type=float, default=20, help="purchases per second (20)")
    parser.add_argument("--events", type=float, default=500, help="visitors' events per second (500)")
    parser.add_argument("--hosts", type=int, default=0, help="processes that host shards; 0: the replica does")
    return parser.parse_args(argv)


def run(options: argparse.Namespace) -> list[Row]:
    """All faults, one after the other, in one shop."""
    chosen = [each for each in FAULTS if not options.fault or each.name in options.fault]
    chosen = [each for each in chosen if options.hosts or not each.needs_hosts]
    hosts = ["--hosts", str(options.hosts), "--replicas", "2"] if options.hosts else []
    with tempfile.TemporaryDirectory(prefix="feed-faults-", dir=SCRATCH, ignore_cleanup_errors=True) as folder:
        workspace = Path(folder)
        broker, topic = RedisBroker(workspace / "redis"), KafkaBroker(workspace)
        try:
            broker.start()
            topic.start()
            relays = ["--relay", f"{broker.url}?maxlen=0&begin=start"]
            relays += ["--relay", f"kafka://{topic.servers}/{TOPIC}?begin=start"]
            data = workspace / "data"
            say("starting a shop")
            server, shop = start_shop(data, workspace / "shop.log", options=["--demo-products", "0", *relays, *hosts])
            try:
                stage = Stage(Site(shop, server, data), broker, topic, workspace, (options.rate, options.events))
                return asyncio.run(play(stage, chosen, options.kills))
            finally:
                server.stop()
        finally:
            topic.kill()
            broker.kill()


async def play(stage: Stage, faults: Sequence[Fault], kills: int) -> list[Row]:
    """Strike, and compare after each fault."""
    await stage.open()
    rows = []
    for fault in faults:
        rows.append(await attempt(stage, fault, kills or fault.strikes))
        say(markdown(rows[-1:]).splitlines()[-1])
    return rows


async def attempt(stage: Stage, fault: Fault, strikes: int) -> Row:
    """One fault, while people buy and browse."""
    caught_up: list[float] = []
    async with stage.busy() as scene:
        await stage.until_near()
        for number in range(1, strikes + 1):
            await asyncio.sleep(WARM_UP_S)
            await fault.strike(stage, scene)
            caught_up.append(await stage.until_near())
            say(f"{fault.name} {number}/{strikes}: caught up after {caught_up[-1]:.1f} s")
    say(f"{fault.name}: comparing")
    bought = sum(each.bought for each in stage.loads[-1].purchases)
    told = len(stage.visits[-1].acknowledged) * BATCH_EVENTS
    return Row(fault.title, strikes, bought, told, caught_up, await stage.verdict())


if __name__ == "__main__":
    sys.exit(main())
