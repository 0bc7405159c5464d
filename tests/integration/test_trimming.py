"""`doorbuster journal trim` on journals of shops that have sold, and of one that is selling."""

import asyncio
import time
from itertools import count
from pathlib import Path

import pytest

from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, NewEntry
from actors.journals.trimming import Trimmed, trim_journal
from actors.journals.urls import open_journal
from engine.kinds import KINDS
from engine.order import OrderView, Status
from engine.stock import Receive, stock_key
from serve.cli.journal_verify import Audit
from serve.settings import Settings

from .one_process import SKU, Shop
from .test_journal_tools import LAMP, a_day_of_selling, called, sells_on, server, well

__all__ = ["server"]

TOMORROW_MS = int(time.time() * 1_000) + 86_400_000
BUYERS = 12
SELLING_S = 1.5
PATIENCE_S = 110.0
"""A disk that has much to write stands still for ten seconds and more at a time; how fast it is isn't what is shown."""

pytestmark = pytest.mark.timeout(3 * PATIENCE_S)


@pytest.fixture(autouse=True)
def _checkpoints_come_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.shard.MIN_ENTRIES_BETWEEN_CHECKPOINTS", 1)


@pytest.fixture(params=["sqlite", "redis"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A shop that has sold: one SKU was pinned and came home, orders were refused and cancelled."""
    redis = request.param == "redis"
    journal = f"{request.getfixturevalue('server').url}?volumes=2" if redis else ""
    settings = Settings(data=tmp_path / "shop", shards=4, journal=journal)
    asyncio.run(asyncio.wait_for(a_day_of_selling(settings), PATIENCE_S))
    asyncio.run(asyncio.wait_for(checkpoints_written(settings), PATIENCE_S))
    return settings


async def checkpoints_written(settings: Settings) -> None:
    """Have every shard write its checkpoint behind all that the day left: only what lies before it is trimmed."""
    shop = await Shop(settings).open()
    day = await shop.journal.last_positions()
    keys = [
        next(key for key in (stock_key(f"LAST-{number}") for number in count()) if shop.client.home_of(key) == shard)
        for shard in range(settings.shards)
    ]
    for receipt in count():
        reached = [(await shop.journal.checkpoint(shard))[0] for shard in range(settings.shards)]
        if all(position >= day[shard] for shard, position in enumerate(reached)):
            break
        # All in one commit.
        await asyncio.gather(*(shop.client.send("stock", key, Receive(f"r{receipt}", 1)) for key in keys))
    await shop.close()


async def trimmed(settings: Settings, before: int = TOMORROW_MS) -> Trimmed:
    """What the command does, without its lower bound of a day."""
    journal = open_journal(settings.journal, accept_data_loss=True)
    try:
        return await trim_journal(journal, KINDS, before, lambda doing, done, total: None)
    finally:
        await journal.close()


async def entries_in(settings: Settings) -> int:
    journal = open_journal(settings.journal, accept_data_loss=True)
    try:
        return sum([len(await journal.read(shard, 0, 100_000)) for shard in await journal.shards()])
    finally:
        await journal.close()


def test_a_trimmed_shop_knows_everything_and_goes_on(settings: Settings, tmp_path: Path) -> None:
    before = asyncio.run(entries_in(settings))
    found = asyncio.run(trimmed(settings))
    left = asyncio.run(entries_in(settings))
    assert found.removed == before - left
    # How much depends on each shard's last checkpoint, which comes when the machine finds the time; what the pinned SKU
    # left behind where it went to and fro stays.
    assert 0 < left < before, f"{left} of {before} entries are left"
    output = well("verify", "--journal", settings.journal)
    assert "order                 182" in output
    assert "trimmed" in output
    assert "were trimmed" in well("inspect", "order", "ord_a8", "--journal", settings.journal)
    copied = f"sqlite:///{tmp_path}/copy"
    well("copy", settings.journal, copied)
    well("backup", tmp_path / "backup", "--journal", settings.journal)
    for url in (copied, f"sqlite:///{tmp_path}/backup"):
        assert "order                 182" in well("verify", "--journal", url)
    for url in (settings.journal, copied):
        asyncio.run(asyncio.wait_for(sells_on(settings.model_copy(update={"journal": url})), PATIENCE_S))
        assert "Everything adds up" in well("verify", "--journal", url)
    asyncio.run(trimmed(settings))
    assert "Everything adds up" in well("verify", "--journal", settings.journal)


def test_what_is_young_stays(settings: Settings) -> None:
    before = asyncio.run(entries_in(settings))
    assert "0 entries trimmed" in well("trim", "--keep-days", "1", "--journal", settings.journal)
    assert "Everything is kept" in well("trim", "--journal", settings.journal)
    assert asyncio.run(entries_in(settings)) == before
    assert called("trim", "--keep-days", "-1", "--journal", settings.journal).exit_code == 2


def test_a_selling_shop_is_trimmed_and_its_trims_are_broken_off(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    for name, url in (("sqlite", ""), ("redis", f"{request.getfixturevalue('server').url}?prefix=selling")):
        settings = Settings(data=tmp_path / name, shards=4, journal=url)
        sold, removed = asyncio.run(asyncio.wait_for(sell_and_trim(settings), PATIENCE_S))
        print(f"{name}: {sold} sold, {removed} entries trimmed meanwhile")
        assert removed > 0
        assert "Everything adds up" in well("verify", "--journal", settings.journal)


async def sell_and_trim(settings: Settings) -> tuple[int, int]:
    shop = await Shop(settings).open()
    for sku in (SKU, LAMP):
        await shop.client.send("stock", stock_key(sku), Receive("r", 100_000))
    told: dict[str, OrderView] = {}
    selling = True

    async def buy(buyer: int) -> None:
        number = 0
        while selling:
            order_id = f"ord_{buyer}_{number}"
            told[order_id] = await shop.buy(order_id, skus=(SKU, LAMP))
            number += 1

    buying = asyncio.gather(*(buy(number) for number in range(BUYERS)))
    removed, ends = 0, time.monotonic() + SELLING_S
    while time.monotonic() < ends:
        # A run that is broken off somewhere, then one that ends.
        trim = asyncio.create_task(trimmed(settings))
        await asyncio.sleep(0.05)
        trim.cancel()
        await asyncio.gather(trim, return_exceptions=True)
        removed += (await trimmed(settings)).removed
    selling = False
    await buying
    removed += (await trimmed(settings)).removed
    await shop.close()
    # Another owner folds everything anew, from the states in the entries' places: whoever asks again hears the same.
    shop = await Shop(settings).open()
    for order_id, view in told.items():
        again = await shop.buy(order_id, skus=(SKU, LAMP))
        assert again == view
        assert again.status is Status.CONFIRMED
    stock = await shop.quantities()
    assert (stock.on_hand, stock.reserved) == (100_000 - len(told), 0)
    await shop.close()
    return len(told), removed


def test_books_that_begin_wrong_are_found_and_nothing_is_trimmed(settings: Settings) -> None:
    """The books of a stock that was trimmed begin with its state: its reservations and what follows must fit it."""

    async def scenario() -> list[str]:
        journal = open_journal(settings.journal, accept_data_loss=True)
        for shard in await journal.shards():
            (base,) = await journal.bases(shard, [("stock", stock_key(LAMP))])
            if base is not None:
                codec = Audit(journal, lambda doing, done, total: None)._codecs["stock"]
                state = codec.decode_state(base.state)
                state.reserved += 1
                await journal.trim(shard, 0, [base._replace(state=codec.encode_state(state))])
        audit = Audit(journal, lambda doing, done, total: None)
        await audit.run()
        await journal.close()
        return audit.faults

    asyncio.run(trimmed(settings))
    asyncio.run(sells_on(settings))
    assert any("reserved is" in fault for fault in asyncio.run(scenario()))
    result = called("trim", "--keep-days", "1", "--journal", settings.journal)
    assert result.exit_code == 1
    assert "nothing was trimmed" in result.output


def test_entries_of_an_unfinished_order_and_of_a_consumer_that_lags_stay() -> None:
    async def scenario() -> None:
        journal = MemoryJournal()
        epoch = await journal.acquire(0)
        shop_of = [NewEntry("cart", f"c-{number}", 1, 7, b"\x90") for number in range(3)]
        unfinished = NewEntry("order", "ord_1", 1, 7, b"\x90")
        await journal.append([Batch(0, epoch, [*shop_of, unfinished], checkpoint=b"\x90")])
        await journal.advance("search", 0, 2)
        assert await trim_journal(journal, KINDS, 8, lambda doing, done, total: None) == (2, 0)
        await journal.advance("search", 0, 4)
        assert await trim_journal(journal, KINDS, 7, lambda doing, done, total: None) == (0, 0)
        assert await trim_journal(journal, KINDS, 8, lambda doing, done, total: None) == (1, 1)
        assert [entry.key for entry in await journal.read(0, 0)] == ["ord_1"]

    asyncio.run(scenario())
