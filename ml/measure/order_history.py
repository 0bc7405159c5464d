"""`python -m ml.measure.order_history FILE`: models on real order history, beside the library `implicit`.

The last 30 days are held out. Parameters are chosen on the 30 days before, by the same number of trials for each model
and apart for both settings, with and without repeat purchases; each of the chosen models then learns from everything
before the last 30 days, in a process of its own with one thread. Customers who bought before and within the window are
asked for; everything in the catalogue is ranked.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..evaluation.bootstrap import Interval, Resampled, resample
from ..evaluation.cases import Cases
from ..evaluation.measures import found, ndcg, recall
from ..evaluation.split import DAY_MS, Split, Task, last_window, split, validation
from ..interactions import NOBODY, Dataset
from ..sources.order_history import read_order_history
from .contenders import OURS, SEED, SLOW, THEIRS, K, Parameters, contender
from .tuning import Month, best, tried

WINDOW_DAYS = 30
TRIALS = 30
"""Of each model."""
USUAL = [name for name in (*THEIRS, *OURS) if name not in SLOW]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Result(msgspec.Struct, frozen=True):
    """One model on one window."""

    name: str
    parameters: dict[str, Any]
    ndcg: Interval
    recall: Interval
    training_s: float
    """Of the process's own time, with one thread: whatever else the machine does."""
    memory_mib: float
    """The most that was used while it learned, beyond what was used before."""
    cases: int
    only_new: bool
    """Whether what the customer bought before counts for nothing."""
    drawn: list[tuple[float, float]]
    """Both figures of the bootstrap's resamples, the same customers for every model: two of them can be subtracted."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="order history in the columns of UCI's Online Retail")
    parser.add_argument("--only", nargs="*", default=USUAL, help="these models")
    parser.add_argument("--window", choices=("test", "validation"), default="test")
    parser.add_argument("--trials", type=int, default=TRIALS, help="of each model's parameters")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep trials here, and go on from what it has")
    parser.add_argument("--one", metavar="JSON", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        asked = json.loads(options.one)
        print(msgspec.json.encode(measured(options.file, options.window, **asked)).decode())
        return
    chosen = {name: tuned(options.file, name, options.trials, options.keep) for name in options.only}
    for only_new in (False, True):
        results = [apart(options.file, options.window, name, chosen[name][only_new], only_new) for name in chosen]
        print(shown(results), "", differences(results), "", sep="\n", flush=True)


def tuned(file: Path, name: str, trials: int, keep: Path | None) -> tuple[Parameters, Parameters]:
    """The parameters that are best on the validation month with repeat purchases, and without."""
    month = _month(file)
    found = tried(month, name, trials, keep)
    return best(found, only_new=False).parameters, best(found, only_new=True).parameters


@cache
def _month(file: Path) -> Month:
    repeats, new = (parts_of(file, "validation", only_new=only_new) for only_new in (False, True))
    return Month(repeats.train, known_customers(repeats.cases), known_customers(new.cases))


def apart(file: Path, window: str, name: str, parameters: Parameters, only_new: bool) -> Result:
    """`measured` in a process of its own."""
    asked = json.dumps({"name": name, "parameters": parameters, "only_new": only_new})
    command = [sys.executable, "-m", "ml.measure.order_history", str(file), "--window", window, "--one", asked]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **ONE_THREAD})
    return msgspec.json.decode(answer.stdout, type=Result)


def measured(file: Path, window: str, name: str, parameters: Parameters, only_new: bool) -> Result:
    """Fit, ask, and compare with what was bought."""
    parted = parts_of(file, window, only_new=only_new)
    model, train, cases = contender(name, parameters), parted.train, known_customers(parted.cases)
    del parted
    before, started = _peak_from_now_mib(), time.process_time()
    model.fit(train)
    training_s, memory_mib = time.process_time() - started, _peak_mib() - before
    hits = found(model.lists(cases), cases.truths)
    resampled = resample(np.concatenate((ndcg(hits, [10]), recall(hits, [K])), axis=1), cases.group, SEED)
    at_10, at_20 = resampled.intervals()
    drawn = [(round(ndcg_10, 6), round(recall_20, 6)) for ndcg_10, recall_20 in resampled.drawn.tolist()]
    return Result(name, dict(parameters), at_10, at_20, training_s, memory_mib, len(cases), only_new, drawn)


def parts_of(file: Path, window: str, *, only_new: bool) -> Split:
    """Purchases of customers who are known, divided at the last 30 days or at the 30 days before."""
    data = _read(file)
    parted = split(data, Task.BASKET, last_window(data, WINDOW_DAYS * DAY_MS), only_new=only_new)
    return validation(parted) if window == "validation" else parted


@cache
def _read(file: Path) -> Dataset:
    data = read_order_history(file)
    return data.where(data.customer != NOBODY)


def known_customers(cases: Cases) -> Cases:
    """Those who bought something before, too."""
    return cases.of(np.array([number for number, context in enumerate(cases.contexts) if context.history], np.int64))


def shown(results: Sequence[Result]) -> str:
    """A table in Markdown; time and memory as multiples of those of implicit's ALS, where it was measured."""
    als = next((result for result in results if result.name == "implicit ALS"), None)
    what = "without repeat purchases" if results[0].only_new else "repeat purchases count"
    lines = [
        f"{results[0].cases} customers, {what}, seed {SEED}",
        "| model | NDCG@10 | Recall@20 | training | of ALS's | memory | of ALS's | parameters |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in sorted(results, key=lambda result: result.ndcg.value):
        time_ratio = f"{each.training_s / als.training_s:.2f}" if als else ""
        memory_ratio = f"{each.memory_mib / max(als.memory_mib, 1):.2f}" if als else ""
        cells = (
            *(each.name, _interval(each.ndcg), _interval(each.recall)),
            *(f"{each.training_s:.1f} s", time_ratio, f"{each.memory_mib:.0f} MiB", memory_ratio),
            json.dumps(each.parameters),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def differences(results: Sequence[Result]) -> str:
    """How much better the first of our models is than each other one, paired over customers."""
    ours = [result for result in results if result.name not in THEIRS]
    if not ours:
        return ""
    first = max(ours, key=lambda result: result.ndcg.value)
    lines = []
    for other in sorted(results, key=lambda result: -result.ndcg.value):
        if other is not first:
            at_10, at_20 = _resampled(first).less(_resampled(other)).intervals()
            lines.append(f"{first.name} less {other.name}: NDCG@10 {_interval(at_10)}, Recall@20 {_interval(at_20)}")
    return "\n".join(lines)


def _resampled(result: Result) -> Resampled:
    return Resampled(np.array([result.ndcg.value, result.recall.value]), np.array(result.drawn))


def _interval(interval: Interval) -> str:
    return f"{interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


def _peak_from_now_mib() -> float:
    """Forget the peak of reading the file: what was freed is given back, and Linux counts anew from what is left."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak_mib()


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
