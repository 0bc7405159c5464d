"""The SQLite journal keeps the port's promises: on a quick disk and a slow one, through kills and damage."""

import asyncio
import multiprocessing
import os
import pickle
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.queues import Queue
from pathlib import Path

import pytest

from actors.journals import sqlite, sqlite_file
from actors.journals.port import (
    Batch,
    Fenced,
    Journal,
    JournalFull,
    JournalMismatch,
    JournalTooNew,
    JournalUnavailable,
    NewEntry,
    Snapshot,
    VersionTaken,
)
from actors.journals.sqlite import INLINE_COMMIT_S, PROBE_EVERY, CommitPace, SqliteJournal
from actors.journals.sqlite_volume import RememberedIds
from actors.journals.urls import open_journal
from tests.small_disk import SmallDisk, small_disk

from .journal_suite import CLOCK, LAMP, JournalSuite, entries, entry, run, versions

# A child process imports this module afresh, as another host of the machine would.
PROCESSES = multiprocessing.get_context("spawn")
FIRST_FILE = "volume-00.sqlite"
NOBODY = 65_534


class TestSqliteJournal(JournalSuite):
    inline_commit_s = INLINE_COMMIT_S

    @pytest.fixture(autouse=True)
    def _close_what_was_opened(self) -> Iterator[None]:
        self.opened: list[SqliteJournal] = []
        yield
        for journal in self.opened:
            run(journal.close())

    def open(self, directory: Path) -> Journal:
        return self.opened_as(directory, volumes=1)

    def open_split(self, directory: Path) -> Journal:
        return self.opened_as(directory, volumes=2)

    def opened_as(self, directory: Path, volumes: int) -> Journal:
        journal = SqliteJournal(directory, shards=16, volumes=volumes, inline_commit_s=self.inline_commit_s)
        self.opened.append(journal)
        return journal


class TestSqliteJournalOnASlowDisk(TestSqliteJournal):
    """The whole suite again with commits in the writer's thread."""

    inline_commit_s = 0.0


# Where commits run


def test_commits_leave_the_loop_when_they_are_slow_and_return_when_they_are_quick() -> None:
    pace = CommitPace(inline_commit_s=0.001)
    assert pace.inline()
    pace.took(0.5)
    assert pace.inline(), "one hiccup of the disk is not a slow disk"
    for _ in range(3):
        pace.took(0.5)
    asked = [pace.inline() for _ in range(2 * PROBE_EVERY)]
    assert asked.count(True) == 2, "now and then a commit on the loop finds out whether the disk has recovered"
    for _ in range(20):
        pace.took(0.000_2)
    assert pace.inline()


@pytest.mark.parametrize(("inline_commit_s", "in_thread"), [(60.0, False), (0.0, True)])
def test_only_a_slow_commit_pays_for_a_thread(tmp_path: Path, inline_commit_s: float, in_thread: bool) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path, inline_commit_s=inline_commit_s)
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        names = {thread.name for thread in threading.enumerate()}
        assert any(name.startswith("volume-00-writer") for name in names) is in_thread
        await journal.close()

    run(scenario())


def test_what_consumers_have_passed_costs_no_commit_of_its_own_beside_an_append(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path)
        epochs = [await journal.acquire(shard) for shard in range(16)]
        commits = commits_of(journal)
        passed = [asyncio.create_task(journal.advance("search", shard, 3)) for shard in range(16)]
        await asyncio.sleep(0)
        await journal.append([Batch(0, epochs[0], [entry(CLOCK, 1)])])
        await asyncio.gather(*passed)
        assert len(commits) == 1
        assert [await journal.consumers(shard) for shard in range(16)] == [{"search": 3}] * 16
        await journal.close()

    run(scenario())


def test_what_consumers_have_passed_is_recorded_together_where_nothing_is_appended(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path)
        commits = commits_of(journal)
        passed = asyncio.gather(
            *(journal.advance(name, shard, 3) for shard in range(16) for name in ("mails", "hooks"))
        )
        await passed
        assert len(commits) == 1
        assert await journal.consumers(7) == {"mails": 3, "hooks": 3}
        await journal.close()

    run(scenario())


