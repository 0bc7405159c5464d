"""Hyperparameters by Ray Tune: each trial is a task that fits a model and measures it on the last stretch of what may
be learned from. The window by which the model is judged in the end is never looked at.

The model's own defaults are the first trial; the others are drawn. A trial is measured on a tenth of the interactions
first (the latest), then a third, then all: those behind after a tenth are given up (ASHA; Li et al., A System for
Massively Parallel Hyperparameter Tuning, 2020). A search that was killed goes on when it is asked for again.
"""

import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from ..errors import NotEnoughData, ParameterRefused, SearchFailed
from ..evaluation.evaluate import evaluate, question_of
from ..evaluation.split import Split, validation
from ..interactions import Dataset
from ..model import Model
from ..models.library import make_model, model_class
from .blocks import ONE_CPU, Resources
from .fitting import Recipe, send_along
from .job import Around, Plan, parted_by, seeded
from .progress import Done
from .spaces import Space, Value, drawn, space_of

PARTS = (0.1, 0.3, 1.0)
"""Of the interactions, that a trial learns from one after the other."""
REDUCTION = 3
"""Of so many trials one goes on."""
STATE_EVERY_S = "1"
"""How often Tune writes down how far it is."""
LOOK_EVERY_S = 0.5
RESAMPLES = 20
"""Nobody reads a trial's intervals."""
SCORE, DONE, NUMBER = "score", "training_iteration", "number"


@dataclass(frozen=True)
class Search:
    """How far to look. It ends with the first of both budgets that is used up."""

    trials: int = 20
    minutes: float = 0.0
    """0: no bound."""
    asha: bool = True
    """Whether trials are given up that are behind; otherwise each learns from everything at once."""
    measure: str = "ndcg"
    k: int = 20
    most_groups: int = 2_000
    """Sessions or customers that a trial is asked for."""
    at_once: int = 0
    """Trials at the same time; 0: as many as there are CPUs."""
    resources: Resources = ONE_CPU


class Best(msgspec.Struct, frozen=True):
    """What a search found."""

    recipe: Recipe
    score: float
    trials: int
    whole: int
    """Trials that weren't given up."""


@dataclass(frozen=True)
class Asked:
    """What all trials have in common."""

    search: Search
    fixed: Mapping[str, Value]
    space: Space
    seed: int

    def parameters(self, number: int) -> Mapping[str, Value]:
        """Of one trial: the model's own in the first, drawn by the trial's number in all others. So a search that goes
        on tries what it would have tried."""
        return {**self.fixed, **(drawn(self.space, [self.seed, number]) if number else {})}


class Identity(msgspec.Struct, frozen=True):
    """What a search is of: it goes on only where this is the same."""

    model: str
    fixed: Mapping[str, Value]
    space: str
    data: str
    seed: int
    measure: str
    trials: int
    asha: bool

    @property
    def name(self) -> str:
        """Short and the same for the same search."""
        short = self.model.replace(":", "-")
        return f"{short}-{hashlib.sha256(msgspec.json.encode(self, order='sorted')).hexdigest()[:12]}"


def search(plan: Plan, data: Dataset, below: Path, wanted: Search, around: Around) -> tuple[Plan, Best]:
    """The plan with the best parameters that were found; `below` is the directory of searches, on storage that all
    nodes reach. Parameters that the plan names stay as they are. Inside a Ray (see `some_ray`). Raises NotEnoughData,
    ParameterRefused, SearchFailed."""
    plan = seeded(plan)
    space = {name: each for name, each in space_of(plan.recipe.model).items() if name not in plan.recipe.parameters}
    if not space:
        raise ParameterRefused(f"Nobody said which parameters of {plan.recipe.model} to search.")
    inner = validation(parted_by(plan, data))
    identity = Identity(
        plan.recipe.model, plan.recipe.parameters, repr(sorted(space.items())), inner.train.fingerprint, plan.seed,
        f"{wanted.measure}@{wanted.k}", wanted.trials, wanted.asha,
    )  # fmt: skip
    asked = Asked(wanted, plan.recipe.parameters, space, plan.seed)
    with around.told(f"Searching parameters of {plan.recipe.model}") as done:
        results = _tuned(plan.recipe.model, asked, inner, below / identity.name, done)
    best = _best_of(results, plan.recipe.model, asked)
    return replace(plan, recipe=best.recipe), best


