"""The turn: the shards of one journal volume that a host runs, their entities, and the four steps of every command.

    take -> decide -> append -> reply

Shards of one volume commit together and atomically. So a command that one entity's effect sends to another entity of
the volume is decided in the same turn and costs no commit of its own: whatever the turn decided is recorded at once or
not at all.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.kernel import Accepted, Command, Effect, EffectAnswered, Instant, Kind, Rejected, ReminderDue, Reply, Send

from .codec import KindCodec
from .effects import Effects
from .entity import Entity
from .envelope import NOBODY, Address, Envelope
from .errors import JournalAway, Moved, NotMine, Unavailable, Undecided
from .journals.port import Batch, Fenced, Journal, JournalError, JournalFull
from .known import KnownKeys
from .moves import Leave, Wake
from .reminders import Reminders
from .residents import Residents
from .settling import Settling
from .shard import Shard, decode_checkpoint
from .sheaf import Replies, Sheaf

MAX_COMMANDS_PER_TURN = 1_024
"""Bounds how long a command waits for those before it, and how much one commit writes."""
ENTRIES_BETWEEN_ROUNDS = 16_384
"""After so many entries every shard of the volume writes a checkpoint, also those that recorded nothing."""
RECOVERY_GROUP = 32
"""How many entities of a shard's past are woken at a time: a command of the living waits some milliseconds for them."""
TICK_S = 0.05
"""How often reminders, waiting senders and idle entities are looked at."""
TRY_AGAIN_FULL_S = 1.0
"""How often work that had no room in the journal is taken up again by itself."""

Watcher = Callable[[str, int, Any], None]
"""Called with an entity's key, version and state after each of its commits."""

logger = logging.getLogger("doorbuster.actors")