def test_an_append_that_fails_takes_nothing_with_it_that_consumers_have_passed(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path)
        old = await journal.acquire(0)
        await journal.acquire(0)
        passed = asyncio.create_task(journal.advance("search", 0, 3))
        await asyncio.sleep(0)
        with pytest.raises(Fenced):
            await journal.append([Batch(0, old, [entry(CLOCK, 1)])])
        await passed
        assert await journal.consumers(0) == {"search": 3}
        await journal.close()

    run(scenario())


def commits_of(journal: SqliteJournal) -> list[str]:
    """Every commit of the first volume from now on."""
    commits: list[str] = []
    writing = journal._volume(0).volume.writing
    writing.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    return commits


def test_the_loop_runs_and_reads_while_another_process_commits(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path)
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        with closing(sqlite3.connect(tmp_path / FIRST_FILE, isolation_level=None)) as neighbour:
            neighbour.execute("BEGIN IMMEDIATE")
            append = asyncio.ensure_future(journal.append([Batch(0, epoch, [entry(CLOCK, 2)])]))
            for _ in range(5):
                await asyncio.sleep(0.01)
                assert versions(await journal.read(0, after=0, limit=10)) == [1]
                assert versions((await journal.load(0, [CLOCK, LAMP, LAMP]))[0].entries) == [1]
            assert not append.done()
            neighbour.execute("COMMIT")
            await append
        assert versions(await journal.read(0, after=0)) == [1, 2]
        await journal.close()

    run(scenario())


def test_a_lock_that_is_never_released_makes_the_journal_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_PATIENT_MS", 50)

    async def scenario() -> None:
        journal = SqliteJournal(tmp_path)
        epoch = await journal.acquire(0)
        with closing(sqlite3.connect(tmp_path / FIRST_FILE, isolation_level=None)) as neighbour:
            neighbour.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalUnavailable, match="another process holds the write lock"):
                await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        await journal.close()

    run(scenario())


def test_a_cancelled_append_may_still_happen_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path)
        epoch = await journal.acquire(0)
        with closing(sqlite3.connect(tmp_path / FIRST_FILE, isolation_level=None)) as neighbour:
            neighbour.execute("BEGIN IMMEDIATE")
            append = asyncio.ensure_future(journal.append([Batch(0, epoch, [entry(CLOCK, 1)])]))
            await asyncio.sleep(0.01)
            append.cancel()
            await asyncio.wait([append])
            started = time.monotonic()
            await journal.load(0, [CLOCK, LAMP, LAMP])
            assert time.monotonic() - started < 1, "the thread still commits: reads keep off its connection"
            neighbour.execute("COMMIT")
        await journal.append([Batch(0, epoch, [entry(LAMP, 1)])])
        assert [each.key for each in await journal.read(0, after=0)] == [CLOCK[1], LAMP[1]]
        await journal.close()

    run(scenario())


@pytest.mark.parametrize("inline_commit_s", [60.0, 0.0])
def test_the_log_is_moved_into_the_file_while_entries_keep_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inline_commit_s: float
) -> None:
    monkeypatch.setattr(sqlite, "MOVE_LOG_AFTER_PAGES", 50)

    async def scenario() -> None:
        journal = SqliteJournal(tmp_path, inline_commit_s=inline_commit_s)
        epoch = await journal.acquire(0)
        for version in range(1, 1_501):
            await journal.append([Batch(0, epoch, [entry(CLOCK, version, bytes(200))])])
            await asyncio.sleep(0)
        pages = (tmp_path / f"{FIRST_FILE}-wal").stat().st_size / sqlite_file.PAGE_BYTES
        # 1,500 commits write five pages or more each: without a move the log would hold 7,500.
        assert pages < 2_000
        assert len(await journal.read(0, after=0, limit=5_000)) == 1_500
        await journal.close()

    run(scenario())


