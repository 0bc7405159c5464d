"""When the shop trains: once per period, however often it is restarted, and soon again where a round failed."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serve.recommendations.retraining import FAILED_AGAIN_MS, HOUR_MS, Retraining


class Rounds:
    """Counts rounds; the first fails."""

    def __init__(self) -> None:
        self.at: list[int] = []
        self.looked = 0

    async def __call__(self, at: int) -> Mapping[str, Any]:
        self.at.append(at)
        if len(self.at) == 1:
            raise ValueError("too few interactions\nin a young shop")
        return {"decision": "better", "version": 3}


async def until(section: Retraining, told: str) -> None:
    while told not in await section.last():
        await asyncio.sleep(0.001)


def test_a_round_runs_when_it_is_due_and_one_that_failed_sooner_but_not_at_once(tmp_path: Path) -> None:
    now, rounds = [1_000 * HOUR_MS], Rounds()

    def section() -> Retraining:
        def clock() -> int:
            rounds.looked += 1
            return now[0]

        return Retraining(tmp_path / "models", 24, rounds, clock, look_every_s=0.001)

    async def story() -> None:
        first = section()
        await first.start()
        await until(first, "failed")
        await first.close()
        second = section()
        assert await second.last() == {"at": 1_000 * HOUR_MS, "failed": "too few interactions"}
        await second.start()
        for waited_ms, so_far in ((FAILED_AGAIN_MS - 1, 1), (1, 2), (23 * HOUR_MS, 2), (HOUR_MS, 3)):
            now[0] += waited_ms
            looked = rounds.looked
            while rounds.looked < looked + 3:
                await asyncio.sleep(0.001)
            assert len(rounds.at) == so_far
            await until(second, "decision" if so_far > 1 else "failed")
        await second.close()
        assert (await second.last())["at"] == now[0]

    asyncio.run(story())
