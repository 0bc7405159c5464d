"""Retraining in the shop: a section of the feed process has one round run whenever it is due, as a Ray task.

The task is a process of its own, behind everything else on its machine, and ends with the round: nothing that sells
shares it. When the last round began is in a file beside the models, so that a restart doesn't begin another one.
"""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.kernel import Instant

from ..settings import Settings

if TYPE_CHECKING:
    from ml.training.schedule import Outcome

HOUR_MS = 3_600_000
LOOK_EVERY_S = 60.0
FAILED_AGAIN_MS = HOUR_MS
"""A round that failed isn't worth waiting a day for the next: mostly the shop had too little to learn from yet."""
NICENESS = 19
NOTE = "retraining.json"
"""In the directory of models: when the last round began, and what came of it."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

RunRound = Callable[[Instant], Awaitable[Mapping[str, Any]]]

logger = logging.getLogger("doorbuster.retraining")


class Retraining:
    """Implements `Section`; asked as `retraining.last`."""

    def __init__(
        self, models: Path, hours: float, run: RunRound, now: Callable[[], Instant], look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._note = models / NOTE
        self._every_ms = round(hours * HOUR_MS)
        self._run = run
        self._now = now
        self._look_every_s = look_every_s
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._loop = asyncio.create_task(self._rounds())

    async def close(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def last(self) -> Mapping[str, Any]:
        """When the last round began (`at`, milliseconds) and what came of it; empty before the first."""
        return await asyncio.to_thread(self._noted)

    async def _rounds(self) -> None:
        while True:
            last = await self.last()
            # Also one that was killed has no decision.
            every_ms = self._every_ms if "decision" in last else min(self._every_ms, FAILED_AGAIN_MS)
            if self._now() - int(last.get("at", 0)) >= every_ms:
                await self._round()
            await asyncio.sleep(self._look_every_s)

    async def _round(self) -> None:
        at = self._now()
        # Before it begins: one that brings its process down isn't tried again at once.
        await asyncio.to_thread(self._write, {"at": at})
        try:
            told = await self._run(at)
        except Exception as error:
            # Whatever it is, such as too few interactions in a young shop: the model that serves stays.
            logger.warning("Retraining failed: %s", _first_line(error))
            told = {"failed": _first_line(error)}
        await asyncio.to_thread(self._write, {"at": at, **told})

    def _noted(self) -> Mapping[str, Any]:
        try:
            found = json.loads(self._note.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, told: Mapping[str, Any]) -> None:
        self._note.parent.mkdir(parents=True, exist_ok=True)
        draft = self._note.with_suffix(".new")
        draft.write_text(json.dumps(told))
        os.replace(draft, self._note)


def round_as_task(settings: Settings) -> RunRound:
    """Runs a round as a task of the Ray that this process belongs to."""

    async def run(at: Instant) -> Mapping[str, Any]:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Beside the feed process, where the lake and a registry in a file are. It asks for no CPU: the shop's are
        # promised to nobody, and a task that waits for one would wait for ever. An environment of its own keeps Ray
        # from ever using the process for anything else.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        task = ray.remote(max_calls=1)(retraining_round).options(
            num_cpus=0,
            max_retries=0,
            name="doorbuster-retraining",
            runtime_env={"env_vars": ONE_THREAD},
            scheduling_strategy=here,
        )
        told: Mapping[str, Any] = await task.remote(settings, at)
        return told

    return run


def retraining_round(settings: Settings, at: Instant) -> Mapping[str, Any]:
    """One round in this process, which steps behind all others: what became of it."""
    from datetime import UTC, datetime

    from ml.sources.open import open_source
    from ml.training.job import Around
    from ml.training.schedule import Place, Round, retrain

    os.nice(NICENESS - os.nice(0))
    data = open_source(f"lake:{settings.lake}?days={settings.retrain_days}&through=arrow", now=at)
    around = Around(datetime.fromtimestamp(at / 1_000, UTC))
    return told_of(retrain(Round(), data, Place(settings.registry, settings.models), around))


def told_of(outcome: "Outcome") -> Mapping[str, Any]:
    """What is noted of a round."""
    return {"decision": outcome.judged.why, "version": outcome.version, "run": outcome.run}


def _first_line(error: Exception) -> str:
    cause = getattr(error, "cause", None) or error
    return next(iter(str(cause).strip().splitlines()), type(cause).__name__)