# Layout


def test_shards_spread_over_volumes_and_a_pinned_shard_has_a_file_of_its_own(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path, shards=4, volumes=2)
        assert [journal.volume_of(shard) for shard in range(7)] == [0, 1, 0, 1, 2, 3, 4]
        for shard in (0, 3, 6):
            epoch = await journal.acquire(shard)
            await journal.append([Batch(shard, epoch, [entry(CLOCK, 1)])])
        await journal.close()
        assert set(os.listdir(tmp_path)) == {
            f"{name}.{part}" for name in ("volume-00", "volume-01", "shard-6") for part in ("sqlite", "position")
        }
        journal = SqliteJournal(tmp_path)
        assert await journal.shards() == [0, 3, 6]
        assert versions(await journal.read(6, after=0)) == [1]
        await journal.close()

    run(scenario())


def test_the_numbers_chosen_at_creation_are_kept_and_others_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal"
    run(open_journal(url, shards=8, volumes=2).close())
    for shards, volumes in ((16, 2), (8, 1), (None, 4)):
        with pytest.raises(JournalMismatch, match="created with 8 shards in 2 volumes"):
            open_journal(url, shards=shards, volumes=volumes)
    for same in ({"shards": 8, "volumes": 2}, {}):
        journal = open_journal(url, **same)
        assert journal.volume_of(7) == 1
        run(journal.close())


def test_numbers_below_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one shard and one volume"):
        SqliteJournal(tmp_path, shards=-1)


def test_a_volume_that_vanished_is_missed_and_not_begun_anew(tmp_path: Path) -> None:
    run(SqliteJournal(tmp_path, volumes=2).close())
    (tmp_path / "volume-01.sqlite").unlink()
    with pytest.raises(JournalUnavailable, match=r"volume-01\.sqlite"):
        SqliteJournal(tmp_path)
    assert not (tmp_path / "volume-01.sqlite").exists()


# Remembered ids


def test_the_entities_of_a_refused_append_are_not_remembered(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path)
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, [entry(LAMP, 1)])])
        with pytest.raises(VersionTaken):
            await journal.append([Batch(0, epoch, [entry(CLOCK, 1), entry(LAMP, 1)])])
        await journal.append([Batch(0, epoch, [entry(LAMP, 2), entry(CLOCK, 1)])])
        await journal.append([Batch(0, epoch, [entry(CLOCK, 2)])])
        await journal.close()
        journal = SqliteJournal(tmp_path)
        assert [versions(found.entries) for found in await journal.load(0, [CLOCK, LAMP])] == [[1, 2], [1, 2]]
        await journal.close()

    run(scenario())


def test_remembered_ids_are_bounded_and_those_in_use_stay() -> None:
    ids = RememberedIds(bound=3)
    for number in range(20):
        ids.add((0, "order", f"o-{number}"), number)
        ids.add((0, *CLOCK), 1_000)
        assert ids.get((0, *CLOCK)) == 1_000
    assert [ids.get((0, "order", f"o-{number}")) for number in (0, 19)] == [None, 19]
    assert sum(ids.get((0, "order", f"o-{number}")) is not None for number in range(20)) <= 6


# Other processes


def append_orders(directory: Path, shard: int, count: int, told: "Queue[int]") -> None:
    """In a process of its own: append single orders, and tell each one's number once it is acknowledged."""

    async def work() -> None:
        journal = SqliteJournal(directory)
        epoch = await journal.acquire(shard)
        for number in range(1, count + 1):
            await journal.append([Batch(shard, epoch, [entry(("order", f"o-{number}"), 1), entry(CLOCK, number)])])
            told.put(number)
        await journal.close()

    run(work())


