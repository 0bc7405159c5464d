"""The embedded journal: SQLite files in one directory, written by the processes of one machine.

A base shard lives in the file of its volume, so that one commit serves all shards of a volume; a pinned shard, whose
number is not below the data's shard count, has a file of its own. This module finds the file and the thread;
`sqlite_volume.py` does the rest.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from .port import Batch, Entry, JournalMismatch, JournalUnavailable, Recorded, Snapshot, Stretch, Trims
from .sqlite_backup import last_positions
from .sqlite_errors import Locked
from .sqlite_file import BUSY_PATIENT_MS, Layout, create, layout_of
from .sqlite_passing import Passing
from .sqlite_volume import BUSY_AT_ONCE_MS, Passed, Volume

DEFAULT_LAYOUT = Layout(shards=16, volumes=1)

INLINE_COMMIT_S = 0.001
"""Commits that take less run on the event loop: the hop to a thread and back costs 0.1 ms idle and up to 5 ms (the
interpreter's switch interval) when the loop is busy, so a 0.2 ms commit is cheaper waited for."""
AVERAGED_COMMITS = 8
COMMIT_COUNTED_AT_MOST_S = 4 * INLINE_COMMIT_S
"""One hiccup of the disk doesn't look like a slow disk; two in a row do."""
PROBE_EVERY = 16
"""While commits go to a thread, one in so many runs on the loop: only there is its duration true, because a thread
also waits for the interpreter lock after its sync."""

MOVE_LOG_AFTER_PAGES = 16_000
"""About 64 MiB: a first read after a crash takes 0.1 s more for it, and a hot page is written once for hundreds of
commits. With 8 MiB the moves competed with the commits' syncs: alone, the slowest of a hundred purchases took 13 ms
instead of 8."""
INLINE_ROWS = 200
"""Reads of more rows run in a thread: 1,000 rows take 2 ms."""

PINNED_FILE = re.compile(r"shard-(\d+)\.sqlite")

ENTITIES_PER_PAGE = 1_000

R = TypeVar("R")


class CommitPace:
    """Decides whether the next commit runs on the event loop, from how long the last ones took there."""

    def __init__(self, inline_commit_s: float = INLINE_COMMIT_S) -> None:
        self._inline_commit_s = inline_commit_s
        self._average_s = 0.0
        self._sent_away = 0

    def inline(self) -> bool:
        if self._average_s < self._inline_commit_s:
            return True
        self._sent_away += 1
        return self._sent_away % PROBE_EVERY == 0

    def took(self, seconds: float) -> None:
        self._average_s += (min(seconds, COMMIT_COUNTED_AT_MOST_S) - self._average_s) / AVERAGED_COMMITS


class _OpenVolume:
    """A volume with its threads: which of them, or the event loop, may use which connection, and when.

    `writes_under_way` is touched by the event loop only. While it is not zero the loop keeps off the writing
    connection, and while the loop reads there no write can begin, because only the loop starts them.
    """

    def __init__(self, path: Path, inline_commit_s: float) -> None:
        self.volume = Volume(path)
        self.pace = CommitPace(inline_commit_s)
        self.passing = Passing(self._pass_alone)
        self.writes_under_way = 0
        self._writer = ThreadPoolExecutor(1, f"{path.stem}-writer")
        self._aside = ThreadPoolExecutor(1, f"{path.stem}-aside")
        self._moving_log = False
        self._log_to_finish = False

    async def append(self, batches: Sequence[Batch]) -> list[int]:
        """Write the batches on the event loop, and sync them there while that is quick, else in the writer's thread.

        Only the sync is worth a thread: each statement would give the interpreter lock away and wait for the busy loop
        to give it back, up to its switch interval, a hundred times in an append.
        """
        if self.writes_under_way:
            positions = await self._in_thread(partial(self._append_patiently, batches))
        else:
            passed = self.passing.taken()
            try:
                prepared = self.volume.prepare(batches, passed)
            except Locked:
                # Another process commits: wait for it where that holds nobody up.
                positions = await self._in_thread(partial(self._append_patiently, batches))
            else:
                commit = partial(self.volume.commit, prepared)
                if self.pace.inline():
                    positions = commit()
                    self.pace.took(self.volume.commit_s)
                else:
                    positions = await self._in_thread(commit)
                if passed:
                    self.passing.recorded(passed)
                self._finish_moving_log()
        self._start_moving_log()
        return positions

    async def acquire(self, shard: int) -> int:
        """Take the shard over; in the writer's thread where that has to wait for another process."""
        if not self.writes_under_way and self.pace.inline():
            with suppress(Locked):
                return self.volume.acquire(shard)
        return await self._in_thread(partial(self._patiently, partial(self.volume.acquire, shard)))

    async def write(self, write: Callable[[], R]) -> R:
        """Write something that nobody waits for: in the writer's thread, however long it takes to get the lock."""
        written = await self._in_thread(partial(self._patiently, write))
        self._start_moving_log()
        return written

    async def _pass_alone(self, passed: Sequence[Passed]) -> None:
        await self.write(partial(self.volume.advance, passed))

    async def read(self, rows: int, query: Callable[[Connection], R]) -> R:
        """Run a query that returns about so many rows: on the event loop if they are few."""
        if rows > INLINE_ROWS:
            return await asyncio.get_running_loop().run_in_executor(self._aside, query, self.volume.aside)
        # The writing connection has the pages in its cache; another one begins with an empty cache after each commit.
        return query(self.volume.reading if self.writes_under_way else self.volume.writing)

    def close(self) -> None:
        self.passing.close()
        self._writer.shutdown()
        self._aside.shutdown()
        self.volume.close()

    async def _in_thread(self, write: Callable[[], R]) -> R:
        self.writes_under_way += 1
        task = asyncio.get_running_loop().run_in_executor(self._writer, write)
        task.add_done_callback(self._written)
        # A caller that is cancelled leaves the commit to its fate: the count follows the thread, not the caller.
        return await asyncio.shield(task)

    def _append_patiently(self, batches: Sequence[Batch]) -> list[int]:
        prepared = self._patiently(partial(self.volume.prepare, batches))
        return self.volume.commit(prepared)

    def _patiently(self, write: Callable[[], R]) -> R:
        self.volume.wait_for_lock(BUSY_PATIENT_MS)
        try:
            return write()
        finally:
            self.volume.wait_for_lock(BUSY_AT_ONCE_MS)

    def _written(self, _: asyncio.Future[R]) -> None:
        self.writes_under_way -= 1

    def _start_moving_log(self) -> None:
        """Have the bulk of the log moved in a thread: on the loop it would hold up a purchase for 5 ms."""
        if self._moving_log or self.volume.pages_logged < MOVE_LOG_AFTER_PAGES:
            return
        self._moving_log = True
        self.volume.pages_logged = 0
        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._aside, self._move_log, self.volume.aside).add_done_callback(self._log_moved)

    def _log_moved(self, _: asyncio.Future[None]) -> None:
        self._moving_log = False
        self._log_to_finish = True

    def _finish_moving_log(self) -> None:
        """Move the few pages that were logged during the move, so that the next commit starts the log anew.

        It must follow a commit on the writer's own connection: under load no other moment finds nothing to be added.
        """
        if self._log_to_finish:
            self._log_to_finish = False
            self._move_log(self.volume.writing)

    def _move_log(self, connection: Connection) -> None:
        # The entries are durable in the log. If it can't be moved now, the next commit will say what is wrong.
        with suppress(JournalUnavailable):
            self.volume.move_log(connection)


