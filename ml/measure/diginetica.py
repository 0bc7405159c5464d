"""What models of visits reach on the Diginetica test set: `python -m ml.measure.diginetica session-knn item-knn`.

A model is named as in the library, with parameters after a colon (`item-knn:decay=0`). Each is trained, asked and timed
in a process of its own with one thread, so that memory and time are its own.
"""

import json
import os
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from ..evaluation.bootstrap import resample
from ..evaluation.cases import Cases, next_item_cases
from ..evaluation.measures import found, hit_rate, mrr
from ..interactions import Dataset, Items
from ..model import Context, Model
from ..models.library import make_model
from ..sources.sessions_file import Continued, continuations, read_continuations, read_sessions

DATA = Path(os.environ.get("DOORBUSTER_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "behaviour"
TRAIN = "diginetica_train_sessions.txt.gz"
TEST = "diginetica_test.txt.gz"
MODELS = (
    "popularity",
    "item-knn:decay=0",
    "item-knn",
    "sequential-rules:decay=0,backwards=0,normed=false",
    "sequential-rules",
    "session-knn",
)
"""Measured where none is named; those with `decay=0` look at the last item only, as the published baselines do."""
K = 20
BATCH = 16
TIMED = 2_000
"""Contexts whose answers are timed, one by one and in batches."""
WARM = 50
"""Contexts asked before that."""
VALIDATED = 0.1
"""The last share of the training visits, for choosing parameters."""
SEED = 0


class Task(NamedTuple):
    """One model to measure."""

    named: str
    data: Path
    every: int
    """Only every so manyth test case."""
    validate: bool
    """On the last training visits, learning from those before them, instead of on the test file."""


@click.command()
@click.argument("models", nargs=-1)
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), default=DATA, help=f"Has {TRAIN} and {TEST}.")
@click.option("--every", type=click.IntRange(1), default=1, help="Measure only every so manyth case.")
@click.option("--validate", is_flag=True, help="On the last tenth of the training visits instead of the test file.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON per model instead of a table.")
def main(models: Sequence[str], data: Path, every: int, validate: bool, as_json: bool) -> None:
    """Train MODELS on Diginetica's visits and print P@20 and MRR@20 with intervals, time and memory."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    if not as_json:
        click.echo("| model | P@20 | MRR@20 | trained | peak memory | one by one, per core | batches of 16, per core |")
        click.echo("|---|---|---|---|---|---|---|")
    for named in models or MODELS:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            figures = process.submit(measure, Task(named, data, every, validate)).result()
        click.echo(json.dumps(figures) if as_json else shown(figures))


def measure(task: Task) -> dict[str, Any]:
    """Train and ask one model. Raises DataRefused, ModelUnknown, ParameterRefused."""
    learned, asked = divided(task.data, validate=task.validate)
    model = named_model(task.named)
    began = time.perf_counter()
    model.fit(learned)
    trained_s = time.perf_counter() - began
    cases = cases_of(learned.items, asked)
    cases = cases.of(np.arange(0, len(cases), task.every))
    return {
        "model": task.named,
        "cases": len(cases),
        **accuracy(model, cases),
        "trained_s": round(trained_s, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000),
        **speed(model, cases.contexts[:: max(1, len(cases) // TIMED)]),
    }


def divided(directory: Path, *, validate: bool) -> tuple[Dataset, Sequence[Continued]]:
    """What is learned from, and what is asked."""
    data = read_sessions(directory / TRAIN)
    if not validate:
        return data, read_continuations(directory / TEST, data.items).known
    cut = int((data.session[-1] + 1) * (1 - VALIDATED))
    learned = data.where(data.session < cut)
    in_it = np.zeros(len(data.items), bool)
    in_it[learned.item] = True
    later = continuations(data.where((data.session >= cut) & in_it[data.item]))
    return learned, later


def named_model(named: str) -> Model:
    """Of `name:key=value,key=value`; values are JSON, or else text."""
    name, _, listed = named.partition(":")
    pairs = [part.partition("=") for part in listed.split(",") if part]
    return make_model(name, {key: _value(text) for key, _, text in pairs})


def cases_of(items: Items, asked: Sequence[Continued]) -> Cases:
    """Cases with their visits: a test file has the points of one visit next to each other."""
    new = [here.before != last.before[:-1] and here.before[:-1] != last.before for last, here in pairwise(asked)]
    return replace(next_item_cases(items, asked), group=np.concatenate(([0], np.cumsum(new))))


def accuracy(model: Model, cases: Cases) -> dict[str, Any]:
    """Hit rate (what papers on visits call P) and MRR of full rankings, with intervals over visits."""
    lists = np.concatenate(
        [model.recommend(cases.contexts[start : start + 1_024], K).items for start in range(0, len(cases), 1_024)]
    )
    hits = found(lists, cases.truths)
    figures = np.concatenate((hit_rate(hits, [K]), mrr(hits, [K])), axis=1)
    intervals = resample(figures, cases.group, SEED).intervals()
    return {
        name: [round(100 * figure, 2) for figure in (interval.value, interval.low, interval.high)]
        for name, interval in zip(("hit_rate", "mrr"), intervals, strict=True)
    }


def speed(model: Model, contexts: Sequence[Context]) -> dict[str, float]:
    """By the clock, and in the process's own time, which doesn't count what else the machine does meanwhile."""
    model.recommend(contexts[:WARM], K)
    batches = [contexts[start : start + BATCH] for start in range(0, len(contexts), BATCH)]
    one, one_own = _seconds(model, [[context] for context in contexts])
    many, many_own = _seconds(model, batches)
    return {
        "per_core_second": round(len(contexts) / one_own.sum()),
        "p50_ms": _ms(one, 50),
        "p99_ms": _ms(one, 99),
        "p99_own_ms": _ms(one_own, 99),
        "batches_per_core_second": round(len(contexts) / many_own.sum()),
        "batch_p99_ms": _ms(many, 99),
        "batch_p99_own_ms": _ms(many_own, 99),
    }


def shown(figures: dict[str, Any]) -> str:
    def interval(name: str) -> str:
        value, low, high = figures[name]
        return f"{value:.2f} ({low:.2f} to {high:.2f})"

    return (
        f"| `{figures['model']}` | {interval('hit_rate')} | {interval('mrr')} "
        f"| {figures['trained_s']:.1f} s | {figures['peak_mb']} MB "
        f"| {figures['per_core_second']:,}/s, p99 {figures['p99_ms']:.1f} ms ({figures['p99_own_ms']:.1f}) "
        f"| {figures['batches_per_core_second']:,}/s, p99 {figures['batch_p99_ms']:.1f} ms "
        f"({figures['batch_p99_own_ms']:.1f}) |"
    )


def _seconds(model: Model, calls: Sequence[Sequence[Context]]) -> NDArray[np.float64]:
    """What each call took, by the clock, and of the process's own time."""
    took = np.empty((2, len(calls)))
    for number, contexts in enumerate(calls):
        began = time.perf_counter(), time.process_time()
        model.recommend(contexts, K)
        took[:, number] = time.perf_counter() - began[0], time.process_time() - began[1]
    return took


def _ms(seconds: NDArray[np.float64], percentile: int) -> float:
    return round(1_000 * float(np.percentile(seconds, percentile)), 2)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main()
