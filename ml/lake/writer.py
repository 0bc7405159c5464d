"""The consumer that fills the lake: entries in, rows in Parquet files out, each exactly once.

Rows gather until there are many, or for a moment; then their files are written, and one transaction of the manifest
makes them count together with the positions that they reach. Killed before it, the files are swept away and the entries
are read again; killed after it, they aren't.
"""

import asyncio
import fcntl
import logging
import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import msgspec

from actors.codec import KindCodec
from actors.feed.consumer import Held
from actors.journals.port import Entry, Journal
from engine.customer_group import CUSTOMER_GROUP
from engine.product import PRODUCT, Product

from . import parquet
from .facts.around import Where
from .facts.groups import group_rows
from .facts.products import described
from .facts.stories import STORIES
from .fold import Folds
from .housekeeping import Housekeeping, Keeping
from .manifest import Folded, LakeAhead, LakeError, LakeFile, LakeInUse, Manifest
from .surroundings import Surroundings
from .tables import NAMES, PERSONAL, CustomerRow, Row

NAME = "lake"
LOCK_NAME = "writer.lock"

MOST_ROWS = 100_000
"""Rows that gather at most: some 100 MB."""
FRESH_S = 2.0
"""The longest that a row gathers: with the time to write it, so far is the lake behind."""
RUSH_ROWS_PER_S = 1_000
"""From here on it is a rush: whoever sells needs the machine, and rows gather `RUSH_GATHERS` times as long, since many
small files cost more to write, and to merge later, than a few."""
RUSH_GATHERS = 5
BUSY_GATHERS = 15
"""The same where the machine has little to spare: each flush syncs ten files or more, and whoever sells waits for the
same disk."""
HOUSE_KEPT_AT_LATEST_S = 600.0
"""In a rush files are merged so seldom."""
POSITIONS_EVERY_S = 30.0
"""How often positions are written where there were no rows: so much is read again after a crash, for nothing."""
HOUSEKEEPING_EVERY_S = 20.0
YIELD_EVERY = 500
"""Entries after which others of the process have their turn."""

Observer = Callable[[Sequence[Row]], None]
"""Told of every row once, when it was made: a moment before it is in the files."""

logger = logging.getLogger("doorbuster.lake")


class Batch:
    """What one flush writes."""

    def __init__(self) -> None:
        self.rows: dict[type[Row], list[Row]] = defaultdict(list)
        self.count = 0
        self.began = time.monotonic()

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.rows[type(row)].append(row)
        if not self.count:
            self.began = time.monotonic()
        self.count += len(rows)


