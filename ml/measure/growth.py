"""How training grows with the data: `python -m ml.measure.growth sessions:FILE --chart FILE.png`.

The data grow in two ways: `wider`, with as many more items as visits (each copy has a catalogue of its own), and
`denser`, more visits to the same items (drawn with replacement; a fifth of their items replaced by the popularity of
all). Each fit is a process of its own: its processor time, and the most memory it had less what it had with the data.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from ..interactions import Dataset, Items, dataset_of
from ..models.library import make_model
from ..sources.open import open_source

Way = Literal["wider", "denser"]
WAYS: tuple[Way, ...] = ("wider", "denser")
TIMES = (1, 2, 4, 8)
MODELS = ("item-knn", "session-knn", "sequential-rules")
REPLACED = 0.2
MIB = 1 << 20


class Fitted(NamedTuple):
    """One fit."""

    model: str
    way: str
    times: int
    interactions: int
    items: int
    cpu_s: float
    data_mib: float
    """Of the process with the data, before the fit."""
    peak_mib: float


def grown(data: Dataset, times: int, way: Way, seed: int = 0) -> Dataset:
    """So many times the data, with the same distributions."""
    count, visits = len(data.items), int(data.session.max()) + 1
    copies = range(times)
    session = np.concatenate([data.session + copy * visits for copy in copies])
    at = np.concatenate([data.at] * times)
    if way == "wider":
        skus = [f"{sku}-{copy}" for copy in copies for sku in data.items.skus]
        item = np.concatenate([data.item.astype(np.int64) + copy * count for copy in copies])
        return dataset_of(Items(skus), item.astype(np.int32), at, session=session)
    dice = np.random.default_rng(seed)
    item = np.concatenate([data.item] * times)
    swapped = dice.random(len(item)) < REPLACED
    swapped[: len(data)] = False
    item[swapped] = dice.choice(data.item, int(swapped.sum()))
    return dataset_of(data.items, item, at, session=session)


def measured(source: str, model: str, times: int, way: Way) -> Fitted:
    """Fit in this process."""
    data = grown(open_source(source, now=0), times, way)
    made = make_model(model)
    _ = data.by_session
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    began = time.process_time()
    made.fit(data)
    took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    return Fitted(model, way, times, len(data), len(data.items), round(took, 3), round(before, 1), round(peak, 1))


def slope(fits: Sequence[Fitted]) -> float:
    """The exponent of the time's growth: 1 is linear."""
    sizes = np.log([fit.interactions for fit in fits])
    return float(np.polyfit(sizes, np.log([max(fit.cpu_s, 1e-3) for fit in fits]), 1)[0])


def chart(fits: Sequence[Fitted], file: Path) -> None:
    """Time and memory over the number of interactions, both axes logarithmic."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (times, memory) = pyplot.subplots(1, 2, figsize=(9, 3.6))
    for model in dict.fromkeys(fit.model for fit in fits):
        for way, style in zip(WAYS, ("-", "--"), strict=True):
            line = [fit for fit in fits if (fit.model, fit.way) == (model, way)]
            if not line:
                continue
            x = [fit.interactions / 1e6 for fit in line]
            times.loglog(x, [fit.cpu_s for fit in line], style, marker="o", label=f"{model}, {way}")
            memory.loglog(x, [fit.peak_mib for fit in line], style, marker="o")
    times.set(xlabel="million interactions", ylabel="processor seconds", title="Time of training")
    memory.set(xlabel="million interactions", ylabel="MiB", title="Peak memory of the process, with the data")
    times.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(file, dpi=80)
    pyplot.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a line per fit and the slopes, and draw the chart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--times", nargs="+", type=int, default=list(TIMES))
    parser.add_argument("--chart", type=Path)
    parser.add_argument("--one", nargs=3, metavar=("MODEL", "TIMES", "WAY"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        model, times, way = given.one
        print(json.dumps(measured(given.source, model, int(times), way)))
        return
    fits = []
    for model in given.models:
        for way in WAYS:
            line = [_apart(given.source, model, times, way) for times in given.times]
            fits += line
            print(f"{model}, {way}: time grows with the data to the power of {slope(line):.2f}", flush=True)
            if given.chart:
                chart(fits, given.chart)


def _apart(source: str, model: str, times: int, way: Way) -> Fitted:
    command = [sys.executable, "-m", "ml.measure.growth", source, "--one", model, str(times), way]
    fit = Fitted(*json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    print(
        f"{fit.model} {fit.way} x{fit.times}: {fit.interactions:,} interactions, {fit.items:,} items, "
        f"{fit.cpu_s:.1f} s, {fit.peak_mib:,.0f} MiB at most ({fit.data_mib:,.0f} with the data)",
        flush=True,
    )
    return fit


if __name__ == "__main__":
    main()
