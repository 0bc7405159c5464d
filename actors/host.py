"""A host runs shards: it takes commands for them from its own process and from clients elsewhere."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter

from engine.kernel import Command, Instant, Kind

from .codec import codecs_of
from .effects import Effects, Gateway, Sender
from .envelope import Envelope, Receiver
from .errors import JournalAway, NotMine, Overloaded, Unavailable
from .journals.port import Entry, Fenced, Journal, JournalError
from .known import KnownKeys
from .placement import shard_of
from .volume import Volume, Watcher

RETRY_PAUSE_S = 0.2
"""Between two tries to take shards over again from a journal that does not answer."""
LONGEST_RETRY_PAUSE_S = 2.0
JOURNAL_PATIENCE_S = 2.0
"""How long senders try on when the journal doesn't answer, so that a short pause of it is no failure to anybody. After
that it is known to be away, and they are told at once."""
PAUSE_WHILE_LEARNING_S = 0.005
"""Between two pages of a shard's entities."""

logger = logging.getLogger("doorbuster.actors")


class Host:
    """Runs shards of one journal. A plain class: a deployment places it in a Serve replica or in an actor of its own.

    Guarantees: a reply means that what it says is on stable storage. A shard that a newer owner has taken is dropped
    as soon as the journal refuses an append; nothing that was refused is ever told to anyone.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        journal: Journal,
        shards: int,
        now: Callable[[], Instant],
        *,
        gateways: Mapping[str, Gateway],
        send: Sender,
        mailbox_limit: int = 4_096,
        entities_in_memory: int = 100_000,
        idle_s: float = 300.0,
        on_fenced: Callable[[], None] = lambda: None,
        known: Mapping[str, KnownKeys] | None = None,
    ) -> None:
        self._kinds = kinds
        self._codecs = codecs_of(kinds)
        self._journal = journal
        self._shards = shards
        self._now = now
        self._effects = Effects(send, gateways)
        self._mailbox_limit = mailbox_limit
        self._entities_in_memory = entities_in_memory
        self._idle_s = idle_s
        self._on_fenced = on_fenced
        self._loop = asyncio.get_running_loop()
        self.draining = False
        """Whether the directory gives it no shards; kept here so that a new directory hears of it."""
        self._volumes: dict[int, Volume] = {}
        self._volume_of_shard: dict[int, Volume] = {}
        self._journal_lost_at: dict[int, float] = {}
        self._watchers: dict[str, list[Watcher]] = {}
        self._known = known or {}
        """By kind: what is learned of each shard that is run here, and spares asking the journal for new entities."""
        self._tasks: set[asyncio.Task[None]] = set()
        for kind, keys in self._known.items():
            self.watch(kind, keys.noted)

    # -- shards

    async def own(self, shards: Iterable[int]) -> None:
        """Take these shards over. Their commands are served at once; unfinished work is resumed in the background."""
        for shard in shards:
            volume = self._volume(shard)
            await volume.own(shard)
            self._volume_of_shard[shard] = volume
            self._journal_lost_at.pop(shard, None)
            self._background(self._recover(volume, shard))

    async def disown(self, shards: Iterable[int]) -> None:
        """Stop running these shards."""
        for shard in shards:
            self._journal_lost_at.pop(shard, None)
            volume = self._volume_of_shard.pop(shard, None)
            if volume is not None:
                await volume.disown([shard])

    @property
    def owned(self) -> frozenset[int]:
        """The shards that run here."""
        return frozenset(self._volume_of_shard)

    @property
    def epochs(self) -> dict[int, int]:
        """The shards that run here, each with the epoch in which this host owns it."""
        return {shard: volume.shards[shard].epoch for shard, volume in sorted(self._volume_of_shard.items())}

    @property
    def entities(self) -> int:
        """How many entities are in memory here."""
        return sum(volume.entities for volume in self._volumes.values())

    @property
    def commands(self) -> int:
        """How many commands have been taken here so far."""
        return sum(volume.commands for volume in self._volumes.values())

    # -- commands

    def runs(self, shard: int) -> bool:
        """Whether the shard is run here."""
        return shard in self._volume_of_shard

    def submit(
        self,
        shard: int,
        kind: str,
        key: str,
        command: Command,
        receiver: Receiver,
        deadline: float,
        settle_until: float = 0.0,
    ) -> None:
        """Queue a command; `receiver` gets the reply, or an error of `errors`. Never waits.

        Raises `NotMine` for a shard that isn't run here, `JournalAway` for one that can't be run because its journal
        has not answered for `JOURNAL_PATIENCE_S`, and `Overloaded` when the queue is full.
        """
        self.accept(Envelope((kind, key), shard, command, receiver, deadline, settle_until))

    def accept(self, envelope: Envelope) -> None:
        """As `submit`."""
        volume = self._volume_of_shard.get(envelope.shard)
        if volume is None:
            raise self._not_run(envelope.shard)
        if len(volume.mail) >= self._mailbox_limit:
            raise Overloaded(f"{self._mailbox_limit} commands wait already")
        volume.post(envelope)

    async def history(self, kind: str, key: str, *, after_version: int = 0, limit: int = 100) -> Sequence[Entry]:
        """One entity's entries, oldest first, wherever it lived. Only reads, so it never enters the entity's queue."""
        lived_in = [shard_of(key, self._shards)]
        try:
            lived_in += [shard for shard in await self._journal.shards() if shard >= self._shards]
            found = [
                await self._journal.history(shard, kind, key, after_version=after_version, limit=limit)
                for shard in lived_in
            ]
        except JournalError as error:
            raise Unavailable(f"the journal can't be read: {error}") from error
        return sorted(chain.from_iterable(found), key=attrgetter("version"))[:limit]

    def watch(self, kind: str, watcher: Watcher) -> None:
        """Call `watcher` with (key, version, state) after every commit of an entity of that kind. It must be quick."""
        self._watchers.setdefault(kind, []).append(watcher)

    def watch_view(self, kind: str, watcher: Watcher) -> None:
        """As `watch`, with the kind's view in place of its state."""
        view = self._kinds[kind].view
        assert view is not None, "only a kind with a view can be watched from outside"
        self.watch(kind, lambda key, version, state: watcher(key, version, view(state)))

    async def close(self) -> None:
        """Finish what is being recorded and stop; the journal is left open."""
        for task in self._tasks:
            task.cancel()
        await self._effects.close()
        for volume in self._volumes.values():
            await volume.close()
        self._volume_of_shard.clear()

    # -- inside

    def _volume(self, shard: int) -> Volume:
        number = self._journal.volume_of(shard)
        if number not in self._volumes:
            self._volumes[number] = Volume(
                self._kinds,
                self._codecs,
                self._journal,
                self._effects,
                self._now,
                base_shards=self._shards,
                entities_in_memory=self._entities_in_memory,
                idle_s=self._idle_s,
                watchers=self._watchers,
                known=self._known,
                on_lost=self._lost,
            )
        return self._volumes[number]

    async def _recover(self, volume: Volume, shard: int) -> None:
        try:
            await volume.recover(shard)
            if shard < self._shards:
                await self._learn(volume, shard)
        except Unavailable as error:
            # It moved, or is taken over again because an append failed: then its work is resumed after that.
            logger.info("Shard %d was lost while its unfinished work was being resumed: %s", shard, error)
        except JournalError as error:
            self._lost([shard], error)

    async def _learn(self, volume: Volume, number: int) -> None:
        """Find the entities that were recorded before the shard was taken over; in small steps, beside the living."""
        shard = volume.shards.get(number)
        if not self._known or shard is None:
            return
        # Not from their entries, which may have been trimmed.
        async for addresses in self._journal.entities(number):
            for kind, keys in self._known.items():
                keys.add_all(key for of_kind, key in addresses if of_kind == kind)
            await asyncio.sleep(PAUSE_WHILE_LEARNING_S)
        if volume.shards.get(number) is shard:
            for keys in self._known.values():
                keys.learned(number)

    def _not_run(self, shard: int) -> Unavailable:
        lost_at = self._journal_lost_at.get(shard)
        if lost_at is not None and self._loop.time() > lost_at + JOURNAL_PATIENCE_S:
            return JournalAway(f"the journal of shard {shard} does not answer")
        return NotMine(f"shard {shard} is not run here")

    def _lost(self, shards: Sequence[int], error: Exception) -> None:
        """An append failed: fenced shards have a newer owner, the others are taken over again under a new epoch."""
        volumes = {shard: self._volume_of_shard.pop(shard, None) for shard in shards}
        if isinstance(error, Fenced):
            self._on_fenced()
            return
        for shard, volume in volumes.items():
            if volume is not None:
                # From the turn that failed, which may have waited for long: not from the moment it gave up.
                self._journal_lost_at.setdefault(shard, volume.turn_began_at)
        self._background(self._own_again(shards))

    async def _own_again(self, shards: Sequence[int]) -> None:
        pause = RETRY_PAUSE_S
        for shard in shards:
            while True:
                try:
                    await self.own([shard])
                    break
                except JournalError as error:
                    logger.warning("Shard %d can't be taken over yet: %s", shard, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_RETRY_PAUSE_S)

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
