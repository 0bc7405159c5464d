"""Senders that wait for a process to settle: they are answered once it has, or when they have waited long enough."""

from collections.abc import Callable

from engine.kernel import Reply

from .entity import Entity
from .envelope import Address, Envelope
from .errors import Unavailable


class Settling:
    """The entities that somebody waits for; who waits is noted with each of them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._awaited: dict[Address, Entity] = {}

    def reply(self, envelope: Envelope, entity: Entity, reply: Reply) -> None:
        """Answer with what the process came to. Until it has, the sender waits, but not beyond its patience."""
        assert entity.kind.settled is not None, "only a process can be waited for"
        settled = entity.kind.settled(entity.state)
        if settled is not None:
            envelope.reply(settled)
        elif envelope.settle_until <= self._clock():
            envelope.reply(reply)
        else:
            if entity.waiting is None:
                entity.waiting = []
            entity.waiting.append(envelope)
            self._awaited[entity.address] = entity

    def tell(self, entity: Entity) -> None:
        """The entity has changed: if it has settled now, everybody who waits for it is answered."""
        assert entity.kind.settled is not None
        assert entity.waiting is not None
        settled = entity.kind.settled(entity.state)
        if settled is None:
            return
        for envelope in entity.waiting:
            envelope.reply(settled)
        entity.waiting = None
        self._awaited.pop(entity.address, None)

    def fail(self, entity: Entity, error: Unavailable) -> None:
        """The entity is not ours any more, or not as it was: whoever waits for it hears the error."""
        self._awaited.pop(entity.address, None)
        for envelope in entity.waiting or ():
            envelope.fail(error)

    def take_late(self, clock: float) -> list[Envelope]:
        """Who has waited long enough; they wait no more."""
        late: list[Envelope] = []
        for entity in list(self._awaited.values()):
            assert entity.waiting is not None
            waiting = [envelope for envelope in entity.waiting if envelope.settle_until > clock]
            if len(waiting) == len(entity.waiting):
                continue
            late += [envelope for envelope in entity.waiting if envelope.settle_until <= clock]
            entity.waiting = waiting or None
            if not waiting:
                del self._awaited[entity.address]
        return late