def test_processes_append_to_one_volume_side_by_side(tmp_path: Path) -> None:
    told: Queue[int] = PROCESSES.Queue()
    # Nothing is there yet: both create the data at the same time, too.
    workers = [PROCESSES.Process(target=append_orders, args=(tmp_path, shard, 150, told)) for shard in (0, 1)]
    for worker in workers:
        worker.start()
    assert sum(told.get(timeout=60) > 0 for _ in range(300)) == 300
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0

    async def audit() -> None:
        journal = SqliteJournal(tmp_path)
        for shard in (0, 1):
            (clock,) = await journal.load(shard, [CLOCK])
            assert versions(clock.entries) == list(range(1, 151))
            assert len(await journal.read(shard, after=0)) == 300
        await journal.close()

    run(audit())


def test_a_kill_in_the_middle_of_appends_keeps_every_acknowledged_one(tmp_path: Path) -> None:
    acknowledged = 0
    for _ in range(3):
        told: Queue[int] = PROCESSES.Queue()
        directory = tmp_path / str(acknowledged)
        victim = PROCESSES.Process(target=append_orders, args=(directory, 0, 1_000_000, told))
        victim.start()
        last = told.get(timeout=60)
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            last = told.get(timeout=10)
        assert victim.pid
        os.kill(victim.pid, signal.SIGKILL)
        victim.join(10)

        async def audit(directory: Path = directory, last: int = last) -> None:
            journal = SqliteJournal(directory)
            (clock,) = await journal.load(0, [CLOCK])
            kept = len(clock.entries)
            assert versions(clock.entries) == list(range(1, kept + 1))
            assert kept >= last
            orders = await journal.load(0, [("order", f"o-{number}") for number in range(1, kept + 2)])
            assert [len(order.entries) for order in orders] == [1] * kept + [0], "an append is whole or not at all"
            epoch = await journal.acquire(0)
            await journal.append([Batch(0, epoch, [entry(CLOCK, kept + 1)])])
            await journal.close()

        run(audit())
        acknowledged += last
    assert acknowledged > 30


def test_a_torn_last_write_loses_that_commit_alone(tmp_path: Path) -> None:
    live, torn = tmp_path / "live", tmp_path / "torn"

    async def scenario() -> None:
        journal = SqliteJournal(live)
        epoch = await journal.acquire(0)
        for version in range(1, 6):
            mark = (live / "volume-00.position").read_bytes()
            await journal.append([Batch(0, epoch, [entry(CLOCK, version)])])
        # What a machine leaves that lost power while it wrote the last commit.
        shutil.copytree(live, torn, ignore=shutil.ignore_patterns("*-shm"))
        (torn / "volume-00.position").write_bytes(mark)
        await journal.close()
        log = torn / f"{FIRST_FILE}-wal"
        os.truncate(log, log.stat().st_size - 100)
        journal = SqliteJournal(torn)
        assert versions(await journal.read(0, after=0)) == [1, 2, 3, 4]
        await journal.append([Batch(0, epoch, [entry(CLOCK, 5)])])
        await journal.close()

    run(scenario())


def tear(log: Path) -> None:
    os.truncate(log, log.stat().st_size - 100)


