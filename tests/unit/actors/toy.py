"""Two small kinds for tests of the runtime: a jar of beans, and a move of beans from one jar to another.

A move is a process: it takes from one jar, asks a weigher outside whether that is fine, then fills the other jar.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from engine.kernel import (
    Accepted,
    Answer,
    Command,
    Effect,
    EffectAnswered,
    Event,
    Instant,
    Kind,
    Outcome,
    Rejected,
    ReminderDue,
    Request,
    Send,
)
from engine.reasons import Reason


class Fill(Command, frozen=True):
    id: str
    beans: int


class Take(Command, frozen=True):
    id: str
    beans: int


class Look(Command, frozen=True):
    pass


class Break(Command, frozen=True):
    """A command that the jar's code can't cope with."""


class Filled(Event, frozen=True):
    id: str
    beans: int


class Taken(Event, frozen=True):
    id: str
    beans: int


class Beans(Answer, frozen=True):
    beans: int


class Jar(msgspec.Struct, array_like=True):
    beans: int = 0
    seen: dict[str, int] = {}


def decide_jar(jar: Jar, command: Command, now: Instant) -> Outcome:
    match command:
        case Look():
            return Accepted((), Beans(jar.beans))
        case Fill(id=seen) | Take(id=seen) if seen in jar.seen:
            return Accepted((), Beans(jar.seen[seen]))
        case Fill(id=fill, beans=beans):
            return Accepted((Filled(fill, beans),), Beans(jar.beans + beans))
        case Take(id=take, beans=beans):
            if beans > jar.beans:
                return Rejected(Reason.INSUFFICIENT_STOCK, {"left": jar.beans})
            return Accepted((Taken(take, beans),), Beans(jar.beans - beans))
    raise RuntimeError("a jar can't do that")


def apply_jar(jar: Jar, event: Event) -> None:
    match event:
        case Filled(id=seen, beans=beans):
            jar.beans += beans
        case Taken(id=seen, beans=beans):
            jar.beans -= beans
        case _:
            raise AssertionError(event)
    jar.seen[seen] = jar.beans


JAR = Kind(
    name="jar",
    new=lambda key: Jar(),
    decide=decide_jar,
    apply=apply_jar,
    commands=Fill | Take | Look | Break,
    events=Filled | Taken,
    answers=Beans,
    state=Jar,
    view=lambda jar: Beans(jar.beans),
    listed=True,
)


class Begin(Command, frozen=True):
    source: str
    target: str
    beans: int
    give_up_at: Instant = 0


class Weigh(Command, frozen=True):
    id: str


class Weighed(Answer, frozen=True):
    fine: bool


class Begun(Event, frozen=True):
    source: str
    target: str
    beans: int
    give_up_at: Instant


class Stepped(Event, frozen=True):
    step: str


class MoveView(Answer, frozen=True):
    step: str


class Move(msgspec.Struct, array_like=True):
    id: str
    step: str = ""
    source: str = ""
    target: str = ""
    beans: int = 0
    give_up_at: Instant = 0


_NEXT = {"take": "weigh", "weigh": "fill", "fill": "done", "restore": "refused"}


def decide_move(move: Move, command: Command, now: Instant) -> Outcome:
    match command:
        case Begin():
            if move.step:
                return Accepted((), MoveView(move.step))
            begun = Begun(command.source, command.target, command.beans, command.give_up_at)
            return Accepted((begun,), MoveView("take"))
        case Look():
            return Accepted((), MoveView(move.step))
        case ReminderDue():
            if move.step == "weigh" and now >= move.give_up_at:
                return Accepted((Stepped("restore"),))
        case EffectAnswered(effect_id=step, reply=reply) if step == move.step:
            if isinstance(reply, Rejected):
                return Accepted((Stepped("refused"),))
            if isinstance(reply, Weighed) and not reply.fine:
                return Accepted((Stepped("restore"),))
            return Accepted((Stepped(_NEXT[step]),))
    return Accepted()


def apply_move(move: Move, event: Event) -> None:
    match event:
        case Begun():
            move.source, move.target, move.beans = event.source, event.target, event.beans
            move.give_up_at = event.give_up_at
            move.step = "take"
        case Stepped(step=step):
            move.step = step


def effects_of_move(move: Move) -> Iterable[Effect]:
    match move.step:
        case "take":
            return (Send("take", "jar", move.source, Take(f"{move.id}:take", move.beans)),)
        case "weigh":
            return (Request("weigh", "weigher", Weigh(move.id)),)
        case "fill":
            return (Send("fill", "jar", move.target, Fill(f"{move.id}:fill", move.beans)),)
        case "restore":
            return (Send("restore", "jar", move.source, Fill(f"{move.id}:restore", move.beans)),)
    return ()


MOVE = Kind(
    name="move",
    new=lambda key: Move(key),
    decide=decide_move,
    apply=apply_move,
    commands=Begin | Look,
    events=Begun | Stepped,
    answers=MoveView,
    state=Move,
    effects=effects_of_move,
    remind_at=lambda move: move.give_up_at if move.step == "weigh" and move.give_up_at else None,
    settled=lambda move: MoveView(move.step) if move.step in ("done", "refused") else None,
)

KINDS: dict[str, Kind] = {"jar": JAR, "move": MOVE}


class Weigher:
    """The outside: answers as it is told to."""

    def __init__(self, fine: bool = True) -> None:
        self.fine = fine
        self.calls: list[Any] = []
        self.failures = 0

    def answer_at_once(self, call: Any) -> Answer | None:
        return None

    async def call(self, call: Any) -> Answer:
        self.calls.append(call)
        if self.failures:
            self.failures -= 1
            raise OSError("the weigher is out")
        return Weighed(self.fine)
