"""When the shop trains: once per period, whatever became of the last round and however often it is restarted."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serve.recommendations.retraining import HOUR_MS, Retraining


class Rounds:
    """Counts rounds; the first fails."""

    def __init__(self) -> None:
        self.at: list[int] = []

    async def __call__(self, at: int) -> Mapping[str, Any]:
        self.at.append(at)
        if len(self.at) == 1:
            raise ValueError("too few interactions\nin a young shop")
        return {"decision": "better", "version": 3}


async def until(section: Retraining, told: str) -> None:
    while told not in await section.last():
        await asyncio.sleep(0.001)


def test_a_round_runs_when_it_is_due_and_one_that_failed_is_not_tried_at_once(tmp_path: Path) -> None:
    now, rounds = [1_000 * HOUR_MS], Rounds()

    def section() -> Retraining:
        return Retraining(tmp_path / "models", 24, rounds, lambda: now[0], look_every_s=0.001)

    async def story() -> None:
        first = section()
        await first.start()
        await until(first, "failed")
        await first.close()
        second = section()
        assert await second.last() == {"at": 1_000 * HOUR_MS, "failed": "too few interactions"}
        await second.start()
        now[0] += 23 * HOUR_MS
        await asyncio.sleep(0.02)
        assert len(rounds.at) == 1
        now[0] += HOUR_MS
        await until(second, "decision")
        await second.close()
        assert (await second.last())["at"] == now[0]

    asyncio.run(story())