def garble(log: Path) -> None:
    whole = bytearray(log.read_bytes())
    whole[len(whole) // 2] ^= 1
    log.write_bytes(whole)


@pytest.mark.parametrize("damage", [tear, garble, Path.unlink])
def test_acknowledged_entries_that_a_damaged_log_has_lost_are_missed(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    live, harmed = tmp_path / "live", tmp_path / "harmed"

    async def scenario() -> None:
        journal = SqliteJournal(live)
        epoch = await journal.acquire(0)
        for version in range(1, 6):
            await journal.append([Batch(0, epoch, [entry(CLOCK, version)])])
        shutil.copytree(live, harmed, ignore=shutil.ignore_patterns("*-shm"))
        await journal.close()
        damage(harmed / f"{FIRST_FILE}-wal")
        for _ in range(2):
            with pytest.raises(JournalMismatch, match=r"acknowledged entries are missing: it ends at position [0-4]"):
                SqliteJournal(harmed)
        # As the message says.
        (harmed / "volume-00.position").unlink()
        journal = SqliteJournal(harmed)
        kept = len(await journal.read(0, after=0))
        assert kept < 5
        await journal.append([Batch(0, await journal.acquire(0), [entry(CLOCK, kept + 1)])])
        await journal.close()
        await SqliteJournal(harmed).close()

    run(scenario())


# Disks and files


def test_a_full_disk_refuses_appends_until_there_is_room(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path)
        epoch = await journal.acquire(0)
        limit_pages(journal, 40)
        written = 0

        async def append_for_ever() -> None:
            nonlocal written
            while True:
                await journal.append([Batch(0, epoch, [entry(CLOCK, written + 1, bytes(2_000))])])
                written += 1

        with pytest.raises(JournalFull, match=r"volume-00\.sqlite: the disk is full"):
            await append_for_ever()
        assert versions((await journal.load(0, [CLOCK]))[0].entries) == list(range(1, written + 1))
        limit_pages(journal, 4_000)
        await journal.append([Batch(0, epoch, [entry(CLOCK, written + 1), entry(LAMP, 1)])])
        assert versions((await journal.load(0, [LAMP]))[0].entries) == [1]
        await journal.close()

    run(scenario())


@pytest.mark.parametrize("inline_commit_s", [60.0, 0.0])
def test_a_disk_that_fills_up_while_the_log_is_moved_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inline_commit_s: float
) -> None:
    monkeypatch.setattr(sqlite, "MOVE_LOG_AFTER_PAGES", 20)

    async def scenario(disk: SmallDisk) -> None:
        journal = SqliteJournal(disk.path / "journal", inline_commit_s=inline_commit_s)
        epoch = await journal.acquire(0)
        written = 0

        async def append(count: int) -> None:
            nonlocal written
            for _ in range(count):
                batch = Batch(0, epoch, [entry(CLOCK, written + 1, bytes(3_000))], checkpoint=bytes(9_000))
                await journal.append([batch])
                written += 1
                await asyncio.sleep(0)

        for _ in range(3):
            disk.fill()
            with pytest.raises(JournalFull):
                await append(10_000)
            assert versions((await journal.load(0, [CLOCK]))[0].entries) == list(range(1, written + 1))
            # Whoever only asks whether there is a newer owner writes nothing.
            await journal.append([Batch(0, epoch, ())])
            disk.make_room()
            await append(40)
        await journal.close()
        journal = SqliteJournal(disk.path / "journal")
        assert versions((await journal.load(0, [CLOCK]))[0].entries) == list(range(1, written + 1))
        await journal.close()

    with small_disk(tmp_path / "disk", 8) as disk:
        run(scenario(disk))


def limit_pages(journal: SqliteJournal, pages: int) -> None:
    journal._open[0].volume.writing.execute(f"PRAGMA max_page_count = {pages}")


def open_as_nobody(directory: Path, told: "Queue[str]") -> None:
    """In a process of its own, which may drop its rights: say what opening the journal and appending to it raises."""
    if os.geteuid() == 0:
        os.setuid(NOBODY)

    async def work() -> None:
        journal = SqliteJournal(directory)
        await journal.acquire(0)

    try:
        run(work())
    except JournalUnavailable as error:
        told.put(str(error))
    else:
        told.put("nothing was refused")


@pytest.mark.parametrize("has_data", [False, True])
def test_a_read_only_directory_is_named_with_what_to_do(has_data: bool) -> None:
    # Not pytest's directory: that one is closed to other users.
    directory = Path(tempfile.mkdtemp())
    try:
        if has_data:
            run(SqliteJournal(directory).close())
        directory.chmod(0o555)
        told: Queue[str] = PROCESSES.Queue()
        process = PROCESSES.Process(target=open_as_nobody, args=(directory, told))
        process.start()
        message = told.get(timeout=60)
        process.join(10)
        assert f"journal {directory / FIRST_FILE}: " in message
        assert "writable for this user" in message or "Permission denied" in message
    finally:
        directory.chmod(0o755)
        shutil.rmtree(directory)


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    async def fill() -> None:
        journal = SqliteJournal(tmp_path)
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, entries(CLOCK, range(1, 2_000)))])
        await journal.close()

    run(fill())
    file = tmp_path / FIRST_FILE
    whole = file.read_bytes()
    pages = len(whole) // sqlite_file.PAGE_BYTES
    file.write_bytes(whole[: 2 * sqlite_file.PAGE_BYTES] + os.urandom((pages - 2) * sqlite_file.PAGE_BYTES))

    async def use() -> None:
        journal = SqliteJournal(tmp_path)
        try:
            await journal.load(0, [CLOCK, LAMP, ("cart", "c")])
            await journal.read(0, after=0)
        finally:
            await journal.close()

    with pytest.raises(JournalUnavailable, match=r"volume-00\.sqlite: the file is damaged.*restore a backup"):
        run(use())
    file.write_bytes(os.urandom(len(whole)))
    with pytest.raises(JournalUnavailable, match=r"volume-00\.sqlite: this is not a journal.*restore a backup"):
        SqliteJournal(tmp_path)


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FIRST_FILE)) as connection:
        connection.execute("CREATE TABLE diary (day TEXT)")
    with pytest.raises(JournalUnavailable, match="not a Doorbuster journal"):
        SqliteJournal(tmp_path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    run(SqliteJournal(tmp_path).close())
    with closing(sqlite3.connect(tmp_path / FIRST_FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {sqlite_file.FORMAT + 1}")
    with pytest.raises(JournalTooNew, match=r"volume-00\.sqlite was written by a newer version") as refusal:
        SqliteJournal(tmp_path)
    # It is told in another process than it was raised in.
    assert str(pickle.loads(pickle.dumps(refusal.value))) == str(refusal.value)


def test_an_older_format_is_refused(tmp_path: Path) -> None:
    run(SqliteJournal(tmp_path).close())
    with closing(sqlite3.connect(tmp_path / FIRST_FILE)) as connection:
        connection.execute("PRAGMA user_version = 0")
    with pytest.raises(JournalMismatch, match=r"volume-00\.sqlite is of format 0.*older version wrote it"):
        SqliteJournal(tmp_path)


def test_commits_are_synced_to_the_disk(tmp_path: Path) -> None:
    full = 2
    volume = SqliteJournal(tmp_path)._open[0].volume
    assert volume.writing.execute("PRAGMA synchronous").fetchone() == (full,)
    assert volume.writing.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    volume.close()


# Size


MORE_OF_THE_SAME = """
INSERT INTO entries SELECT position + :more, shard, entity, kind, key, version + :more, at, events
FROM entries WHERE position <= 10000
"""


@pytest.mark.parametrize("count", [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_hot_entity_loads_at_once_from_a_recent_snapshot(tmp_path: Path, count: int) -> None:
    async def scenario() -> None:
        journal = SqliteJournal(tmp_path)
        epoch = await journal.acquire(0)
        rows = [NewEntry(*CLOCK, version, 0, bytes(60)) for version in range(1, 10_001)]
        await journal.append([Batch(0, epoch, rows)])
        # The others are as those are: the file makes them in half the time.
        with closing(sqlite3.connect(tmp_path / FIRST_FILE)) as file, file:
            for more in range(10_000, count, 10_000):
                file.execute(MORE_OF_THE_SAME, {"more": more})
        await journal.append([Batch(0, epoch, [], [Snapshot(*CLOCK, count - 100, bytes(10_000))])])
        await journal.close()
        started = time.perf_counter()
        journal = SqliteJournal(tmp_path)
        await journal.acquire(0)
        (found,) = await journal.load(0, [CLOCK])
        took_ms = (time.perf_counter() - started) * 1_000
        assert len(found.entries) == 100
        assert took_ms < 50
        await journal.close()

    run(scenario())
