"""`doorbuster journal verify | copy | backup | restore` on the journals of shops that have really sold."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actors.codec import KindCodec
from actors.journals.copying import copy_journal
from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, Journal, JournalMismatch, NewEntry, Snapshot
from actors.journals.sqlite import SqliteJournal
from actors.journals.urls import open_journal
from actors.pins import LocalShards, Pins
from engine.kernel import Event, Kind
from engine.order import Cancel
from engine.stock import STOCK, Adjust, Committed, LookStock, Receive, Received, Reserved, stock_key
from loadtest.redis_program import find_redis_server
from serve.cli.journal import command
from serve.cli.journal_verify import Audit
from serve.settings import Settings

from ..redis_server import NO_SERVER, RedisServer
from .one_process import SKU, Shop

LAMP = "LAVA-LAMP"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    if find_redis_server() is None:
        pytest.skip(NO_SERVER)
    server = RedisServer(tmp_path / "redis").start()
    yield server
    server.kill()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A shop that has sold: one SKU was pinned and came home, orders were refused and cancelled."""
    settings = Settings(data=tmp_path / "shop", shards=4)
    asyncio.run(asyncio.wait_for(a_day_of_selling(settings), 100))
    return settings


async def a_day_of_selling(settings: Settings) -> None:
    shop = await Shop(settings).open()
    for sku in (SKU, LAMP):
        await shop.client.send("stock", stock_key(sku), Receive("r", 500))
    await shop.client.send("stock", stock_key(LAMP), Adjust("broken", -3, "broken"))
    await asyncio.gather(*(shop.buy(f"ord_a{number}", skus=(SKU, LAMP)) for number in range(60)))
    pins = Pins(shop.client, LocalShards(shop.host, shop.journal, settings.shards))
    assert await pins.pin("stock", stock_key(SKU), LookStock()) >= settings.shards
    await asyncio.gather(*(shop.buy(f"ord_b{number}", skus=(SKU, LAMP)) for number in range(60)))
    await pins.unpin("stock", stock_key(SKU), LookStock())
    await asyncio.gather(*(shop.buy(f"ord_c{number}", skus=(LAMP, SKU)) for number in range(60)))
    await shop.buy("ord_poor", token="tok_declined")
    await shop.client.send("order", "ord_a7", Cancel("changed my mind"))
    await shop.buy("ord_greedy", skus=(SKU, "NEVER-MADE"))
    while (await shop.quantities()).on_hand != 500 - 179:
        await asyncio.sleep(0.01)
    await shop.close()


