"""Whether the lake says what the journals say is found out from scratch, and what differs is named."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from actors.codec import KindCodec
from actors.journals.port import Snapshot
from actors.journals.urls import open_journal
from engine.kinds import KINDS
from engine.order import Cancel
from ml.lake.manifest import FILE_NAME
from ml.lake.verify import Verdict, verify
from serve.measure import feed as measure
from tests.logged import Logged

from .shop import SHARDS, Shop, filled, run

pytestmark = pytest.mark.integration


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.open()
    shop.trade(25)
    return shop


def verified(shop: Shop, lake: Path) -> Verdict:
    verdict: Verdict = run(verify(lake, shop.recorded))
    return verdict


def test_a_lake_that_was_filled_says_what_the_journals_say(shop: Shop, tmp_path: Path) -> None:
    run(filled(shop, tmp_path))
    verdict = verified(shop, tmp_path)
    assert (verdict.differences, verdict.more) == ((), 0)
    assert verdict.totals > 20
    assert verdict.entries > 100


def test_what_is_recorded_later_is_not_missed(shop: Shop, tmp_path: Path) -> None:
    run(filled(shop, tmp_path))
    shop.trade(5)
    run(shop.commit())
    assert verified(shop, tmp_path).differences == ()


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM files WHERE tbl = 'sales' AND id = (SELECT max(id) FROM files WHERE tbl = 'sales')",
        "DELETE FROM files WHERE tbl = 'orders'",
        "DELETE FROM files WHERE tbl = 'stock_moves'",
        "INSERT INTO files (tbl, path, rows, bytes, columns, first_at, last_at) "
        "SELECT tbl, replace(path, '.p', '-.p'), rows, bytes, columns, first_at, last_at FROM files "
        "WHERE tbl = 'sales' LIMIT 1",
    ],
)
def test_rows_that_are_missing_or_there_twice_are_found(shop: Shop, tmp_path: Path, damage: str) -> None:
    run(filled(shop, tmp_path))
    for file in (tmp_path / "sales").rglob("*.parquet"):
        file.with_name(file.name.replace(".p", "-.p")).write_bytes(file.read_bytes())
    with sqlite3.connect(tmp_path / FILE_NAME) as manifest:
        assert manifest.execute(damage).rowcount
    verdict = verified(shop, tmp_path)
    assert verdict.differences
    assert " in the lake, " in str(verdict.differences[0])


def test_it_still_holds_where_the_journal_was_trimmed(shop: Shop, tmp_path: Path) -> None:
    run(filled(shop, tmp_path))
    run(trim(shop))
    for (kind, key), order in list(shop.states.items())[:20]:
        if kind == "order" and order.status == "confirmed":
            shop.send("order", key, Cancel("late"))
            shop.run(key)
    run(filled(shop, tmp_path))
    assert verified(shop, tmp_path).differences == ()


def test_a_lake_that_was_begun_after_the_journal_was_trimmed_says_so(
    shop: Shop, tmp_path: Path, logged: Logged
) -> None:
    run(filled(shop, tmp_path / "old"))
    assert "trimmed" not in logged.text
    run(trim(shop))
    shop.trade(2)
    run(filled(shop, tmp_path / "new"))
    assert "is begun after the journal was trimmed" in logged.text
    verdict = verified(shop, tmp_path / "new")
    sold = [order for order in shop.confirmed()[:-2] if order.total.amount]
    assert 0 < verdict.never_had <= len(sold)
    assert verdict.differences
    run(filled(shop, tmp_path / "old"))
    assert verified(shop, tmp_path / "old").never_had == 0


def test_a_long_journal_is_read_from_its_first_entry_as_it_is_measured(tmp_path: Path) -> None:
    run(measure.fill(tmp_path / "journal", 1_500))

    async def read() -> list[dict[str, Any]]:
        journal = open_journal(f"sqlite:///{tmp_path / 'journal'}")
        told = [await work(journal, tmp_path) for work in measure.WORKS]
        await journal.close()
        return told

    lake, events, verdict = run(read())
    assert lake["entries"] == events["entries"] == verdict["entries"] >= 1_500
    assert verdict["differences"] == 0
    assert events["events"] > 250


async def trim(shop: Shop) -> None:
    """Put every state in the place of its entries."""
    bases: dict[int, list[Snapshot]] = {shard: [] for shard in range(SHARDS)}
    for (kind, key), version in shop.versions.items():
        state: Any = KindCodec(KINDS[kind]).encode_state(shop.states[kind, key])
        bases[shop.shard_of(key)].append(Snapshot(kind, key, version, state))
    for shard, position in (await shop.recorded.last_positions()).items():
        shop.recorded._shard(shard).checkpoint = (position, b"")
        await shop.recorded.trim(shard, position, bases[shard])
