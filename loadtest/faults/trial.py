"""One fault tried out: SKUs on sale in every shard, strikes while they sell, and the books afterwards."""

import asyncio
import secrets
from collections.abc import Callable

from ..audit import read_books
from .faults import Fault
from .figures import Figures, figures_of
from .report import Row
from .scene import Scene, Site
from .shards import SHARDS, sku_in
from .steady import SteadyLoad

UNITS = 100_000
"""Of each SKU: more than a trial can sell."""
WARM_UP_S = 3.0


async def attempt(
    fault: Fault,
    site: Site,
    strikes: int,
    rate_per_s: float,
    say: Callable[[str], None],
    *,
    warm_up_s: float = WARM_UP_S,
) -> Row:
    """Strike that often under a steady load; `say` is told how it goes."""
    name = f"CLOCK-{secrets.token_hex(3).upper()}"
    skus = [sku_in(shard, name) for shard in range(SHARDS)]
    for sku in skus:
        await asyncio.to_thread(site.shop.put_product, sku, "Retro clock")
        await asyncio.to_thread(site.shop.receive, sku, UNITS)
    remarks = []
    async with SteadyLoad(site.shop, skus, rate_per_s) as load:
        scene = Scene(site, load)
        await asyncio.sleep(warm_up_s)
        for number in range(1, strikes + 1):
            await scene.until_calm()
            remarks.append(await fault.strike(scene))
            say(f"{fault.name} {number}/{strikes}: {summary(figures_of(load.purchases, scene.strikes[-1:]))}")
    say(f"{fault.name}: {len(load.purchases):,} purchases; reading the books")
    books = []
    for sku in skus:
        attempts = [purchase.attempt for purchase in load.purchases if purchase.sku == sku]
        books.append(await read_books(site.shop, sku, UNITS, attempts))
    findings = [(each.sku, found) for each in books for found in each.findings()]
    return Row(
        fault.name,
        fault.title,
        figures_of(load.purchases, scene.strikes),
        orders=sum(len(each.confirmed) for each in books),
        lost=sum(len(each.missing) for each in books),
        sold_twice=sum(each.sold_twice for each in books),
        wrong=[f"{sku}: {found.check}: {found.detail}" for sku, found in findings if not found.held],
        remarks=remarks,
    )


def summary(figures: Figures) -> str:
    """One strike in one line."""
    others = "" if figures.others_s is None else f", of other shards {figures.others_s:.2f} s"
    return (
        f"sold again after {figures.p99_back_s:.2f} s, longest wait {figures.slowest_s:.2f} s{others}, "
        f"{figures.sent_again} sent again"
    )
