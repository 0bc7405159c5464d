"""The process that writes the lake is killed by the operating system, again and again, in the middle of everything."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from actors.journals.urls import open_journal
from ml.lake.reading import instant_of
from ml.lake.verify import verify

from .shop import SHARDS, Shop, asked, filled

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
KILLS = 2
PATIENCE_S = 100.0


@pytest.mark.timeout(240)
def test_a_writer_that_is_killed_at_any_moment_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    url = f"sqlite:///{tmp_path / 'journal'}"

    async def story() -> Shop:
        journal = open_journal(url, shards=SHARDS, volumes=1)
        shop = Shop(journal)
        shop.open()
        for number in range(KILLS):
            writer = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.integration.lake.killed", url, str(lake)),
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            try:
                await trade_until_it_wrote(shop, lake, commits=2 + number)
            finally:
                writer.send_signal(signal.SIGKILL)
                await writer.wait()
        await filled(shop, lake)
        verdict = await verify(lake, journal)
        assert verdict.differences == ()
        assert verdict.entries > 50
        await journal.close()
        return shop

    shop = asyncio.run(story())
    units, total, rows = asked(lake, "SELECT sum(units), sum(total), count(*) FROM sales")[0]
    assert {"units": units, "total": total} == shop.ledger()
    assert asked(lake, "SELECT count(DISTINCT (shard, position, index)) FROM sales") == [(rows,)]


async def trade_until_it_wrote(shop: Shop, lake: Path, commits: int) -> None:
    """Orders come in while the writer writes, until it has committed so many times."""
    seen, moved = instant_of(lake).positions, 0
    async with asyncio.timeout(PATIENCE_S):
        while moved < commits:
            shop.trade(2, seed=shop.orders)
            await shop.commit()
            await asyncio.sleep(0.02)
            now = instant_of(lake).positions
            moved += now != seen
            seen = now