class SqliteJournal:
    """Implements `Journal` with one file per volume under `directory`, which several processes may open at once.

    `shards` and `volumes` are chosen when the data is created (16 and `volumes_if_new` by default): left out they are
    what they were, and other numbers raise `JournalMismatch`. `inline_commit_s` is how long commits may take to run on
    the loop.
    """

    def __init__(
        self,
        directory: Path,
        *,
        shards: int | None = None,
        volumes: int | None = None,
        volumes_if_new: int = DEFAULT_LAYOUT.volumes,
        inline_commit_s: float = INLINE_COMMIT_S,
    ) -> None:
        self._directory = directory
        self._inline_commit_s = inline_commit_s
        self._layout = self._settle_layout(shards, volumes, volumes_if_new)
        self._open: dict[int, _OpenVolume] = {}
        for volume in range(self._layout.volumes):
            self._open_volume(volume)

    @property
    def base_shards(self) -> int:
        return self._layout.shards

    def volume_of(self, shard: int) -> int:
        shards, volumes = self._layout
        return shard % volumes if shard < shards else volumes + shard - shards

    async def acquire(self, shard: int) -> int:
        opened = self._volume(self.volume_of(shard))
        return await opened.acquire(shard)

    async def append(self, batches: Sequence[Batch]) -> Sequence[int]:
        volumes = [self.volume_of(batch.shard) for batch in batches]
        if len(set(volumes)) == 1:
            opened = self._volume(volumes[0])
            return await opened.append(batches)
        positions = [0] * len(batches)
        for volume in dict.fromkeys(volumes):
            chosen = [index for index, other in enumerate(volumes) if other == volume]
            for index, position in zip(chosen, await self.append([batches[index] for index in chosen]), strict=True):
                positions[index] = position
        return positions

    async def load(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Recorded]:
        opened = self._volume(self.volume_of(shard))
        # On the loop however many: on the purchase path they are new orders, one index probe each.
        return await opened.read(0, lambda connection: opened.volume.load(connection, shard, entities))

    async def read(self, shard: int, after: int, limit: int = 1_000) -> Sequence[Entry]:
        opened = self._volume(self.volume_of(shard))
        return await opened.read(limit, lambda connection: opened.volume.read(connection, shard, after, limit))

    async def read_on(self, after: Mapping[int, int], limit: int = 1_000) -> Stretch:
        opened = self._volume(self.volume_of(next(iter(after))))
        return await opened.read(limit, lambda connection: opened.volume.read_on(connection, after, limit))

    async def behind(self, after: Mapping[int, int]) -> int:
        opened = self._volume(self.volume_of(next(iter(after))))
        last = await opened.read(1, opened.volume.last_entry)
        return max(0, last - min(after.values()))

    async def history(
        self, shard: int, kind: str, key: str, *, after_version: int = 0, limit: int = 100
    ) -> Sequence[Entry]:
        opened = self._volume(self.volume_of(shard))
        query = partial(
            opened.volume.history, shard=shard, kind=kind, key=key, after_version=after_version, limit=limit
        )
        return await opened.read(limit, query)

    async def keys(self, shard: int, kind: str, *, after: str = "", limit: int = 1_000) -> Sequence[str]:
        opened = self._volume(self.volume_of(shard))
        return await opened.read(limit, lambda connection: opened.volume.keys(connection, shard, kind, after, limit))

    async def checkpoint(self, shard: int) -> tuple[int, bytes | None]:
        opened = self._volume(self.volume_of(shard))
        return await opened.read(1, lambda connection: opened.volume.checkpoint(connection, shard))

    async def shards(self) -> Sequence[int]:
        for path in self._directory.glob("shard-*.sqlite"):
            if pinned := PINNED_FILE.fullmatch(path.name):
                self._volume(self.volume_of(int(pinned[1])))
        opened = [await volume.read(1, volume.volume.shards) for volume in tuple(self._open.values())]
        return sorted(shard for shards in opened for shard in shards)

    async def entities(self, shard: int) -> AsyncIterator[Sequence[tuple[str, str]]]:
        opened = self._volume(self.volume_of(shard))
        after = ("", "")
        while page := await opened.read(
            ENTITIES_PER_PAGE,
            partial(opened.volume.entities, shard=shard, after=after, limit=ENTITIES_PER_PAGE),
        ):
            after = page[-1]
            yield page

    async def last_positions(self) -> Mapping[int, int]:
        # So that all files are open, and none is of an older form.
        await self.shards()
        # On connections of its own: it waits until nobody commits, and our own commits must not wait for that.
        return await asyncio.get_running_loop().run_in_executor(None, last_positions, self._directory)

    async def advance(self, consumer: str, shard: int, position: int) -> None:
        opened = self._volume(self.volume_of(shard))
        await opened.passing.passed(Passed(shard, consumer, position))

    async def consumers(self, shard: int) -> Mapping[str, int]:
        opened = self._volume(self.volume_of(shard))
        return await opened.read(1, lambda connection: opened.volume.consumers(connection, shard))

    async def forget(self, consumer: str, shard: int) -> None:
        opened = self._volume(self.volume_of(shard))
        await opened.write(partial(opened.volume.forget, shard, consumer))

    async def trim(self, shard: int, upto: int, bases: Sequence[Snapshot]) -> None:
        opened = self._volume(self.volume_of(shard))
        await opened.write(partial(opened.volume.trim, shard, upto, bases))

    async def bases(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Snapshot | None]:
        opened = self._volume(self.volume_of(shard))
        return await opened.read(len(entities), lambda connection: opened.volume.bases(connection, shard, entities))

    async def trimmed(self, shard: int) -> Trims:
        opened = self._volume(self.volume_of(shard))
        return await opened.read(1, lambda connection: opened.volume.trimmed(connection, shard))

    async def close(self) -> None:
        for opened in self._open.values():
            opened.close()

    def _settle_layout(self, shards: int | None, volumes: int | None, volumes_if_new: int) -> Layout:
        asked = Layout(shards or DEFAULT_LAYOUT.shards, volumes or volumes_if_new)
        if min(asked) < 1:
            raise ValueError(f"a journal needs one shard and one volume at least, not {asked}")
        first = self._path(0, asked)
        if not first.exists():
            # The first volume comes last: where it exists, all exist, so one that is missing later was lost.
            for volume in reversed(range(asked.volumes)):
                create(self._path(volume, asked), asked)
        kept = layout_of(first)
        _compare(first, kept, Layout(shards or kept.shards, volumes or kept.volumes))
        return kept

    def _volume(self, volume: int) -> _OpenVolume:
        return self._open.get(volume) or self._open_volume(volume)

    def _open_volume(self, volume: int) -> _OpenVolume:
        path = self._path(volume, self._layout)
        if volume >= self._layout.volumes:
            create(path, self._layout)
        _compare(path, layout_of(path), self._layout)
        opened = self._open[volume] = _OpenVolume(path, self._inline_commit_s)
        return opened

    def _path(self, volume: int, layout: Layout) -> Path:
        if volume < layout.volumes:
            return self._directory / f"volume-{volume:02}.sqlite"
        return self._directory / f"shard-{volume - layout.volumes + layout.shards}.sqlite"


def _compare(path: Path, kept: Layout, asked: Layout) -> None:
    if kept != asked:
        raise JournalMismatch(
            f"journal {path} was created with {kept.shards} shards in {kept.volumes} volumes, "
            f"not {asked.shards} in {asked.volumes}: these numbers can't change later"
        )
