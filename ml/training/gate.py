"""Whether a new model takes the place of the one that serves: only if it is better on the last window, by more than
chance (a paired bootstrap over sessions or customers).

The champion is measured as it is, if it has seen nothing of the window. One that has would be favoured: its recipe,
fitted on what came before the window, stands in for it. Without a champion, popularity is what must be beaten.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from ..artifact import load_artifact, read_artifact
from ..evaluation.compare import Decision, Verdict, beats
from ..evaluation.evaluate import Scored
from ..evaluation.split import Split, shown
from .fitting import Recipe
from .job import Around, Plan, measure, scored_on

POPULARITY = Recipe("popularity")
Standing = Literal["as it is", "made again", "popularity"]


class Judged(msgspec.Struct, frozen=True):
    """The decision and its figures, as they are logged."""

    promoted: bool
    why: str
    candidate: Recipe
    champion: Recipe
    champion_is: Standing
    verdict: Verdict
    window_from: str
    window_to: str
    cases: int


@dataclass(frozen=True)
class Bar:
    """By what is judged."""

    measure: str = "ndcg"
    k: int = 20
    margin: float = 0.0
    """By how much more the candidate must be better."""


def recipe_of(champion: Path) -> Recipe:
    """What the champion was made by. Raises ArtifactDamaged."""
    about = read_artifact(champion)
    return Recipe(about.model, about.parameters)


def has_seen(champion: Path, parted: Split) -> bool:
    """Whether the champion may have learned from the window; so it is where nobody knows."""
    about = read_artifact(champion)
    if about.fingerprint == parted.train.fingerprint:
        return False
    until, began = about.source.get("to", ""), shown(parted.window.at)
    if until.startswith("#") and began.startswith("#"):
        # Places in a file say nothing of another file.
        return True
    return not until or until.startswith("#") or began.startswith("#") or until >= began


def judge(
    candidate: Scored, recipe: Recipe, champion: Path | None, parted: Split, plan: Plan, bar: Bar, around: Around
) -> Judged:
    """Measure what the candidate has to beat, and decide. Raises ArtifactDamaged, ModelUnknown, NotEnoughData."""
    standing, theirs, reference = _reference(champion, parted, plan, around)
    verdict = beats(candidate, reference, measure=bar.measure, k=bar.k, margin=bar.margin)
    return Judged(
        promoted=verdict.decision is Decision.BEATS,
        why=told(verdict, theirs.model, standing),
        candidate=recipe,
        champion=theirs,
        champion_is=standing,
        verdict=verdict,
        window_from=shown(parted.window.at),
        window_to=shown(parted.window.until),
        cases=candidate.evaluation.cases,
    )


def told(verdict: Verdict, champion: str, standing: Standing) -> str:
    """The decision in a sentence."""
    found = {Decision.BEATS: "better than", Decision.LOSES: "worse than", Decision.UNDECIDED: "not shown to beat"}
    difference = verdict.difference
    whom = {"as it is": "the champion", "made again": "the champion's recipe", "popularity": "popularity"}[standing]
    return (
        f"{verdict.measure}@{verdict.k} {verdict.candidate.value:.4f}, {found[verdict.decision]} {whom} ({champion}, "
        f"{verdict.reference.value:.4f}): {difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
    )


def _reference(champion: Path | None, parted: Split, plan: Plan, around: Around) -> tuple[Standing, Recipe, Scored]:
    if champion is None:
        return "popularity", POPULARITY, measure(POPULARITY, parted, plan, around)[1]
    recipe = recipe_of(champion)
    if has_seen(champion, parted):
        return "made again", recipe, measure(recipe, parted, plan, around)[1]
    return "as it is", recipe, scored_on(load_artifact(champion), parted, plan, around)
