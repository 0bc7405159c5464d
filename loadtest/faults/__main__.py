"""Hits a shop under steady load, one fault after the other, each in a shop of its own, and audits the books after it.

Prints a row per fault: what clients saw, how long, and what was lost. Exit status 1 if anything was lost or sold twice.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from ..audit import Books, read_books
from ..errors import LoadTestError
from ..processes import SCRATCH, ServerProcess, stopping_on_signals
from ..shop import Shop, start_shop
from .faults import FAULTS, Fault
from .figures import Figures, figures_of
from .report import Row, markdown, write_report
from .scene import Scene
from .shards import SHARDS, sku_in
from .steady import SteadyLoad

UNITS = 100_000
"""Of each SKU: more than a run can sell."""
WARM_UP_S = 3.0


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when nothing was lost and nothing sold twice."""
    options = parse(argv)
    chosen = [fault for fault in FAULTS if not options.fault or fault.name in options.fault]
    rows: list[Row] = []
    try:
        with stopping_on_signals():
            for fault in chosen:
                rows.append(run(fault, options))
                write_report(rows, options.out)
    except (LoadTestError, aiohttp.ClientError) as error:
        print(f"faults: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(markdown(rows))
    return 1 if any(row.lost or row.sold_twice or row.wrong for row in rows) else 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.faults", description=__doc__)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--fault", action="append", choices=names, metavar="NAME", help=f"({', '.join(names)})")
    parser.add_argument("--kills", type=int, default=0, help="how often each fault strikes (a host 20 times, others 3)")
    parser.add_argument("--rate", type=float, default=80, help="purchases per second (80)")
    parser.add_argument("--journal", help="URL of the journal (files of the run)")
    parser.add_argument("--out", type=Path, default=Path("var/faults"), help="where the table goes (var/faults)")
    parser.add_argument("--keep-logs", type=Path, help="copy the shop's logs here")
    return parser.parse_args(argv)


def run(fault: Fault, options: argparse.Namespace) -> Row:
    """One fault in a shop of its own."""
    arguments = [*fault.options, "--demo-products", "0", *(["--journal", options.journal] if options.journal else [])]
    with tempfile.TemporaryDirectory(prefix="faults-", dir=SCRATCH, ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        say(f"{fault.title}: starting a shop ({' '.join(arguments)})")
        server, shop = start_shop(data, Path(folder) / "shop.log", options=arguments)
        try:
            return asyncio.run(strike_and_audit(fault, shop, server, data, options))
        finally:
            if options.keep_logs:
                shutil.copytree(data / "logs", options.keep_logs / fault.name, dirs_exist_ok=True)
            server.stop()


async def strike_and_audit(
    fault: Fault, shop: Shop, server: ServerProcess, data: Path, options: argparse.Namespace
) -> Row:
    """Put SKUs on sale in every shard, strike while they sell, and read the books."""
    skus = [sku_in(shard, "RETRO-CLOCK") for shard in range(SHARDS)]
    for sku in skus:
        await asyncio.to_thread(shop.put_product, sku, "Retro clock")
        await asyncio.to_thread(shop.receive, sku, UNITS)
    remarks = []
    strikes = options.kills or fault.strikes
    async with SteadyLoad(shop, skus, options.rate) as load:
        scene = Scene(shop, server, data, load)
        await asyncio.sleep(WARM_UP_S)
        for number in range(1, strikes + 1):
            await scene.until_calm()
            remarks.append(await fault.strike(scene))
            figures = figures_of(load.purchases, scene.strikes[-1:])
            say(f"{fault.name} {number}/{strikes}: {summary(figures)}")
    say(f"{fault.name}: {len(load.purchases):,} purchases; reading the books")
    books = [await books_of(shop, sku, load) for sku in skus]
    return Row(
        fault.name,
        fault.title,
        figures_of(load.purchases, scene.strikes),
        orders=sum(len(each.confirmed) for each in books),
        lost=sum(len(each.missing) for each in books),
        sold_twice=sum(each.sold_twice for each in books),
        wrong=[
            f"{each.sku}: {found.check}: {found.detail}"
            for each in books
            for found in each.findings()
            if not found.held
        ],
        remarks=remarks,
    )


async def books_of(shop: Shop, sku: str, load: SteadyLoad) -> Books:
    attempts = [purchase.attempt for purchase in load.purchases if purchase.sku == sku]
    return await read_books(shop, sku, UNITS, attempts)


def summary(figures: Figures) -> str:
    others = "" if figures.others_s is None else f", of other shards {figures.others_s:.2f} s"
    return (
        f"sold again after {figures.p99_back_s:.2f} s, longest wait {figures.slowest_s:.2f} s{others}, "
        f"{figures.sent_again} sent again"
    )


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
