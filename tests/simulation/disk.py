"""The journal's disk, and the way of each process to it.

What the disk has committed is durable; a commit happens whole or, torn by a crash, not at all. Around it everything can
go wrong: it is slow, it refuses, its answer is lost while the commit happened, is still to happen, or never will.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NoReturn, TypeVar

from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, Entry, JournalError, JournalFull, JournalUnavailable, Recorded

from .chronicle import Chronicle
from .virtual_time import Process, Scheduler

T = TypeVar("T")

OnCommit = Callable[[str, Sequence[Batch]], None]
"""Called with who appended, and what, at the instant of the commit."""


@dataclass
class DiskWeather:
    """What happens to whoever uses the disk at present."""

    refusal: float = 0.0
    """The share of operations that are refused, and do nothing."""
    full: bool = False
    """Nothing can be written; what is there can be read."""
    silence: float = 0.0
    """The share of appends whose caller is told `JournalUnavailable` while the commit happens, then or later."""
    slowness_s: float = 0.0
    """The longest extra time of an operation."""


class Disk:
    """What all processes share. `embedded`: a commit runs in the process that asks for it, as with a file, and dies or
    stands still with it. Otherwise a server runs it, whatever becomes of the process meanwhile."""

    def __init__(
        self,
        scheduler: Scheduler,
        chronicle: Chronicle,
        random: Random,
        *,
        shards: int,
        volumes: int,
        embedded: bool,
        on_commit: OnCommit,
        on_acquire: Callable[[str, int, int], None],
    ) -> None:
        self.journal = MemoryJournal(shards=shards, volumes=volumes)
        self.weather: dict[str, DiskWeather] = {}
        self.embedded = embedded
        counted = ("commits", "operations refused", "commits without room", "commits unheard", "entities trimmed")
        self.counts = dict.fromkeys(counted, 0)
        self.dies_at_append: dict[str, str] = {}
        """Processes that are to die `before`, `within` or `after` their next commit."""
        self.on_death: Callable[[str], None] = lambda name: None
        self._scheduler = scheduler
        self._chronicle = chronicle
        self._random = random
        self._server = scheduler.process("disk")
        self._on_commit = on_commit
        self._on_acquire = on_acquire

    def weather_of(self, name: str) -> DiskWeather:
        return self.weather.get(name) or self.weather.get("") or DiskWeather()

    def pause_s(self, name: str) -> float:
        """How long one way to the disk takes now."""
        slowness = self.weather_of(name).slowness_s
        usual = 0.0 if self.embedded else 0.0003
        return usual + self._random.random() * (0.0005 + slowness)

    def refuses(self, name: str) -> bool:
        weather = self.weather_of(name)
        if weather.refusal and self._random.random() < weather.refusal:
            self.counts["operations refused"] += 1
            return True
        return False

    def ensure_room(self, name: str, batches: Sequence[Batch]) -> None:
        """Raises `JournalFull` if there is none and anything is to be written."""
        if self.weather_of(name).full and any(batch.entries or batch.snapshots for batch in batches):
            self.counts["commits without room"] += 1
            raise JournalFull("the disk is full")

    def stays_silent(self, name: str) -> bool:
        weather = self.weather_of(name)
        if weather.silence and self._random.random() < weather.silence:
            self.counts["commits unheard"] += 1
            return True
        return False

    def later(self, work: Callable[[], None]) -> None:
        """Do it a while later, whoever still lives then."""
        self._server.call_later(self._random.random() * 3.0, work)

    def run(self, work: Callable[[], T], name: str) -> "asyncio.Future[T]":
        """Have the server do it; the future is of the process that asks."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def answer(result: Any, error: Exception | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        def serve() -> None:
            try:
                result = work()
            except JournalError as error:
                self._server.call_later(self.pause_s(name), lambda error=error: loop.call_soon(answer, None, error))
            else:
                self._server.call_later(self.pause_s(name), lambda: loop.call_soon(answer, result, None))

        self._server.call_later(self.pause_s(name), serve)
        return done

    def commit(self, name: str, batches: Sequence[Batch]) -> Sequence[int]:
        """Record the batches at this instant."""
        positions = at_once(self.journal.append(batches))
        self.counts["commits"] += 1
        self._on_commit(name, batches)
        return positions

    def acquire(self, name: str, shard: int) -> int:
        epoch = at_once(self.journal.acquire(shard))
        self._on_acquire(name, shard, epoch)
        return epoch


