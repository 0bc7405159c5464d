"""What the lake keeps and what it lets go of: small files, old behaviour, people who want to be forgotten."""

from pathlib import Path
from typing import Any

import pytest

from engine.account import Erase, OpenAccount, Profile, UseCart
from engine.account.events import HandleHeld
from engine.kernel import Accepted
from engine.visitor import Action, Behaved, BehaviourForgotten, BehaviourRecorded
from ml.lake.compaction import FEWEST, LARGEST_ROWS, plan
from ml.lake.housekeeping import Keeping
from ml.lake.manifest import LakeFile
from ml.lake.parquet import DAY_MS, HOUR_MS
from ml.lake.reading import instant_of
from tests.unit.engine.world import START

from .shop import Shop, asked, fill, run, writer

pytestmark = pytest.mark.integration

ADA, BEN = "acc_ada", "acc_ben"
SECOND_MS = 1_000


def looked(shop: Shop, who: str, *ages_days: int) -> None:
    """The visitor looked at a clock so many days ago."""
    for age in ages_days:
        shop.now -= age * DAY_MS
        event = Behaved(f"{who}-{age}", Action.VIEW, shop.now, "RETRO-CLOCK")
        shop.record("visitor", who, Accepted((BehaviourRecorded((event,), shop.now),)))
        shop.now += age * DAY_MS


async def kept(shop: Shop, directory: Path, **keeping: Any) -> None:
    """Fill the lake and keep house."""
    await shop.commit()
    lake = writer(shop, directory, keeping=Keeping(**keeping))
    await lake.open()
    await fill(shop, lake)
    await lake.flush()
    lake.housekeeping.once()
    await lake.close()


def test_an_erased_account_is_in_no_table_and_every_total_stays(tmp_path: Path) -> None:
    shop = Shop()
    shop.open()
    for account in (ADA, BEN):
        shop.send("account", account, OpenAccount(f"{account}@example.org", f"mail_{account}", "hash", Profile("Ada")))
        shop.record("account", account, Accepted((HandleHeld(),)))
        shop.send("account", account, UseCart(f"cart_{account[-3:]}", ""))
        looked(shop, account, 1)
    shop.trade(20)
    run(kept(shop, tmp_path))
    totals = asked(tmp_path, "SELECT sum(units), sum(total), count(*) FROM sales")
    assert asked(tmp_path, "SELECT count(*) FROM sales WHERE customer = 'acc_ada'") != [(0,)]

    shop.send("account", ADA, Erase())
    shop.trade(3)
    run(kept(shop, tmp_path))
    for table in ("sales", "orders", "customers", "carts", "refusals", "behaviour"):
        assert asked(tmp_path, f"SELECT count(*) FROM {table} WHERE customer = 'acc_ada'") == [(0,)], table
    assert asked(tmp_path, "SELECT DISTINCT visitor FROM behaviour") == [(BEN,)]
    assert asked(tmp_path, "SELECT customer FROM customers_now") == [(BEN,)]
    assert asked(tmp_path, "SELECT count(*) FROM sales WHERE customer = 'acc_ben'") != [(0,)]
    units, total, rows = asked(tmp_path, "SELECT sum(units), sum(total), count(*) FROM sales")[0]
    assert {"units": units, "total": total} == shop.ledger()
    assert rows > totals[0][2]
    named = [file for files in instant_of(tmp_path).files.values() for file in files]
    assert not any(b"acc_ada" in (tmp_path / file.path).read_bytes() for file in named)


def test_what_a_visitor_wants_forgotten_goes_and_what_comes_later_stays(tmp_path: Path) -> None:
    shop = Shop()
    shop.trade(0)
    looked(shop, ADA, 3, 2)
    looked(shop, "anon_browser-1", 2)
    run(kept(shop, tmp_path))
    shop.record("visitor", ADA, Accepted((BehaviourForgotten(shop.now),)))
    shop.now += SECOND_MS
    looked(shop, ADA, 0)
    run(kept(shop, tmp_path))
    assert asked(tmp_path, "SELECT visitor, event_id FROM behaviour ORDER BY 1") == [
        (ADA, "acc_ada-0"),
        ("browser-1", "anon_browser-1-2"),
    ]


def test_behaviour_is_kept_for_a_while_only_and_sales_for_good(tmp_path: Path) -> None:
    shop = Shop()
    shop.open()
    shop.trade(2)
    looked(shop, BEN, 40, 31, 29, 1)
    shop.now += 10 * DAY_MS
    run(kept(shop, tmp_path, behaviour_days=40))
    assert asked(tmp_path, "SELECT event_id FROM behaviour ORDER BY happened_at") == [("acc_ben-29",), ("acc_ben-1",)]
    shop.now += 4_000 * DAY_MS
    run(kept(shop, tmp_path, behaviour_days=40))
    assert asked(tmp_path, "SELECT count(*) FROM behaviour") == [(0,)]
    units, total = asked(tmp_path, "SELECT sum(units), sum(total) FROM sales")[0]
    assert {"units": units, "total": total} == shop.ledger()


def test_files_that_were_replaced_go_when_nobody_can_be_reading_them_any_more(tmp_path: Path) -> None:
    shop = Shop()
    shop.open()
    shop.trade(1)
    run(kept(shop, tmp_path))

    async def merged() -> None:
        lake = writer(shop, tmp_path)
        await lake.open()
        for _ in range(8):
            shop.trade(1)
            await shop.commit()
            await fill(shop, lake)
            await lake.flush()
        shop.now += 3 * DAY_MS
        lake.housekeeping.once()
        before = {path.name for path in (tmp_path / "sales").rglob("*.parquet")}
        assert len(before) > len(instant_of(tmp_path).files["sales"])
        shop.now += HOUR_MS
        lake.housekeeping.once()
        left = {str(path.relative_to(tmp_path)) for path in (tmp_path / "sales").rglob("*.parquet")}
        assert left == {file.path for file in instant_of(tmp_path).files["sales"]}
        await lake.close()

    run(merged())


def small(number: int, at: int, rows: int = 10, folder: str = "sales/date=2027-01-15/hour=08") -> LakeFile:
    return LakeFile("sales", f"{folder}/{number}.parquet", rows, 1, 1, at, at)


def test_files_of_one_size_are_merged_when_there_are_some_of_them() -> None:
    few = [small(number, START) for number in range(FEWEST - 1)]
    assert plan(few, START) == ()
    enough = [*few, small(99, START)]
    assert sorted(plan(enough, START)) == sorted(enough)
    assert plan([*few, small(99, START, rows=100_000)], START) == (), "one of another size waits for others of its own"


def test_a_day_that_is_over_becomes_one_folder_and_no_file_grows_too_large() -> None:
    hours = [
        small(1, START, folder="sales/date=2027-01-15/hour=08"),
        small(2, START + HOUR_MS, folder="sales/date=2027-01-15/hour=09"),
    ]
    assert plan(hours, START + HOUR_MS) == ()
    assert sorted(plan(hours, START + 2 * DAY_MS)) == sorted(hours)
    large = [small(number, START, rows=LARGEST_ROWS // 2) for number in range(FEWEST)]
    assert sum(file.rows for file in plan(large, START)) <= LARGEST_ROWS
    full = [small(number, START, rows=LARGEST_ROWS // 2 + 1) for number in range(FEWEST)]
    assert plan(full, START + 90 * DAY_MS) == ()
