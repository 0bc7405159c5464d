"""The lake's writer: each entry is in the files exactly once, whatever is killed when."""

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from actors.feed.consumer import Held
from engine.order import Cancel
from ml.lake.manifest import FILE_NAME, LakeInUse, Manifest
from ml.lake.reading import connect, instant_of
from ml.lake.tables import TABLES
from ml.lake.writer import RUSH_GATHERS
from tests.unit.engine.world import DAY_MS

from .shop import READ_ALL, Shop, asked, fill, filled, run, writer

pytestmark = pytest.mark.integration


class Killed(BaseException):
    """The process is no more: nothing after this runs."""


class Crash:
    """Kills whoever reaches a point for the n-th time."""

    def __init__(self, point: str, times: int) -> None:
        self.point = point
        self.left = times

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if not self.left:
                raise Killed(point)


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.open()
    return shop


def files_in(lake: Path) -> set[str]:
    return {str(path.relative_to(lake)) for path in lake.rglob("*.parquet")}


SUMS = "SELECT sum(units), sum(total), count(*) FROM sales"


def test_the_lake_has_what_the_orders_are_worth(shop: Shop, tmp_path: Path) -> None:
    shop.trade(30)
    run(filled(shop, tmp_path))
    units, total, _rows = asked(tmp_path, SUMS)[0]
    assert {"units": units, "total": total} == shop.ledger()
    assert asked(tmp_path, "SELECT DISTINCT category, vendor FROM sales WHERE sku = 'LAVA-LAMP'") == [("Home", "Acme")]
    on_hand = shop.state("stock", "RADIO@default").on_hand
    assert asked(tmp_path, "SELECT on_hand FROM stock_now WHERE sku = 'RADIO'") == [(on_hand,)]


@pytest.mark.parametrize(
    ("point", "times"),
    [
        ("before files", 1),
        ("after a file", 1),
        ("after a file", 3),
        ("before commit", 1),
        ("after commit", 1),
        ("before commit", 2),
        ("after commit", 2),
        ("before merge", 1),
        ("after merge", 1),
    ],
)
def test_killed_anywhere_nothing_is_missing_and_nothing_twice(
    shop: Shop, tmp_path: Path, point: str, times: int
) -> None:
    shop.trade(12)

    async def killed() -> None:
        await shop.commit()
        lake = writer(shop, tmp_path, Crash(point, times))
        await lake.open()
        try:
            for _ in range(9):
                shop.trade(1)
                await shop.commit()
                await fill(shop, lake)
                await lake.flush()
            shop.now += 3 * DAY_MS
            lake.housekeeping.once(lake._reach)
        finally:
            # What the operating system does for a process that was killed, and no more.
            lake.abandon()

    async def went_on() -> None:
        lake = writer(shop, tmp_path)
        await lake.open()
        await fill(shop, lake)
        await lake.close()

    with pytest.raises(Killed):
        run(killed())
    run(went_on())
    units, total, rows = asked(tmp_path, SUMS)[0]
    assert {"units": units, "total": total} == shop.ledger()
    assert asked(tmp_path, "SELECT count(DISTINCT (shard, position, index)) FROM sales") == [(rows,)]
    counted = {file.path for files in instant_of(tmp_path).files.values() for file in files}
    there = files_in(tmp_path)
    assert there >= counted
    assert len(there - counted) <= 9 * len(TABLES), "only what was replaced may still be there"


def test_the_same_entries_again_change_nothing(shop: Shop, tmp_path: Path) -> None:
    shop.trade(5)

    async def twice() -> None:
        await shop.commit()
        lake = writer(shop, tmp_path)
        await lake.open()
        for shard in range(3):
            entries = await shop.recorded.read(shard, 0, READ_ALL)
            await lake.take(shard, entries)
            await lake.take(shard, entries)
        await lake.flush()
        for shard in range(3):
            await lake.take(shard, await shop.recorded.read(shard, 0, READ_ALL))
        await lake.close()

    run(twice())
    units, total, _rows = asked(tmp_path, SUMS)[0]
    assert {"units": units, "total": total} == shop.ledger()