def called(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def well(*arguments: object) -> str:
    result = called(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_books_of_a_day_add_up(settings: Settings) -> None:
    output = well("verify", "--data", settings.data)
    assert "Everything adds up" in output
    assert "order                 182" in output


def test_a_shop_moves_to_redis_and_back_with_everything(
    settings: Settings, server: RedisServer, tmp_path: Path
) -> None:
    target = f"{server.url}?volumes=4"
    assert "copied and equal" in well("copy", settings.journal, target)
    assert "Everything adds up" in well("verify", "--journal", target)
    assert "Committed" in well("inspect", "stock", SKU, "--journal", target)
    well("copy", target, f"sqlite:///{tmp_path}/back")
    assert "Everything adds up" in well("verify", "--journal", f"sqlite:///{tmp_path}/back")
    asyncio.run(asyncio.wait_for(sells_on(settings.model_copy(update={"journal": target})), 100))
    asyncio.run(asyncio.wait_for(sells_on(settings.model_copy(update={"journal": f"sqlite:///{tmp_path}/back"})), 100))
    assert "Everything adds up" in well("verify", "--journal", target)


async def sells_on(settings: Settings) -> None:
    """The shop knows what it sold and goes on."""
    shop = await Shop(settings).open()
    assert (await shop.quantities()).on_hand == 500 - 179
    await shop.buy("ord_a8", skus=(SKU, LAMP))
    assert (await shop.quantities()).on_hand == 500 - 179
    await shop.buy("ord_new")
    assert (await shop.quantities()).on_hand == 500 - 180
    await shop.close()


def test_nothing_is_copied_over_data(settings: Settings, server: RedisServer, tmp_path: Path) -> None:
    well("copy", settings.journal, server.url)
    result = called("copy", settings.journal, server.url)
    assert result.exit_code == 1
    assert "never overwrites" in result.output
    assert called("copy", server.url, settings.journal).exit_code == 1
    assert "Everything adds up" in well("verify", "--data", settings.data)


def test_looking_at_a_journal_that_is_not_there_makes_none(server: RedisServer, tmp_path: Path) -> None:
    for url in (server.url, f"sqlite:///{tmp_path}/nowhere"):
        for arguments in (("verify", "--journal", url), ("copy", url, f"sqlite:///{tmp_path}/copy")):
            result = called(*arguments)
            assert result.exit_code == 1
            assert "no journal" in result.output
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "copy").exists()
    with server.client() as client:
        assert client.dbsize() == 0


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_a_backup_of_a_selling_shop_is_one_instant_and_can_be_restored(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # Several volumes: what an order says of a stock in another one must hold in the backup too.
    journal = f"{request.getfixturevalue('server').url}?volumes=4" if store == "redis" else ""
    settings = Settings(data=tmp_path / "shop", shards=4, hosts=4, journal=journal)

    async def sell_and_back_up() -> int:
        shop = await Shop(settings).open()
        for sku in (SKU, LAMP):
            await shop.client.send("stock", stock_key(sku), Receive("r", 100_000))
        sold = 0

        async def buy(buyer: int) -> None:
            nonlocal sold
            for number in range(1_000_000):
                await shop.buy(f"ord_{buyer}_{number}", skus=(SKU, LAMP))
                sold += 1

        buyers = [asyncio.create_task(buy(number)) for number in range(12)]
        for number in range(3):
            await asyncio.sleep(0.2)
            before = sold
            await asyncio.to_thread(well, "backup", tmp_path / f"backup-{number}", "--journal", settings.journal)
            assert sold > before, "the shop sells meanwhile"
        for buyer in buyers:
            buyer.cancel()
        await asyncio.gather(*buyers, return_exceptions=True)
        await shop.close()
        return sold

    assert asyncio.run(asyncio.wait_for(sell_and_back_up(), 100)) > 0
    for number in range(3):
        assert "Everything adds up" in well("verify", "--journal", f"sqlite:///{tmp_path}/backup-{number}")
    restored = f"sqlite:///{tmp_path}/restored"
    well("restore", tmp_path / "backup-1", "--journal", restored)
    assert "Everything adds up" in well("verify", "--journal", restored)
    again = called("restore", tmp_path / "backup-1", "--journal", restored)
    assert again.exit_code == 1
    assert "not empty" in again.output
    assert called("backup", tmp_path / "backup-1", "--journal", restored).exit_code == 1


def test_a_backup_is_restored_into_redis(settings: Settings, server: RedisServer, tmp_path: Path) -> None:
    well("backup", tmp_path / "backup", "--data", settings.data)
    well("restore", tmp_path / "backup", "--journal", server.url)
    assert "Everything adds up" in well("verify", "--journal", server.url)
    assert called("restore", tmp_path / "backup", "--journal", server.url).exit_code == 1
    assert "is not a backup" in called("restore", tmp_path, "--journal", server.url).output


def test_a_damaged_file_is_no_backup(settings: Settings, tmp_path: Path) -> None:
    file = settings.data / "journal" / "volume-00.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(file.read_bytes())
    for start in range(8 * 4_096, len(content), 4_096):
        content[start : start + 64] = bytes(64)
    file.write_bytes(content)
    result = called("backup", tmp_path / "backup", "--data", settings.data)
    assert result.exit_code == 1
    assert "damaged" in result.output
    assert not (tmp_path / "backup").exists()


# What the audit finds


def entry_of(kind: Kind, key: str, version: int, *events: Event) -> NewEntry:
    return NewEntry(kind.name, key, version, 1_700_000_000_000, KindCodec(kind).encode_events(events))


CLOCK = stock_key(SKU)
RECEIVED = Received("r", 5)
HELD = Reserved("x:0", 2, 1_800_000_000_000)
SOLD = Committed("x:0", 2, 1_700_000_000_000)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([entry_of(STOCK, CLOCK, 1, RECEIVED), entry_of(STOCK, CLOCK, 3, HELD)], "version 2 is missing"),
        ([entry_of(STOCK, CLOCK, 1, Received("r", 1), HELD)], "oversold: on_hand is 1 with 2 reserved"),
        ([entry_of(STOCK, CLOCK, 1, RECEIVED, HELD), entry_of(STOCK, CLOCK, 2, SOLD, SOLD)], "sold before"),
        ([entry_of(STOCK, CLOCK, 1, RECEIVED, HELD, HELD)], "begins a second time"),
        (
            [entry_of(STOCK, CLOCK, 1, RECEIVED, Reserved("ord_x:0", 2, 9), Committed("ord_x:0", 2, 1))],
            "not in the journal",
        ),
        ([NewEntry("stock", CLOCK, 1, 0, b"\x91\x91\xa3Odd")], "can't be folded"),
        ([NewEntry("shelf", "A", 1, 0, b"\x90")], "no such kind"),
    ],
)
def test_what_does_not_add_up_is_found(entries: list[NewEntry], said: str) -> None:
    assert any(said in fault for fault in faults_of(entries))