class SimulatedJournal:
    """Implements `Journal` for one process."""

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self._name = name

    @property
    def base_shards(self) -> int:
        return self._disk.journal.base_shards

    def volume_of(self, shard: int) -> int:
        return self._disk.journal.volume_of(shard)

    async def acquire(self, shard: int) -> int:
        return await self._do(lambda: self._disk.acquire(self._name, shard))

    async def append(self, batches: Sequence[Batch]) -> Sequence[int]:
        disk, name = self._disk, self._name
        death = disk.dies_at_append.pop(name, "")
        if death in ("before", "within"):
            # A torn last write: the disk has a part of it, which nobody will ever take for the whole.
            disk.on_death(name)
            await never()
        if disk.stays_silent(name):
            return await self._append_in_silence(batches)
        disk.ensure_room(name, batches)
        positions = await self._do(lambda: disk.commit(name, batches))
        if death == "after":
            disk.on_death(name)
            await never()
        return positions

    async def load(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Recorded]:
        return await self._do(lambda: at_once(self._disk.journal.load(shard, entities)))

    async def read(self, shard: int, after: int, limit: int = 1_000) -> Sequence[Entry]:
        return await self._do(lambda: at_once(self._disk.journal.read(shard, after, limit)))

    async def history(
        self, shard: int, kind: str, key: str, *, after_version: int = 0, limit: int = 100
    ) -> Sequence[Entry]:
        journal = self._disk.journal
        return await self._do(
            lambda: at_once(journal.history(shard, kind, key, after_version=after_version, limit=limit))
        )

    async def keys(self, shard: int, kind: str, *, after: str = "", limit: int = 1_000) -> Sequence[str]:
        return await self._do(lambda: at_once(self._disk.journal.keys(shard, kind, after=after, limit=limit)))

    async def checkpoint(self, shard: int) -> tuple[int, bytes | None]:
        return await self._do(lambda: at_once(self._disk.journal.checkpoint(shard)))

    async def shards(self) -> Sequence[int]:
        return await self._do(lambda: at_once(self._disk.journal.shards()))

    def entities(self, shard: int) -> AsyncIterator[Sequence[tuple[str, str]]]:
        return self._disk.journal.entities(shard)

    async def last_positions(self) -> Mapping[int, int]:
        return await self._do(lambda: at_once(self._disk.journal.last_positions()))

    async def close(self) -> None:
        """Nothing to release: the disk lives as long as the world."""

    async def _do(self, work: Callable[[], T]) -> T:
        disk = self._disk
        if disk.refuses(self._name):
            await asyncio.sleep(disk.pause_s(self._name))
            raise JournalUnavailable("the disk refuses")
        if not disk.embedded:
            return await disk.run(work, self._name)
        pause = disk.pause_s(self._name)
        if pause > 0.0003:
            # Quick commits run on the event loop, as SQLite's do.
            await asyncio.sleep(pause)
            result = work()
            await asyncio.sleep(disk.pause_s(self._name))
            return result
        return work()

    async def _append_in_silence(self, batches: Sequence[Batch]) -> Sequence[int]:
        """The caller never hears how it went; a commit under way may still happen after a newer owner began."""
        disk, name = self._disk, self._name

        def commit() -> None:
            try:
                disk.commit(name, batches)
            except JournalError:
                return

        if disk.embedded:
            commit()
        else:
            disk.later(commit)
        await asyncio.sleep(disk.pause_s(name))
        raise JournalUnavailable("the disk did not answer")


async def never() -> NoReturn:
    """What the dead hear."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("the dead hear nothing")


def at_once(work: Awaitable[T]) -> T:
    """The result of a coroutine that never waits, as those of the memory journal."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("the memory journal never waits")


__all__ = ["Disk", "DiskWeather", "Process", "SimulatedJournal", "at_once"]