def trial(config: Mapping[str, Any], *, model: type[Model], asked: Asked, parted: Split) -> None:
    """What Tune runs: reports a score for each part of the data."""
    from ray import tune

    for part in PARTS if asked.search.asha else PARTS[-1:]:
        tried = model(**asked.parameters(config[NUMBER]))
        tune.report({SCORE: score_of(tried, parted, part, asked.search, asked.seed)})


def score_of(model: Model, parted: Split, part: float, wanted: Search, seed: int) -> float:
    """How good the model is that learned from the latest part of what it may; 0 where that is too little."""
    train = parted.train
    latest = train if part >= 1 else train.where(train.at >= train.at[int(len(train) * (1 - part))])
    try:
        model.fit(latest)
    except NotEnoughData:
        return 0.0
    question = question_of(parted, ks=(wanted.k,), seed=seed, resamples=RESAMPLES)
    question = question.of(question.cases.sampled(wanted.most_groups, seed))
    return evaluate(model, question).evaluation.at(wanted.measure, wanted.k).value


def _tuned(model: str, asked: Asked, parted: Split, directory: Path, done: Done) -> Any:
    from ray import tune

    found = model_class(model)
    send_along(found)
    resources = asked.search.resources
    memory = {"memory": resources.memory_bytes} if resources.memory_bytes else {}
    trainable = tune.with_resources(
        tune.with_parameters(trial, model=found, asked=asked, parted=parted), {"cpu": resources.cpus, **memory}
    )
    os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = STATE_EVERY_S
    with _quiet(), _watched(directory, asked.search.trials, done):
        if tune.Tuner.can_restore(str(directory)):
            tuner = tune.Tuner.restore(str(directory), trainable, restart_errored=True)
        else:
            shutil.rmtree(directory, ignore_errors=True)  # of a search that was killed before it had begun
            tuner = _new(trainable, directory, asked.search)
        return tuner.fit()


def _new(trainable: Any, directory: Path, wanted: Search) -> Any:
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    asha = ASHAScheduler(time_attr=DONE, max_t=len(PARTS), grace_period=1, reduction_factor=REDUCTION)
    return tune.Tuner(
        trainable,
        param_space={NUMBER: tune.grid_search(list(range(wanted.trials)))},
        tune_config=tune.TuneConfig(
            metric=SCORE,
            mode="max",
            scheduler=asha if wanted.asha else None,
            max_concurrent_trials=wanted.at_once or None,
            time_budget_s=wanted.minutes * 60 or None,
        ),
        run_config=tune.RunConfig(name=directory.name, storage_path=str(directory.parent.absolute()), verbose=0),
    )


def _best_of(results: Any, model: str, asked: Asked) -> Best:
    """Of those that learned from everything the best; of equals the first. Raises SearchFailed."""
    parts = len(PARTS) if asked.search.asha else 1
    scored = [result for result in results if SCORE in (result.metrics or {})]
    whole = [result for result in scored if result.metrics[DONE] == parts]
    if not whole:
        reasons = [str(result.error) for result in results if result.error]
        raise SearchFailed(reasons[0].strip().splitlines()[-1] if reasons else "No trial came to its end in time.")
    best = max(whole, key=lambda result: (result.metrics[SCORE], -result.config[NUMBER]))
    parameters = dict(make_model(model, asked.parameters(best.config[NUMBER])).parameters)
    return Best(Recipe(model, parameters), best.metrics[SCORE], len(scored), len(whole))


@contextmanager
def _watched(directory: Path, trials: int, done: Done) -> Iterator[None]:
    """While the block runs, tell how many trials have figures: by their files, as they are there after a restart."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_EVERY_S):
            done(sum(file.stat().st_size > 0 for file in directory.glob("*/result.json")), trials)

    watching = threading.Thread(target=look, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()


@contextmanager
def _quiet() -> Iterator[None]:
    """Ray's hints for whoever writes programs with Tune."""
    loggers = [logging.getLogger(name) for name in ("ray.tune", "ray.train", "ray")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
