"""`python -m ml.measure.ease VISITS TEST`: EASE on files of visits: how long learning takes, and how fast it answers.

Every answer is for one visit, as a request asks for it, with the 20 best of the whole catalogue, in one thread.
"""

import argparse
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..interactions import Dataset
from ..model import Context
from ..models.ease import Ease
from ..sources.sessions_file import read_continuations, read_sessions

K = 20
ASKED = 5_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("visits", type=Path)
    parser.add_argument("test", type=Path, help="visits up to a point, with what came next")
    parser.add_argument("--most-items", type=int, default=10_000)
    parser.add_argument("--l2", type=float, default=100.0)
    parser.add_argument("--keep", type=Path, help="where what was learned is kept: asked again from there")
    options = parser.parse_args(arguments)
    data = read_sessions(options.visits)
    model = _learned(data, options.most_items, options.l2, options.keep)
    known = read_continuations(options.test, data.items).known
    # Every twelfth or so, so that all of the file's days are among them.
    asked = known[:: max(len(known) // ASKED, 1)]
    took, right = np.empty((len(asked), 2)), 0
    for number, (before, then) in enumerate(asked):
        begun = time.perf_counter(), time.thread_time()
        ranked = model.recommend([Context(session=before)], K)
        took[number] = time.perf_counter() - begun[0], time.thread_time() - begun[1]
        right += then in ranked.items[0]
    by_clock, of_core = np.percentile(took, 99, axis=0) * 1_000
    print(f"{len(asked) / took[:, 1].sum():,.0f} answers/s of a core; P@20 {right / len(asked):.1%}")
    print(f"p99 {by_clock:.2f} ms by the clock, {of_core:.2f} ms of a core")


def _learned(data: Dataset, most_items: int, l2: float, keep: Path | None) -> Ease:
    """Fitted here, or kept from before."""
    if keep and keep.is_dir():
        return Ease.load(keep)
    model = Ease(l2=l2, power=0.0, together="sessions", most_items=most_items)
    started = time.perf_counter(), time.process_time()
    model.fit(data)
    by_clock, of_cores = time.perf_counter() - started[0], time.process_time() - started[1]
    print(
        f"{len(data.items)} items, {len(data)} clicks, {most_items} items learned from: {by_clock:.0f} s, "
        f"{of_cores:.0f} s of a core, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024:,.0f} MiB at most",
        flush=True,
    )
    if keep:
        keep.mkdir(parents=True)
        model.save(keep)
    return model


if __name__ == "__main__":
    main()
