"""One training, from data to an artifact: read, split by time, fit, measure on what came later, fit on all, write.

What is measured was fitted on what came before the window; what is kept was fitted again on everything, with the same
parameters. The artifact's directory appears whole or not at all.
"""

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..artifact import REPORT, Artifact, write_artifact
from ..errors import ParameterRefused
from ..evaluation.bootstrap import RESAMPLES
from ..evaluation.evaluate import KS, Scored, evaluate, question_of
from ..evaluation.figures import Evaluation, write_json
from ..evaluation.leakage import Fitted, check
from ..evaluation.split import Split, Task, last_window, shown, split
from ..interactions import NOBODY, Dataset, Did
from ..model import Model
from ..workplace import DRAFT, workplace
from .fitting import Fit, Fitting, Recipe, fit_here
from .progress import Told, untold

METRICS = "metrics.json"
PACKAGES = ("doorbuster", "numpy", "scipy", "scikit-learn", "implicit", "ray")
MOST_GROUPS = 20_000
"""Sessions or customers that are asked for at most: more make the intervals hardly narrower."""


@dataclass(frozen=True)
class Plan:
    """How a model is trained and measured."""

    recipe: Recipe
    task: Task | None = None
    """By default what the data are of: sessions, or baskets of customers."""
    window_ms: int | None = None
    """The last stretch, which is predicted; by default that of the last tenth of all interactions."""
    seed: int = 0
    refit: bool = True
    """Whether what is kept has learned from the window, too, after it was measured."""
    report: bool = True
    """Whether a card with charts is made: two seconds."""
    resamples: int = RESAMPLES
    most_groups: int = MOST_GROUPS


@dataclass(frozen=True)
class Trained:
    """What a training made."""

    directory: Path
    artifact: Artifact
    evaluation: Evaluation


@dataclass(frozen=True)
class Around:
    """What a training is done with, besides its plan."""

    now: datetime
    fitting: Fitting = fit_here
    told: Told = untold
    commit: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    """Noted of the source, such as by which search the parameters were found."""


def train(plan: Plan, data: Dataset, out: Path, around: Around) -> Trained:
    """Train into the directory `out`, which must not be there yet. Raises NotEnoughData, ModelUnknown,
    ParameterRefused, Leaked, and OSError where it can't be written."""
    if out.exists():
        raise ParameterRefused(f"{out} is there already: name another directory, or remove it.")
    plan = seeded(plan)
    with drafted(out) as draft:
        parted = parted_by(plan, data)
        measured, scored = measure(plan.recipe, parted, plan, around)
        artifact = finish(draft, measured, parted, scored, plan, data, around)
    return Trained(out, artifact, scored.evaluation)


def finish(
    draft: Path, measured: Fit, parted: Split, scored: Scored, plan: Plan, data: Dataset, around: Around
) -> Artifact:
    """Write the artifact of a model that was measured, fitted again on all the data where the plan wants that."""
    kept = measured
    if plan.refit:
        with around.told(f"Fitting {plan.recipe.model} on all {len(data):,} interactions") as done:
            kept = around.fitting(plan.recipe, data, done)
    learned = data if plan.refit else parted.train
    with around.told("Writing the artifact"):
        return _written(draft, kept, learned, scored.evaluation, plan, around)


def parted_by(plan: Plan, data: Dataset) -> Split:
    """The data divided as the plan wants it. Raises NotEnoughData."""
    window = last_window(data, plan.window_ms)
    return split(data, plan.task or task_of(data), window)


def measure(recipe: Recipe, parted: Split, plan: Plan, around: Around) -> tuple[Fit, Scored]:
    """A model of what came before the window, and how good it is in it."""
    with around.told(f"Fitting {recipe.model} on {len(parted.train):,} interactions") as done:
        fit = around.fitting(recipe, parted.train, done)
    check(Fitted(parted.train), parted)
    return fit, scored_on(fit.model, parted, plan, around)


def scored_on(model: Model, parted: Split, plan: Plan, around: Around) -> Scored:
    """How good a fitted model is in the window; that it has seen nothing of it is the caller's to check."""
    question = question_of(parted, ks=KS, seed=plan.seed, resamples=plan.resamples)
    question = question.of(question.cases.sampled(plan.most_groups, plan.seed))
    with around.told(f"Asking {model.name} in {len(question.cases):,} cases") as done:
        return evaluate(model, question, done)


def task_of(data: Dataset) -> Task:
    """Whether visits are to be continued, or customers' next purchases to be foretold."""
    only_purchases = bool((data.did == Did.PURCHASE).all()) and bool((data.customer != NOBODY).any())
    return Task.BASKET if only_purchases else Task.NEXT_ITEM


def seeded(plan: Plan) -> Plan:
    """The same plan, with its seed among the model's parameters where the model has one."""
    from ..models.library import make_model

    model = make_model(*plan.recipe)
    if "seed" not in model.parameters or "seed" in plan.recipe.parameters:
        return plan
    recipe = Recipe(plan.recipe.model, {**plan.recipe.parameters, "seed": plan.seed})
    return replace(plan, recipe=recipe)


@contextmanager
def drafted(out: Path) -> Iterator[Path]:
    """A directory that becomes `out` when the block ends well, and is gone otherwise."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with workplace(out.parent, DRAFT) as work:
        draft = work / out.name
        draft.mkdir(mode=0o755)
        yield draft
        os.rename(draft, out)


def _written(draft: Path, fit: Fit, learned: Dataset, evaluation: Evaluation, plan: Plan, around: Around) -> Artifact:
    write_json(evaluation, draft / METRICS)
    if plan.report:
        from ..evaluation.card import write_card

        write_card(evaluation, draft / REPORT)
    about = Artifact(
        model=plan.recipe.model,
        trained_at=around.now.astimezone(UTC).isoformat(timespec="seconds"),
        training_s=round(fit.seconds, 3),
        seed=plan.seed,
        source={**learned.source, **window_of(learned, evaluation), **around.more},
        interactions=len(learned),
        fingerprint=learned.fingerprint,
        commit=around.commit,
        metrics=evaluation.flat(),
        baseline=_baseline(evaluation),
        versions=versions(),
    )
    return write_artifact(draft, fit.model, about)


def window_of(learned: Dataset, evaluation: Evaluation) -> Mapping[str, str]:
    """What the model has learned from, and what it was measured by, for people and for the next comparison."""
    return {
        "from": shown(int(learned.at[0])),
        "to": shown(int(learned.at[-1])),
        "asked_from": evaluation.data.asked_from,
        "asked_to": evaluation.data.asked_to,
    }


def versions() -> Mapping[str, str]:
    """Of what the model was made with."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _baseline(evaluation: Evaluation) -> dict[str, float]:
    return {
        f"{measure}_at_{k}": interval.value
        for measure, each in evaluation.baseline.items()
        for k, interval in zip(evaluation.ks, each, strict=True)
    }