class Volume:
    """The shards of one volume on this host and everything active in them.

    All methods run on one event loop. Between `_decide` and the end of the append no other code sees the entities:
    commands that arrive meanwhile wait in the mailbox and form the next turn (group commit).
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        codecs: Mapping[str, KindCodec],
        journal: Journal,
        effects: Effects,
        now: Callable[[], Instant],
        *,
        base_shards: int,
        entities_in_memory: int,
        idle_s: float,
        watchers: Mapping[str, list[Watcher]],
        known: Mapping[str, KnownKeys],
        on_lost: Callable[[list[int], Exception], None],
    ) -> None:
        self._kinds = kinds
        self._journal = journal
        self._effects = effects
        self._now = now
        self._residents = Residents(
            kinds,
            codecs,
            journal,
            base_shards=base_shards,
            bound=entities_in_memory,
            idle_s=idle_s,
            known=known,
        )
        self._entities = self._residents.by_address
        self._watchers = watchers
        self._known = known
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self.shards: dict[int, Shard] = {}
        self.mail: list[Envelope] = []
        self.commands = 0
        """How many have been taken so far."""
        self._settling = Settling(self._loop.time)
        self._reminders = Reminders()
        self._due = asyncio.Event()
        self._recovering = asyncio.Lock()
        # Held for a turn: a shard never comes or goes in the middle of one.
        self._between_turns = asyncio.Lock()
        self._clock = self._loop.time()
        self.turn_began_at = self._clock
        self._entries_since_round = 0
        self._touched: list[Entity] = []
        self._outward: list[tuple[Entity, Effect]] = []
        self._consulted: set[int] = set()
        self._without_room: dict[Address, int] = {}
        self._without_room_until = 0.0
        self._task = self._loop.create_task(self._run())
        self._ticker = self._loop.create_task(self._tick())

    # -- what the host calls

    async def own(self, number: int) -> None:
        """Take a shard over: commands for it are welcome from now on, its unfinished work is resumed behind them."""
        async with self._between_turns:
            epoch = await self._journal.acquire(number)
            self._drop([number])
            self.shards[number] = Shard(number, epoch)

    async def disown(self, numbers: Iterable[int]) -> None:
        """Stop running these shards; whoever waits hears `NotMine`. A later append by us would be fenced anyway."""
        async with self._between_turns:
            self._drop(numbers)

    async def recover(self, number: int) -> None:
        """Wake every entity of the shard that may have unfinished work: those of the checkpoint, and all after it.

        One shard after the other: a host that takes over all those of a dead one has the living to serve first.
        """
        async with self._recovering:
            shard = self.shards.get(number)
            if shard is None:
                raise NotMine(f"shard {number} has moved on already")
            position, checkpoint = await self._journal.checkpoint(number)
            await self._wake_all(shard, decode_checkpoint(checkpoint))
            read = 0
            while entries := await self._journal.read(number, position):
                position = entries[-1].position
                read += len(entries)
                await self._wake_all(shard, dict.fromkeys((entry.kind, entry.key) for entry in entries))
            shard.is_recovered(read)

    async def _wake_all(self, shard: Shard, addresses: Iterable[Address]) -> None:
        # In small groups, so that commands of the living don't queue behind the recovery of the past.
        pending = [address for address in addresses if self._kinds[address[0]].has_work]
        for start in range(0, len(pending), RECOVERY_GROUP):
            woken = [self._loop.create_future() for _ in pending[start : start + RECOVERY_GROUP]]
            for address, future in zip(pending[start:], woken, strict=False):
                self.post(Envelope(address, shard.number, None, future, float("inf")))
            answers = await asyncio.gather(*woken, return_exceptions=True)
            for address, answer in zip(pending[start:], answers, strict=False):
                if isinstance(answer, Moved):
                    shard.unfinished[address] = None
                    self._effects.wake_elsewhere(self, address, shard.number)
                elif isinstance(answer, BaseException) and not isinstance(answer, JournalAway):
                    # One whose progress found no room is woken again when there may be some.
                    raise answer

    def post(self, envelope: Envelope) -> None:
        """Put a command into the mailbox of the next turn."""
        if not self.mail:
            self._due.set()
        self.mail.append(envelope)

    def answer(self, address: Address, shard: int, effect_id: str, reply: Reply) -> None:
        """The reply to an entity's effect has come."""
        self.post(Envelope(address, shard, EffectAnswered(effect_id, reply), NOBODY, float("inf")))

    def still_wants(self, address: Address, effect_id: str) -> bool:
        """Whether the entity is here and waits for that effect: if not, nobody needs to send it again."""
        entity = self._entities.get(address)
        if entity is None or entity.in_flight is None or effect_id not in entity.in_flight:
            return False
        assert entity.kind.effects is not None
        if any(effect.id == effect_id for effect in entity.kind.effects(entity.state)):
            return True
        entity.in_flight.discard(effect_id)
        return False

    def awake_elsewhere(self, address: Address, shard: int) -> None:
        """An entity that left the shard has taken up its work where it lives now: it is nothing of ours any more."""
        owned = self.shards.get(shard)
        if owned is not None and address not in self._entities:
            owned.unfinished.pop(address, None)

    async def close(self) -> None:
        """Finish the turn under way, then stop; whoever still waits hears `NotMine`."""
        self._ticker.cancel()
        await self.disown(list(self.shards))
        self._task.cancel()
        await asyncio.gather(self._task, self._ticker, return_exceptions=True)

    @property
    def entities(self) -> int:
        """How many entities are in memory."""
        return len(self._entities)

    # -- the turn

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            while self.mail:
                async with self._between_turns:
                    mail = self._take()
                    try:
                        await self._turn(mail)
                    except JournalError as error:
                        self._lose(mail, error)
                    except Exception as error:
                        logger.exception("A turn failed; its shards are taken over again")
                        self._lose(mail, error)
                # The loop reads sockets meanwhile: what they bring is the next turn's batch.
                await asyncio.sleep(0)

    async def _turn(self, mail: list[Envelope]) -> None:
        missing = [envelope for envelope in mail if envelope.address not in self._entities]
        if missing:
            # Nothing else touches the entities meanwhile: this is the turn's own task.
            self._touched += await self._residents.activate(missing)
        now = self._now()
        self._clock = self._loop.time()
        replies = [self._decide(envelope, now) for envelope in mail]
        touched, outward = self._touched, self._outward
        self._touched, self._outward = [], []
        if touched or self._consulted:
            try:
                await self._append(touched, now)
            except JournalFull as error:
                await self._go_on_without_room(mail, replies, touched, outward, error)
                return
        self._reply(mail, replies, touched)
        self._start(outward)

    def _start(self, outward: Iterable[tuple[Entity, Effect]]) -> None:
        for entity, effect in outward:
            self._effects.start(self, entity.address, entity.shard, effect)

    def _take(self) -> list[Envelope]:
        """The commands of the next turn: those still in time and still ours."""
        mail, self.mail = self.mail[:MAX_COMMANDS_PER_TURN], self.mail[MAX_COMMANDS_PER_TURN:]
        self.commands += len(mail)
        clock = self.turn_began_at = self._loop.time()
        shards = self.shards
        taken = []
        for envelope in mail:
            if envelope.shard not in shards:
                envelope.fail(NotMine(f"shard {envelope.shard} is not run here"))
            elif envelope.deadline < clock:
                envelope.fail(Unavailable("the command waited past its deadline and was not carried out"))
            else:
                taken.append(envelope)
        return taken

    def _decide(self, envelope: Envelope, now: Instant) -> Reply | Unavailable:
        entity = self._entities[envelope.address]
        command = envelope.command
        if entity.lives_in != entity.shard:
            return Moved(entity.lives_in)
        if type(command) is Leave:
            if entity.just_arrived:
                return Unavailable("the entity has only just arrived here")
            self._leave(entity, command.shard)
            return None
        if command is None or type(command) is Wake:
            self._resume(entity, now)
            return None
        try:
            if type(command) is EffectAnswered and entity.in_flight is not None:
                entity.in_flight.discard(command.effect_id)
            many = isinstance(command, Sheaf)
            reply = (self._carry_out_all if many else self._carry_out)(entity, command, now)  # type: ignore[arg-type]
        except Undecided as error:
            return error
        if entity.kind.effects is not None:
            self._cascade(entity, now)
        return reply

    def _resume(self, entity: Entity, now: Instant) -> None:
        """Start what the entity waits for. Then note that it waits: else the next checkpoint would say that it doesn't,
        and the owner after this one would never wake it."""
        if entity.kind.effects is not None:
            self._cascade(entity, now)
        self._follow_up(entity)

    def _leave(self, entity: Entity, shard: int) -> None:
        """The entity's last word here. Replies that are owed to it find no sender any more and are asked for again
        over there."""
        if entity.leave(shard):
            self._touched.append(entity)
        entity.in_flight = None

    def _carry_out_all(self, entity: Entity, sheaf: Sheaf, now: Instant) -> Replies:
        answers: list[Any] = []
        rejected: dict[int, Rejected] = {}
        for command in sheaf.commands:
            reply = self._carry_out(entity, command, now)
            if type(reply) is Rejected:
                rejected[len(answers)] = reply
                reply = None
            answers.append(reply)
        return Replies(answers, rejected)

    def _carry_out(self, entity: Entity, command: Command, now: Instant) -> Reply:
        """Decide one command on the state that the commands before it left; events change the state at once."""
        if entity.used_at != self._clock:
            entity.used_at = self._clock
            self._entities.move_to_end(entity.address)
        try:
            outcome = entity.decide(entity.state, command, now)
        except Exception as error:
            # Deciding changes nothing, so one command that it can't cope with harms no other of the turn.
            logger.exception("%s could not decide %s", entity.address, type(command).__name__)
            raise Undecided(f"{entity.address} could not decide {type(command).__name__}") from error
        # By type and not isinstance: this is where every command of the shop passes.
        if type(outcome) is Rejected:
            self._consulted.add(entity.shard)
            return outcome
        assert type(outcome) is Accepted
        if not outcome.events:
            self._consulted.add(entity.shard)
        elif entity.record(outcome.events):
            self._touched.append(entity)
        return outcome.answer

    def _cascade(self, entity: Entity, now: Instant) -> None:
        """Start every effect that the state waits for and that isn't under way.

        A command to an entity that is in memory in this volume is carried out right here, in the same turn. Its reply
        changes the state of whoever sent it, so the effects are asked for again. All others leave after the append.
        """
        unsettled = [entity]
        while unsettled:
            sender = unsettled.pop()
            if sender.in_flight is None:
                sender.in_flight = set()
            for effect in sender.kind.effects(sender.state):  # type: ignore[misc]
                if effect.id in sender.in_flight:
                    continue
                sender.in_flight.add(effect.id)
                target = self._carry_over(sender, effect, now) if type(effect) is Send else None
                if target is None:
                    self._outward.append((sender, effect))
                    continue
                unsettled.append(sender)
                if target.kind.effects is not None:
                    unsettled.append(target)
                break

    def _carry_over(self, sender: Entity, effect: Send, now: Instant) -> Entity | None:
        """Carry out the command of one entity at another in this turn, and hand back the answer.

        Returns the other entity, or None if it isn't in memory here or failed: then nothing happened.
        """
        target = self._entities.get((effect.kind, effect.key))
        if target is None or target.lives_in != target.shard:
            return None
        before = len(sender.events or ())
        try:
            reply = self._carry_out(target, effect.command, now)
            self._carry_out(sender, EffectAnswered(effect.id, reply), now)
        except Undecided:
            return None
        # An answer that changes nothing leaves the effect wanted: to send it again here would never end.
        if len(sender.events or ()) > before:
            sender.in_flight.discard(effect.id)  # type: ignore[union-attr]
        return target

    async def _append(self, touched: list[Entity], now: Instant) -> None:
        """One durable group commit of everything that the turn recorded.

        A shard that was only read takes part with nothing to write: a host that was stopped or cut off doesn't know
        that there is a newer owner, and would answer, or refuse, from what it remembers. The journal tells it.
        """
        dirty = {number: self.shards[number] for number in self._consulted}
        self._consulted.clear()
        for entity in touched:
            self._follow_up(entity)
            shard = dirty[entity.shard] = self.shards[entity.shard]
            entry = entity.take_entry(now)
            shard.add(entry, entity.take_snapshot() if entity.wants_snapshot else None, listed=entity.kind.listed)
        self._entries_since_round += len(touched)
        if self._entries_since_round < ENTRIES_BETWEEN_ROUNDS:
            batches = [shard.take_batch() for shard in dirty.values()]
        else:
            # A quiet shard's next owner must not look for its work in everything that its neighbours recorded.
            self._entries_since_round = 0
            batches = [shard.take_batch(checkpoint_due=True) for shard in self.shards.values()]
        await self._journal.append(batches)

    async def _go_on_without_room(
        self,
        mail: list[Envelope],
        replies: list[Reply | Unavailable],
        touched: list[Entity],
        outward: list[tuple[Entity, Effect]],
        error: JournalFull,
    ) -> None:
        """Nothing of the turn was recorded. Whoever wanted to change something is told so at once, whoever only asked
        is answered, and the shards stay here. What the turn changed in memory is forgotten.
        """
        clock = self._loop.time()
        if clock >= self._without_room_until:
            logger.warning("Nothing can be recorded: %s", error)
            self._without_room_until = clock + TRY_AGAIN_FULL_S
        refusal = JournalAway(f"the journal did not take the command: {error}")
        changed = {entity.address for entity in touched}
        asked = [pair for pair in zip(mail, replies, strict=True) if pair[0].address not in changed]
        for entity in touched:
            self._forget(entity, refusal)
            if entity.kind.has_work:
                # It may wait for an effect whose answer this turn took, or for a reminder: it is woken later.
                self._without_room[entity.address] = entity.shard
                self.shards[entity.shard].unfinished[entity.address] = None
        for envelope in mail:
            if envelope.address in changed:
                envelope.fail(refusal)
        # Here, too, the journal has to confirm that there is no newer owner.
        shards = [self.shards[number] for number in {envelope.shard for envelope, _ in asked}]
        await self._journal.append([Batch(shard.number, shard.epoch, ()) for shard in shards])
        self._reply([envelope for envelope, _ in asked], [reply for _, reply in asked], [])
        self._start(effect for effect in outward if effect[0].address not in changed)

    def _try_again_with_room(self) -> None:
        """Wake what could not record its progress: it takes up its work from what the journal says."""
        if not self._without_room or self._loop.time() < self._without_room_until:
            return
        waiting, self._without_room = self._without_room, {}
        for address, shard in waiting.items():
            self.post(Envelope(address, shard, None, NOBODY, float("inf")))

    def _follow_up(self, entity: Entity) -> None:
        """Note the entity's reminder and whether it has unfinished work."""
        if entity.kind.remind_at is not None:
            remind_at = entity.kind.remind_at(entity.state)
            if remind_at != entity.remind_at:
                self._reminders.set(entity.address, entity.remind_at, remind_at)
                entity.remind_at = remind_at
        unfinished = self.shards[entity.shard].unfinished
        if entity.unfinished or (entity.lives_in != entity.shard and entity.kind.has_work):
            unfinished[entity.address] = None
        else:
            unfinished.pop(entity.address, None)

    def _reply(self, mail: list[Envelope], replies: list[Reply | Unavailable], touched: list[Entity]) -> None:
        """Tell watchers and senders: what they hear now survives any crash."""
        for entity in touched:
            for watcher in self._watchers.get(entity.kind.name, ()):
                watcher(entity.address[1], entity.version, entity.state)
            if entity.lives_in != entity.shard:
                self._part_with(entity)
            elif entity.waiting:
                self._settling.tell(entity)
        for envelope, reply in zip(mail, replies, strict=True):
            if isinstance(reply, Unavailable):
                envelope.fail(reply)
                if type(reply) is Moved:
                    # Not kept in memory: it may come here, and only the journal would tell.
                    self._entities.pop(envelope.address, None)
            elif envelope.settle_until and type(reply) is not Rejected:
                if (process := self._entities.get(envelope.address)) is not None:
                    self._settling.reply(envelope, process, reply)
                else:
                    # It moved in this very turn: the sender asks again over there.
                    envelope.fail(NotMine("the entity moved"))
            else:
                envelope.reply(reply)

    def _part_with(self, entity: Entity) -> None:
        """It lives elsewhere, durably: forget it here, so that nobody sees its old state, and wake it over there."""
        self._reminders.set(entity.address, entity.remind_at, None)
        self._settling.fail(entity, Moved(entity.lives_in))
        self._entities.pop(entity.address, None)
        if entity.kind.has_work:
            self._effects.wake_elsewhere(self, entity.address, entity.shard)

    # -- time

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._remind()
            self._try_again_with_room()
            self._stop_waiting()
            # Between turns only: a turn waits while it loads and appends, and must find then what it found before.
            async with self._between_turns:
                self._residents.passivate(self._loop.time())

    def _remind(self) -> None:
        for address in self._reminders.take_due(self._now()):
            entity = self._entities.get(address)
            if entity is not None:
                entity.remind_at = None
                shard = entity.shard
            else:
                shard = next((number for number, owned in self.shards.items() if address in owned.unfinished), -1)
            self.post(Envelope(address, shard, ReminderDue(), NOBODY, float("inf")))

    def _stop_waiting(self) -> None:
        """Senders that waited long enough for a process to settle hear how far it got: it goes on without them."""
        clock = self._loop.time()
        for envelope in self._settling.take_late(clock):
            # Asking again without waiting reads the state as it is then.
            self.post(envelope.again(clock + TICK_S * 20))

    # -- losing

    def _lose(self, mail: list[Envelope], error: Exception) -> None:
        """The turn could not be recorded: forget what was decided and take the shards over again, unless fenced.

        Whether the journal has the entries is not known after `JournalUnavailable`. A new epoch settles it: an append
        of the old one that is still under way is refused, and what the journal then holds is the truth.
        """
        numbers = list(self.shards)
        for envelope in mail:
            envelope.fail(Unavailable(f"the journal did not take the command: {error}"))
        self._touched, self._outward = [], []
        self._consulted.clear()
        self._drop(numbers)
        if isinstance(error, Fenced):
            logger.warning("Shard %d has a newer owner; its volume is dropped here", error.shard)
        self._on_lost(numbers, error)

    def _drop(self, numbers: Iterable[int]) -> None:
        """Forget these shards and everything in memory of them; whoever waits hears `NotMine`."""
        gone = set(numbers)
        for number in gone:
            self.shards.pop(number, None)
        for known in self._known.values():
            # Whether a turn that failed was recorded isn't known, nor what another owner records from now on.
            known.forget(gone)
        for entity in list(self._entities.values()):
            if entity.shard in gone:
                self._forget(entity, NotMine(f"shard {entity.shard} moved"))
        self._without_room = {address: shard for address, shard in self._without_room.items() if shard not in gone}
        kept = []
        for envelope in self.mail:
            if envelope.shard in gone:
                envelope.fail(NotMine(f"shard {envelope.shard} moved"))
            else:
                kept.append(envelope)
        self.mail = kept

    def _forget(self, entity: Entity, error: Unavailable) -> None:
        """The entity's state in memory is not, or no more, ours to know: who waits for it hears the error."""
        self._entities.pop(entity.address, None)
        self._reminders.set(entity.address, entity.remind_at, None)
        self._settling.fail(entity, error)