def test_a_snapshot_that_its_events_do_not_make_is_found() -> None:
    state = STOCK.new(CLOCK)
    wrong = Snapshot("stock", CLOCK, 1, KindCodec(STOCK).encode_state(state))
    assert any("snapshot of version 1" in fault for fault in faults_of([entry_of(STOCK, CLOCK, 1, RECEIVED)], wrong))


def faults_of(entries: list[NewEntry], *snapshots: Snapshot) -> list[str]:
    async def scenario() -> list[str]:
        journal = MemoryJournal()
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, entries, snapshots)])
        audit = Audit(journal, lambda doing, done, total: None)
        await audit.run()
        return audit.faults

    return asyncio.run(scenario())


def test_an_order_and_a_stock_that_disagree_are_found(settings: Settings) -> None:
    """Sell the same clocks to nobody: take the stock's word away from an order that is confirmed."""

    async def scenario() -> list[str]:
        journal = open_journal(settings.journal)
        changed = MemoryJournal(shards=settings.shards)
        await copy_journal(journal, changed, ("product",), lambda doing, done, total: None)
        await journal.close()
        for shard in changed._shards.values():
            lamp = shard.entities.get((STOCK.name, stock_key(LAMP)))
            if lamp is not None:
                lamp.entries = lamp.entries[:-1]
        audit = Audit(changed, lambda doing, done, total: None)
        await audit.run()
        return audit.faults

    faults = asyncio.run(scenario())
    assert faults
    assert all("the stock as" in fault for fault in faults)


# Copies


async def journal_with_everything(journal: Journal) -> None:
    codec_free = [NewEntry("order", f"o-{number}", 1, 7, bytes([number % 256])) for number in range(2_500)]
    for shard in (0, 3, journal.base_shards):
        epoch = await journal.acquire(shard)
        await journal.append([Batch(shard, epoch, codec_free[:1_200], listed=[("product", "A"), ("product", "B")])])
        await journal.append([Batch(shard, epoch, [NewEntry("product", "A", 1, 7, b"a")], checkpoint=b"work")])
        await journal.append([Batch(shard, epoch, codec_free[1_200:], [Snapshot("product", "A", 1, b"state")])])
    await journal.acquire(1)


def test_a_copy_has_snapshots_listings_and_checkpoints_where_they_belong(tmp_path: Path) -> None:
    async def scenario() -> None:
        source = SqliteJournal(tmp_path / "source", shards=8, volumes=2)
        await journal_with_everything(source)
        target = SqliteJournal(tmp_path / "target", shards=8, volumes=1)
        told: list[tuple[str, int, int]] = []
        copied = await copy_journal(source, target, ["product"], lambda *progress: told.append(progress))
        assert copied == (4, 3 * 2_501, 3)
        assert told[-1] == ("comparing", 3 * 2_501, 3 * 2_501)
        assert await target.shards() == [0, 1, 3, 8]
        for shard in (0, 3, 8):
            position, checkpoint = await target.checkpoint(shard)
            assert checkpoint == b"work"
            following = await target.read(shard, position, limit=5_000)
            assert len(following) == 1_300
            assert list(await target.keys(shard, "product")) == ["A"], "what was never recorded is not listed"
            (found,) = await target.load(shard, [("product", "A")])
            assert found == (Snapshot("product", "A", 1, b"state"), [])
        assert await target.checkpoint(1) == (0, None)
        await source.close()
        await target.close()

    asyncio.run(scenario())


def test_a_copy_into_other_numbers_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(JournalMismatch, match="8 shards, the source 16"):
            await copy_journal(MemoryJournal(), MemoryJournal(shards=8), [], lambda *progress: None)

    asyncio.run(scenario())
