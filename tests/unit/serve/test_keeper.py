"""Whoever has the lease reads, nobody else; a refusal ends it, and a silence that is longer than the lease."""

import asyncio
from typing import Any

from actors.errors import Unavailable
from engine.kernel import Rejected
from engine.lease import AcquireLease, GiveLeaseBack, LeaseView
from engine.reasons import Reason
from serve.feed.keeper import Keeper

LEASE_MS = 200
WAIT_S = 10.0


class Giver:
    """Gives the lease, refuses it, or is away; counts how often it was asked."""

    def __init__(self) -> None:
        self.answer: LeaseView | Rejected | Unavailable = LeaseView("first", 0)
        self.asked = 0
        self.given_back = False

    async def send(self, _kind: str, _key: str, command: Any, **_options: Any) -> Any:
        if isinstance(command, GiveLeaseBack):
            self.given_back = True
            return LeaseView("", 0)
        assert isinstance(command, AcquireLease)
        self.asked += 1
        if isinstance(self.answer, Unavailable):
            raise self.answer
        return self.answer


class Endless:
    """A reader that only says whether it runs, and how often its position was stored."""

    def __init__(self) -> None:
        self.running = False
        self.stored = 0

    async def run(self) -> None:
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False

    async def store(self) -> None:
        self.stored += 1


async def until(condition: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


def play(story: Any, renew_every_s: float = 0.01) -> None:
    async def run() -> None:
        giver, reader = Giver(), Endless()
        keeper = Keeper(
            giver,  # type: ignore[arg-type]
            "first",
            lambda: [reader],  # type: ignore[list-item]
            lease_ms=LEASE_MS,
            renew_every_s=renew_every_s,
        )
        task = asyncio.create_task(keeper.run())
        try:
            await until(lambda: reader.running)
            await story(giver, reader, keeper)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_who_is_refused_stops_at_once_and_begins_again_with_the_lease() -> None:
    async def story(giver: Giver, reader: Endless, keeper: Keeper) -> None:
        giver.answer = Rejected(Reason.LEASE_TAKEN)
        await until(lambda: not reader.running and reader.stored == 1)
        assert not keeper.reads
        giver.answer = LeaseView("first", 0)
        await until(lambda: reader.running)

    play(story)


def test_who_hears_nothing_reads_until_the_lease_is_over_and_no_longer() -> None:
    async def story(giver: Giver, reader: Endless, keeper: Keeper) -> None:
        giver.answer = Unavailable("the host is away")
        asked = giver.asked
        await until(lambda: giver.asked > asked or not reader.running)
        await until(lambda: not reader.running)
        assert giver.asked - asked > 1, "one question that nobody answered takes nothing away"
        assert not keeper.reads

    play(story)


def test_whoever_closes_gives_the_lease_back() -> None:
    async def story(giver: Giver, reader: Endless, keeper: Keeper) -> None:
        await keeper.close()
        assert (giver.given_back, reader.running, reader.stored) == (True, False, 1)

    # Whoever closes has stopped asking: no question may come in between, however slow the machine is.
    play(story, renew_every_s=WAIT_S)