def test_a_lake_that_goes_on_later_folds_what_came_before_from_the_journal(shop: Shop, tmp_path: Path) -> None:
    shop.trade(6)
    run(filled(shop, tmp_path))
    for (kind, key), order in list(shop.states.items()):
        if kind == "order" and order.status == "confirmed":
            shop.send("order", key, Cancel("late"))
            shop.run(key)
    run(filled(shop, tmp_path))
    assert asked(tmp_path, "SELECT sum(units), sum(total), sum(gross), sum(tax) FROM sales") == [(0, 0, 0, 0)]
    for sku in ("RETRO-CLOCK", "LAVA-LAMP", "RADIO"):
        stock = shop.state("stock", f"{sku}@default")
        found = asked(tmp_path, f"SELECT on_hand, reserved FROM stock_now WHERE sku = '{sku}'")
        assert found == [(stock.on_hand, stock.reserved)]


def test_rows_come_into_force_with_their_positions_and_stay_readable_meanwhile(shop: Shop, tmp_path: Path) -> None:
    shop.trade(4)

    async def watched() -> None:
        await shop.commit()
        lake = writer(shop, tmp_path)
        await lake.open()
        await fill(shop, lake)
        assert await lake.positions() is None
        assert instant_of(tmp_path).positions == {}
        await lake.flush()
        assert await lake.positions() == instant_of(tmp_path).positions != {}
        with connect(tmp_path, threads=1) as before:
            seen = before.sql(SUMS).fetchall()
            for _ in range(8):
                shop.trade(1)
                await shop.commit()
                await fill(shop, lake)
                await lake.flush()
            shop.now += 3 * DAY_MS
            files = len(instant_of(tmp_path).files["sales"])
            while lake.housekeeping.merge():
                pass
            assert len(instant_of(tmp_path).files["sales"]) < files
            assert before.sql(SUMS).fetchall() == seen, "one instant, also when its files were merged"
        await lake.close()

    run(watched())
    assert asked(tmp_path, SUMS)[0][:2] == tuple(shop.ledger().values())


def test_a_commit_whose_answer_was_lost_is_not_done_again(shop: Shop, tmp_path: Path) -> None:
    shop.trade(3)

    class Deaf(Manifest):
        """Commits, and says that it failed."""

        def commit(self, *arguments: Any, **more: Any) -> None:
            super().commit(*arguments, **more)
            raise sqlite3.OperationalError("disk I/O error")

    async def lost() -> None:
        await shop.commit()
        lake = writer(shop, tmp_path)
        await lake.open()
        await fill(shop, lake)
        lake._manifest = Deaf(tmp_path, create=True)
        await lake.flush()
        shop.trade(1)
        await shop.commit()
        await fill(shop, lake)
        await lake.close()

    run(lost())
    assert asked(tmp_path, SUMS)[0][:2] == tuple(shop.ledger().values())


def test_what_could_not_be_written_is_written_later_and_leaves_nothing_behind(shop: Shop, tmp_path: Path) -> None:
    shop.trade(3)
    full = [True]

    def reach(point: str) -> None:
        if point == "before commit" and full:
            raise OSError(28, "No space left on device")

    async def later() -> None:
        await shop.commit()
        lake = writer(shop, tmp_path, reach)
        await lake.open()
        await fill(shop, lake)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                await lake.flush()
        assert files_in(tmp_path) == set()
        shop.trade(1)
        await shop.commit()
        await fill(shop, lake)
        full.clear()
        await lake.close()

    run(later())
    assert asked(tmp_path, SUMS)[0][:2] == tuple(shop.ledger().values())
    radio = shop.state("stock", "RADIO@default")
    assert asked(tmp_path, "SELECT on_hand FROM stock_now WHERE sku = 'RADIO'") == [(radio.on_hand,)]


