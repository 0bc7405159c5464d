"""What was folded of an entity is as of the entry that is read, wherever its history lies and whatever came since."""

from pathlib import Path
from typing import Any

import pytest

from actors.codec import KindCodec
from actors.journals.port import Batch, Entry, NewEntry, Snapshot
from actors.moves import Arrived, Left
from engine.kinds import KINDS
from engine.reservation import Committed, Reserved
from engine.stock import Adjust, Received, stock_key
from ml.lake.fold import Folds

from .shop import SHARDS, Shop, asked, fill, filled, run, writer

pytestmark = pytest.mark.integration

RADIO = stock_key("RADIO")


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.open()
    return shop


async def snapshot(shop: Shop, *kinds: str) -> None:
    """Hosts write snapshots of what they run: of now, not of what the lake has read."""
    for (kind, key), version in shop.versions.items():
        if kind in kinds:
            shard = shop.shard_of(key)
            state: Any = KindCodec(KINDS[kind]).encode_state(shop.states[kind, key])
            batch = Batch(shard, shop.epochs[shard], (), (Snapshot(kind, key, version, state),))
            await shop.recorded.append([batch])


def test_a_snapshot_that_knows_the_future_is_not_taken(shop: Shop, tmp_path: Path) -> None:
    shop.trade(4)
    run(filled(shop, tmp_path))
    shop.trade(6, seed=2)
    shop.send("stock", RADIO, Adjust("a-1", -5, "broken"))

    async def later() -> None:
        await shop.commit()
        await snapshot(shop, "order", "stock", "product")
        lake = writer(shop, tmp_path)
        await lake.open()
        await fill(shop, lake, page=3)
        await lake.close()

    run(later())
    units, total = asked(tmp_path, "SELECT sum(units), sum(total) FROM sales")[0]
    assert {"units": units, "total": total} == shop.ledger()
    assert asked(tmp_path, "SELECT on_hand FROM stock_now WHERE sku = 'RADIO'") == [
        (shop.state("stock", RADIO).on_hand,)
    ]
    broken = "SELECT count(*) FROM (SELECT on_hand - lag(on_hand) OVER (ORDER BY position, index) AS step, "
    broken += "on_hand_change FROM stock_moves WHERE sku = 'RADIO') WHERE step <> on_hand_change"
    assert asked(tmp_path, broken) == [(0,)], "every row says what it was then"


def test_a_stock_that_was_pinned_goes_on_where_it_left(shop: Shop) -> None:
    async def moved() -> int:
        codec, home, pinned = KindCodec(KINDS["stock"]), shop.shard_of(RADIO), SHARDS
        await shop.commit()
        epoch = await shop.recorded.acquire(pinned)

        def entry(version: int, *events: Any) -> NewEntry:
            return NewEntry("stock", RADIO, version, shop.now, codec.encode_events(events))

        left = entry(2, Received("r-2", 5), Left(pinned))
        await shop.recorded.append([Batch(home, shop.epochs[home], [left])])
        there = [
            entry(3, Arrived(home)),
            entry(4, Reserved("ord_1:0", 2, shop.now)),
            entry(5, Committed("ord_1:0", 2, shop.now)),
        ]
        await shop.recorded.append([Batch(pinned, epoch, there)])
        # The shards are read one by one: nobody has seen what came before.
        folds = Folds(shop.recorded, lambda _kind, _key: None)
        last: Entry = (await shop.recorded.read(pinned, 0))[-1]
        (before,) = [each for each in await shop.recorded.read(home, 0) if each.key == RADIO and each.version == 2]
        assert [type(event) for event in folds.events_of(before)] == [Received]
        fold = await folds.before(pinned, last)
        on_hand: int = fold.state.on_hand
        assert fold.state.reserved == 2
        return on_hand

    assert run(moved()) == 10_005
