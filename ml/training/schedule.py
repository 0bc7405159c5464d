"""One round of retraining: a candidate learns from what is known by now, and is released if it beats what serves.

Whatever the decision is, it is a run of the registry, with its figures. A round that was killed has changed nothing, or
all: a version is registered before it is released, and an unreleased version serves nobody.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from ..errors import RoundUnderWay
from ..interactions import Dataset
from ..registry.following import follower_of
from ..registry.opening import Registry, in_our_words, open_registry
from ..registry.recording import register
from ..registry.release import DEFAULT_MARKET
from ..registry.releases import Releases
from ..workplace import DRAFT, workplace
from .fitting import Recipe
from .gate import Bar, Judged, judge, recipe_of
from .job import Around, Plan, finish, measure, parted_by, seeded

FIRST = Recipe("session-knn")
"""What a shop without a champion begins with."""
BY = "retraining"
GATE = "gate.json"
GATE_TAG = "doorbuster.gate"
DIFFERENCE = ("gate_candidate", "gate_champion", "gate_difference", "gate_difference_low", "gate_difference_high")
LOCK = "retraining.lock"


@dataclass(frozen=True)
class Place:
    """Where models are kept."""

    registry: str
    """URL of the registry."""
    models: Path
    """Directory for copies and drafts."""
    market: str = DEFAULT_MARKET


@dataclass(frozen=True)
class Round:
    """What one round does."""

    plan: Plan = field(default_factory=lambda: Plan(FIRST))
    own_recipe: bool = False
    """Whether the plan's recipe is tried, rather than the champion's own on newer data."""
    bar: Bar = field(default_factory=Bar)


class Outcome(msgspec.Struct, frozen=True):
    """What a round did."""

    judged: Judged
    run: str
    """Of the registry."""
    version: int | None = None
    """That is the champion now; none where the old one stays."""


def retrain(wanted: Round, data: Dataset, place: Place, around: Around) -> Outcome:
    """Run one round. Raises RoundUnderWay where another one runs, and whatever the registry and training raise."""
    with _alone(place.models):
        champion = _champion(place)
        plan = wanted.plan
        if champion is not None and not wanted.own_recipe:
            plan = replace(plan, recipe=recipe_of(champion))
        plan = seeded(plan)
        parted = parted_by(plan, data)
        fit, scored = measure(plan.recipe, parted, plan, around)
        judged = judge(scored, plan.recipe, champion, parted, plan, wanted.bar, around)
        registry = open_registry(place.registry)
        if not judged.promoted:
            return Outcome(judged, _logged(registry, judged, around))
        # Hard links and renames stay on one file system.
        with workplace(place.models, DRAFT) as work:
            draft = work / "retrained"
            draft.mkdir()
            finish(draft, fit, parted, scored, plan, data, around)
            registered = register(registry, draft, place.market, at=around.now)
        _log(registry, registered.run, judged)
        Releases(registry, place.market).deploy(registered.number, by=BY, at=around.now, why=judged.why)
        return Outcome(judged, registered.run, registered.number)


def _champion(place: Place) -> Path | None:
    """The directory of what serves. Raises RegistryUnreachable, ArtifactDamaged."""
    follower = follower_of(place.registry, place.models / "cache")
    try:
        released = follower.release(place.market)
        return follower.fetch(released.champion) if released.champion else None
    finally:
        follower.close()


def _logged(registry: Registry, judged: Judged, around: Around) -> str:
    """A run of a candidate that wasn't released: its figures only."""
    started = int(around.now.timestamp() * 1_000)
    with in_our_words(registry.url):
        title = f"{judged.candidate.model} not released"
        run: str = registry.client.create_run(registry.experiment(), started, {}, title).info.run_id
        for name, value in judged.candidate.parameters.items():
            registry.client.log_param(run, name, value)
    _log(registry, run, judged)
    with in_our_words(registry.url):
        registry.client.set_terminated(run)
    return run


def _log(registry: Registry, run: str, judged: Judged) -> None:
    verdict = judged.verdict
    figures = (
        verdict.candidate.value, verdict.reference.value,
        verdict.difference.value, verdict.difference.low, verdict.difference.high,
    )  # fmt: skip
    with in_our_words(registry.url):
        for name, value in zip(DIFFERENCE, figures, strict=True):
            registry.client.log_metric(run, name, value)
        registry.client.set_tag(run, GATE_TAG, f"{'released' if judged.promoted else 'kept out'}: {judged.why}")
        registry.client.log_text(run, msgspec.json.format(msgspec.json.encode(judged), indent=2).decode(), GATE)


@contextmanager
def _alone(models: Path) -> Iterator[None]:
    """One round at a time; the kernel lets go of the lock of whoever is killed. Raises RoundUnderWay."""
    models.mkdir(parents=True, exist_ok=True)
    with (models / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RoundUnderWay("Another round of retraining is under way.") from None
        yield