def test_a_lake_that_has_more_than_its_journal_is_not_written_to(shop: Shop, tmp_path: Path) -> None:
    shop.trade(5)
    run(filled(shop, tmp_path))
    restored = Shop()
    restored.open()

    async def refused() -> None:
        await restored.commit()
        lake = writer(restored, tmp_path)
        for _ in range(2):
            with pytest.raises(Held, match="has more than the journal"):
                await lake.positions()
        await lake.close()

    run(refused())
    assert asked(tmp_path, SUMS)[0][:2] == tuple(shop.ledger().values())


def test_only_one_process_writes_a_lake(shop: Shop, tmp_path: Path) -> None:
    async def two() -> None:
        first, second = writer(shop, tmp_path), writer(shop, tmp_path)
        await first.open()
        with pytest.raises(LakeInUse):
            await second.open()
        await first.close()
        await second.open()
        await second.close()

    run(two())


def test_whoever_was_taken_over_writes_no_more(shop: Shop, tmp_path: Path) -> None:
    """On shared storage a lock may not be seen from elsewhere: the manifest is the fence."""
    shop.trade(2)

    async def taken_over() -> None:
        await shop.commit()
        first = writer(shop, tmp_path)
        await first.open()
        await fill(shop, first)
        (tmp_path / "writer.lock").unlink()
        second = writer(shop, tmp_path)
        await second.open()
        with pytest.raises(LakeInUse):
            await first.flush()
        first.abandon()
        await fill(shop, second)
        await second.close()

    run(taken_over())
    assert asked(tmp_path, SUMS)[0][:2] == tuple(shop.ledger().values())


def test_a_row_waits_for_others_only_a_moment_and_an_idle_writer_does_nothing(shop: Shop, tmp_path: Path) -> None:
    shop.trade(1)

    async def left_alone() -> None:
        await shop.commit()
        lake = writer(shop, tmp_path, fresh_s=0.05)
        await lake.open()
        lake.start()
        await fill(shop, lake)
        for _ in range(1_000):
            if await lake.positions():
                break
            await asyncio.sleep(0.01)
        assert asked(tmp_path, SUMS)[0][:2] == tuple(shop.ledger().values())
        assert not lake._wanted.is_set()
        await lake.close()

    run(left_alone())


def test_a_lake_that_is_not_there_is_empty_and_is_not_made_by_looking(tmp_path: Path) -> None:
    assert asked(tmp_path, "SELECT count(*), sum(net) FROM sales") == [(0, None)]
    assert asked(tmp_path, "SELECT count(*) FROM interactions") == [(0,)]
    assert not (tmp_path / FILE_NAME).exists()


def test_rows_gather_while_others_need_the_machine(shop: Shop, tmp_path: Path) -> None:
    looks: list[bool] = []

    def busy() -> bool:
        looks.append(len(looks) < 3)
        return looks[-1]

    async def story() -> None:
        await shop.commit()
        lake = writer(shop, tmp_path, fresh_s=0.02, busy=busy)
        await lake.open()
        await fill(shop, lake)
        lake.start()
        async with asyncio.timeout(10):
            while not instant_of(tmp_path).positions:
                await asyncio.sleep(0.005)
        assert looks[:4] == [True, True, True, False], "it was looked at until there was some to spare"
        await lake.close()

    shop.trade(3)
    run(story())


def test_in_a_rush_rows_gather_longer(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh_s = 0.05
    flushed: list[float] = []
    # However slow the machine is that runs this: what comes here is a rush.
    monkeypatch.setattr("ml.lake.writer.RUSH_ROWS_PER_S", 0.001)

    def reach(point: str) -> None:
        if point == "before files":
            flushed.append(time.monotonic())

    async def story() -> None:
        await shop.commit()
        lake = writer(shop, tmp_path, reach, fresh_s=fresh_s)
        await lake.open()
        await fill(shop, lake)
        await lake.flush()
        lake.start()
        shop.trade(1)
        await shop.commit()
        began = time.monotonic()
        await fill(shop, lake)
        async with asyncio.timeout(10):
            while len(flushed) < 2:
                await asyncio.sleep(0.005)
        assert flushed[1] - began >= fresh_s * RUSH_GATHERS
        await lake.close()

    shop.trade(3)
    run(story())