class LakeWriter:
    """The one writer of a lake. It keeps its positions with its data (`KeepsPositions`)."""

    name = NAME

    def __init__(
        self,
        directory: Path,
        journal: Journal,
        now: Callable[[], int],
        *,
        keeping: Keeping = Keeping(),
        observers: Sequence[Observer] = (),
        fresh_s: float = FRESH_S,
        reach: Callable[[str], None] = lambda _point: None,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """`reach(point)` is called at every point where a crash could matter: tests crash there. `busy` tells whether
        others need the machine."""
        self.directory = directory
        self._journal = journal
        self._now = now
        self._keeping = keeping
        self._observers = list(observers)
        self._fresh_s = fresh_s
        self._reach = reach
        self._busy = busy
        self._token = uuid4().hex
        self._manifest: Manifest | None = None
        self._lock_file: int | None = None
        self._positions: dict[int, int] = {}
        """Up to where entries were taken."""
        self._durable: dict[int, int] = {}
        """Up to where they are in files that count."""
        self._batch = Batch()
        self._rows_per_s = 0.0
        """Of the last batch that was written."""
        self._erased: set[str] = set()
        self._newly_erased: list[str] = []
        self._group_codec = KindCodec(CUSTOMER_GROUP)
        self._turn = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._opening = asyncio.Lock()

    # -- its life

    async def open(self) -> None:
        """Become the lake's writer, unless this is it. Raises `LakeInUse`, `LakeAhead`, `LakeTooNew`."""
        async with self._opening:
            if self._manifest is not None:
                return
            around = Surroundings(self._journal)
            await around.begin()
            self._around, self._folds = around, Folds(self._journal, self._kept)
            newest = await self._journal.last_positions()
            await asyncio.to_thread(self._open)
            if not self._durable and any([(await self._journal.trimmed(shard)).times for shard in newest]):
                logger.warning(
                    "the lake %s is begun after the journal was trimmed: it will lack what was trimmed; where there is "
                    "a backup of the lake, stop the shop and bring it back",
                    self.directory,
                )
            if any(position > newest.get(shard, 0) for shard, position in self._durable.items()):
                self.abandon()
                raise LakeAhead(str(self.directory))

    def _open(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        lock_file = os.open(self.directory / LOCK_NAME, os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._take_over()
        except BlockingIOError as error:
            os.close(lock_file)
            raise LakeInUse(str(self.directory)) from error
        except BaseException:
            os.close(lock_file)
            raise
        self._lock_file = lock_file

    def _take_over(self) -> None:
        manifest = Manifest(self.directory, create=True)
        # The lock says so on one machine; on shared storage the manifest refuses whoever came before.
        manifest.take_over(self._token)
        self._durable = dict(manifest.positions())
        self._positions = dict(self._durable)
        self._erased = set(manifest.erased())
        self.housekeeping = Housekeeping(self.directory, self._token, self._keeping, self._now)
        self.housekeeping.sweep()
        self._manifest = manifest

    def observe(self, observer: Observer) -> None:
        """Tell it every row from now on."""
        self._observers.append(observer)

    def start(self) -> None:
        """Flush and keep house from now on, beside whoever reads for this."""
        self._tasks = [asyncio.create_task(self._keep_writing()), asyncio.create_task(self._keep_house())]

    async def close(self) -> None:
        """Write what has gathered, and let the lake go."""
        async with self._turn:
            # Not in the middle of a flush: its thread would go on, and the last flush would find the lake moved.
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._manifest is not None:
            try:
                await self.flush()
            finally:
                self.abandon()

    def abandon(self) -> None:
        """Let the lake go as it is."""
        if self._manifest is not None:
            self._manifest.close()
            self.housekeeping.close()
            self._manifest = None
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    async def _keep_writing(self) -> None:
        """Wait for rows, let them gather for a moment, write them."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if (left_s := self._gathers_for_s()) > 0 and self._batch.count < MOST_ROWS:
                # Looked at again and again: when a rush is over, nobody has to wait for what gathered in it.
                await asyncio.sleep(min(left_s, self._fresh_s))
                self._wanted.set()
                continue
            try:
                await self.flush()
            except LakeInUse:
                logger.error("another process has taken the lake %s over", self.directory)
                return
            except Exception:
                logger.exception("the lake could not be written; what has gathered is tried again")
                self._wanted.set()
                await asyncio.sleep(self._fresh_s)

    def _gathers_for_s(self) -> float:
        times = BUSY_GATHERS if self._busy() else RUSH_GATHERS if self._in_a_rush else 1
        return self._batch.began + self._fresh_s * times - time.monotonic()

    @property
    def _in_a_rush(self) -> bool:
        return self._rows_per_s >= RUSH_ROWS_PER_S

    async def _keep_house(self) -> None:
        kept_at = time.monotonic()
        while True:
            await asyncio.sleep(HOUSEKEEPING_EVERY_S)
            if self._manifest is None or (
                (self._in_a_rush or self._busy()) and time.monotonic() < kept_at + HOUSE_KEPT_AT_LATEST_S
            ):
                continue
            kept_at = time.monotonic()
            try:
                await asyncio.to_thread(self.housekeeping.once, self._reach)
            except LakeInUse:
                return
            except Exception:
                logger.exception("the lake's files could not be tidied up; it is tried again")

    # -- a consumer of the feed

    async def positions(self) -> Mapping[int, int] | None:
        """Up to which position of each shard everything is in the files; None of a new lake. Opens it if need be.

        Raises `Held` while another process has the lake, or while it is no lake of this journal.
        """
        try:
            await self.open()
        except LakeError as error:
            raise Held(str(error)) from error
        return dict(self._durable) or None

    async def take(self, shard: int, entries: Sequence[Entry]) -> None:
        """Make rows of these. What was taken before is passed over. Raises `Held` where they can't be written."""
        async with self._turn:
            if self._batch.count >= MOST_ROWS:
                try:
                    await self._flush()
                except OSError as error:
                    raise Held(f"the lake can't be written: {error}") from error
            await self._folds.prefetch(shard, [entry for entry in entries if self._is_told(shard, entry)])
            made: list[Row] = []
            try:
                for number, entry in enumerate(entries, 1):
                    if entry.position > self._positions.get(shard, 0):
                        await self._take(shard, entry, made)
                        self._positions[shard] = entry.position
                    if number % YIELD_EVERY == 0:
                        await asyncio.sleep(0)
            finally:
                await self._gathered(made)

    async def _gathered(self, made: list[Row]) -> None:
        try:
            await self._around.fill(made)
        finally:
            # Whatever happens: their positions are passed.
            self._batch.add(made)
            for observer in self._observers if made else ():
                observer(made)
        if made or time.monotonic() - self._batch.began > POSITIONS_EVERY_S:
            self._wanted.set()

    def _is_told(self, shard: int, entry: Entry) -> bool:
        story = STORIES.get(entry.kind)
        if story is None or entry.position <= self._positions.get(shard, 0):
            return False
        return not story.marks or any(mark in entry.events for mark in story.marks)

    async def _take(self, shard: int, entry: Entry, made: list[Row]) -> None:
        if entry.kind == CUSTOMER_GROUP.name:
            events = self._group_codec.decode_events(entry.events)
            where = Where(shard, entry.position, entry.at)
            made += group_rows(where, entry.key, self._around.membership, events)
            return
        story = STORIES.get(entry.kind)
        if story is None:
            return
        if story.marks and not any(mark in entry.events for mark in story.marks):
            self._folds.passed(entry)
            return
        fold = self._folds.at_hand(entry) or await self._folds.before(shard, entry)
        try:
            where = Where(shard, entry.position, entry.at)
            rows = list(story.rows(where, fold.state, self._folds.events_of(entry), self._around))
        except BaseException:
            self._folds.drop(entry)
            raise
        fold.version, fold.changed = entry.version, True
        if entry.kind == PRODUCT.name:
            assert isinstance(fold.state, Product)
            self._around.describe(entry.key, described(fold.state))
        made += self._without_erased(rows) if self._erased or entry.kind == "account" else rows

    def _without_erased(self, rows: Sequence[Row]) -> list[Row]:
        """What is told of accounts that were erased, without them."""
        left = []
        for row in rows:
            if isinstance(row, CustomerRow) and row.kind == "erased":
                self._erased.add(row.customer)
                self._newly_erased.append(row.customer)
            if getattr(row, "customer", "") not in self._erased and getattr(row, "visitor", "") not in self._erased:
                left.append(row)
            elif (columns := PERSONAL.get(NAMES[type(row)])) is not None:
                left.append(msgspec.structs.replace(row, **dict.fromkeys(columns, "")))
        return left

    def _kept(self, kind: str, key: str) -> Folded | None:
        assert self._manifest is not None, "the lake is open"
        return self._manifest.folded(kind, key)

    # -- files

    async def flush(self) -> None:
        """Write what has gathered, and how far it reaches."""
        async with self._turn:
            await self._flush()

    async def _flush(self) -> None:
        batch, self._batch = self._batch, Batch()
        positions = dict(self._positions)
        folded, erased = list(self._folds.changed()), list(self._newly_erased)
        try:
            await asyncio.to_thread(self._write, batch, positions, folded, erased)
        except BaseException:
            # Nothing of it counts: it is written with what gathers next.
            self._batch = batch
            self._folds.forget_kept()
            raise
        self._rows_per_s = batch.count / max(self._fresh_s, time.monotonic() - batch.began)
        self._durable = positions
        del self._newly_erased[: len(erased)]

    def _write(
        self, batch: Batch, positions: Mapping[int, int], folded: Sequence[Folded], erased: Sequence[str]
    ) -> None:
        assert self._manifest is not None, "the lake is open"
        files: list[LakeFile] = []
        try:
            self._reach("before files")
            for row_type, rows in batch.rows.items():
                for file in parquet.write_rows(self.directory, row_type, rows):
                    files.append(file)
                    self._reach("after a file")
            self._reach("before commit")
            self._manifest.commit(self._token, files, positions, folded, erased, before=self._durable)
        except sqlite3.Error:
            # It may have happened nevertheless.
            if self._manifest.positions() == positions != self._durable:
                return
            self._take_away(files)
            raise
        except Exception:
            self._take_away(files)
            raise
        self._reach("after commit")

    def _take_away(self, files: Sequence[LakeFile]) -> None:
        """Files that don't count: on a disk that is full they would stand in the way of the next try."""
        for file in files:
            (self.directory / file.path).unlink(missing_ok=True)
