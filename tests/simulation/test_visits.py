"""Visitors under faults: crashes before and after commits, lost and doubled messages, hosts that die or are cut off.

Whatever was acknowledged is there, nothing is there twice, and what a browser did came to its customer once.
"""

import asyncio
from random import Random
from typing import Any

import pytest

from engine.visitor import (
    VISITOR,
    Action,
    Behaved,
    BehaviourNoted,
    JoinAccount,
    RecordBehaviour,
    anonymous_key,
    unlinked_key,
)

from .chronicle import Chronicle
from .visits import VisitBook
from .workload import ACTIVE_S
from .world import World, simulate

BATCHES, EVENTS = 5, 6


class VisitedWorld(World):
    """A world with visitors in it, each of whom browses, repeats batches, and logs in at the end."""

    def __init__(self, seed: int, chronicle: Chronicle) -> None:
        super().__init__(seed, chronicle)
        self._random = Random(f"{seed}:visits")
        self.acknowledged: dict[str, set[str]] = {}

    def begin(self) -> None:
        super().begin()
        for number in range(4):
            process = self.fronts[number % len(self.fronts)].process
            assert process is not None
            self.crowd.tasks.append(process.spawn(self._visit(number, number % len(self.fronts))))

    async def _visit(self, number: int, front: int) -> None:
        random = Random(self._random.random())
        key, account = anonymous_key(f"browser-{number}"), f"acc_{number}"
        for batch in range(BATCHES):
            await asyncio.sleep(random.random() * ACTIVE_S / BATCHES)
            names = [f"{number}-{max(0, batch * EVENTS + each - random.randrange(3))}" for each in range(EVENTS)]
            # Some are of whoever doesn't want to be known, some are repeated: in the same batch or a later one.
            unlinked = random.random() < 0.3
            for _ in range(random.choice((1, 1, 2))):
                await self._record(front, unlinked_key(names[0]) if unlinked else key, names)
            if random.random() < 0.4:
                await self._ask(front, key, JoinAccount(account))
        await self._ask(front, key, JoinAccount(account))

    async def _record(self, front: int, key: str, names: list[str]) -> None:
        events = tuple(Behaved(name, Action.VIEW, 1, "RETRO-CLOCK") for name in names)
        await self._ask(front, key, RecordBehaviour(events))
        self.acknowledged.setdefault(key, set()).update(names)

    async def _ask(self, front: int, key: str, command: Any) -> None:
        assert isinstance(await self.crowd.look_at(front, VISITOR.name, key, command), BehaviourNoted)


@pytest.mark.parametrize("seed", range(8))
def test_no_event_is_lost_or_counted_twice(seed: int) -> None:
    worlds: list[VisitedWorld] = []

    def visited(number: int, chronicle: Chronicle) -> VisitedWorld:
        worlds.append(VisitedWorld(number, chronicle))
        return worlds[-1]

    assert simulate(seed, world_of=visited).violations == []
    (world,) = worlds
    assert sum(map(len, world.acknowledged.values())) > 50
    visits = world.auditor.visits
    for key, names in world.acknowledged.items():
        assert visits[key].recorded == names, "every event that was acknowledged is there, and no other"
    for number in range(4):
        browsed = world.acknowledged.get(anonymous_key(f"browser-{number}"), set())
        customer = visits.get(f"acc_{number}", VisitBook())
        assert customer.taken_in == browsed, "the customer has each of them"
