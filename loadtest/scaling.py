"""What a second host and a second replica bring, and what a purchase costs in each part: `python -m loadtest.scaling`.

Starts the shop in one shape after the other, loads one SKU and then many, and reads each process's CPU time before and
after. Writes table, chart and raw figures below `--out`, and with `--docs` the results part of a page.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

from .bench import format_duration, positive
from .commands import exit_status, fill_results
from .errors import LoadTestError
from .machine import describe_machine, describe_versions
from .measurement import Measurement, median_of
from .processes import SCRATCH
from .shop import Shop, order_body, start_shop
from .wrk import Target, drive, require_wrk

CONNECTIONS = 64
SPREAD_SKUS = 64
UNITS_PER_SKU = 1_000_000
WARM_UP_S = 2.0
COMMAND = "python -m loadtest.scaling --docs"
CHART_DOTS_PER_INCH = 150
MARK = "DOORBUSTER_RUN"
"""The variable by which a shop's processes are known, wherever they are moved."""
MICROSECONDS = 1e6

PARTS = {
    "HAProxy": "haproxy -db",
    "replicas": "ray::ServeReplica:doorbuster",
    "hosts": "ray::HostActor",
    "directory": "ray::DirectoryActor",
}
"""Part -> what its processes' command lines contain; everything else that the shop runs is Ray's own."""
RAY = "Ray"
COLOURS = {"HAProxy": "#8d99ae", "replicas": "#2a6f97", "hosts": "#d1495b", "directory": "#edae49", RAY: "#d9dde5"}


@dataclass(frozen=True)
class Shape:
    """One way to lay the shop out: no hosts means that the one replica hosts all shards itself."""

    hosts: int
    replicas: int

    @property
    def name(self) -> str:
        if not self.hosts:
            return "1 process"
        return f"{self.hosts} host{'s' * (self.hosts > 1)}, {self.replicas} replica{'s' * (self.replicas > 1)}"

    @property
    def options(self) -> tuple[str, ...]:
        placement = ("--hosts", str(self.hosts), "--replicas", str(self.replicas)) if self.hosts else ()
        return ("--demo-products", "0", *placement)


SHAPES = (Shape(0, 1), Shape(1, 1), Shape(2, 1), Shape(1, 2), Shape(2, 2))


@dataclass
class Figures:
    """What one shape did under one load; CPU time in microseconds per purchase, by part, one number per round."""

    shape: str
    load: str
    rounds: list[Measurement] = field(default_factory=list)
    cpu_us: dict[str, list[float]] = field(default_factory=dict)

    @property
    def rate_per_s(self) -> float:
        return median_of(self.rounds).rate_per_s

    def cpu_of(self, part: str) -> float:
        """The median over the rounds; 0 for a part that this shape doesn't have."""
        found = sorted(self.cpu_us.get(part, [0.0]))
        return found[len(found) // 2]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    options = parse(argv)

    def work() -> int:
        require_wrk()
        figures = measure_all(options.seconds, options.rounds)
        write(figures, options.seconds, options.rounds, options.out, options.docs)
        return 0

    return exit_status("scaling", work)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.scaling", description=__doc__)
    parser.add_argument("--rounds", type=positive, default=3, help="how often each shape takes its turn (3)")
    parser.add_argument("--seconds", type=positive, default=5, help="length of one measurement (5)")
    parser.add_argument("--out", type=Path, default=Path("var/scaling"), help="where results go (var/scaling)")
    parser.add_argument("--docs", type=Path, help="a Markdown page whose results part is replaced")
    return parser.parse_args(argv)


def measure_all(seconds: int, rounds: int) -> list[Figures]:
    """Every shape takes its turn in every round, alone on the machine."""
    begun = datetime.now(UTC)
    found = {(shape.name, load): Figures(shape.name, load) for shape in SHAPES for load in ("one SKU", "many SKUs")}
    for number in range(1, rounds + 1):
        for shape in SHAPES:
            passed = format_duration((datetime.now(UTC) - begun).total_seconds())
            print(f"[{passed}] round {number}/{rounds}  {shape.name}", file=sys.stderr, flush=True)
            with running(shape) as (shop, run_id):
                for load, target in targets(shop).items():
                    drive(target, CONNECTIONS, WARM_UP_S)
                    take(found[shape.name, load], target, run_id, seconds)
    return list(found.values())


@contextmanager
def running(shape: Shape) -> Iterator[tuple[Shop, str]]:
    """A new shop of this shape, with stock; and the mark of its processes."""
    workspace = Path(tempfile.mkdtemp(prefix="scaling-", dir=SCRATCH))
    try:
        process, shop = start_shop(workspace / "data", workspace / "shop.log", options=shape.options)
        try:
            for number in range(SPREAD_SKUS):
                shop.put_product(f"CLOCK-{number:03}", "Retro clock")
                shop.receive(f"CLOCK-{number:03}", UNITS_PER_SKU)
            yield shop, json.loads((workspace / "data" / "run.json").read_text())["id"]
        finally:
            process.stop()
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def targets(shop: Shop) -> dict[str, Target]:
    """The two loads: everyone wants the same, or each something else."""
    url = f"{shop.url}/v1/orders"
    return {
        "one SKU": Target(url, "POST", json.dumps(order_body(["CLOCK-000"])), 201),
        "many SKUs": Target(url, "POST", json.dumps(order_body(["CLOCK-@@@"])), 201, SPREAD_SKUS),
    }


def take(figures: Figures, target: Target, run_id: str, seconds: int) -> None:
    before = cpu_seconds(run_id)
    measured = drive(target, CONNECTIONS, seconds)
    after = cpu_seconds(run_id)
    purchases = measured.statuses.get(target.counted_status, 0)
    if not purchases:
        raise LoadTestError(f"{figures.shape}: nothing was sold, but {dict(measured.statuses)} answered")
    figures.rounds.append(measured)
    for part, spent in after.items():
        figures.cpu_us.setdefault(part, []).append((spent - before.get(part, 0.0)) / purchases * MICROSECONDS)


def cpu_seconds(run_id: str) -> Mapping[str, float]:
    """CPU time that the shop's processes have taken since they began, by part."""
    spent: dict[str, float] = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) != run_id:
                continue
            command = " ".join(process.cmdline())
            times = process.cpu_times()
        except psutil.Error:  # gone meanwhile
            continue
        part = next((part for part, words in PARTS.items() if words in command), RAY)
        spent[part] = spent.get(part, 0.0) + times.user + times.system
    return spent


def write(figures: list[Figures], seconds: int, rounds: int, out: Path, docs: Path | None) -> None:
    """Write scaling.md, scaling.json and scaling.png below `out`, fill the page `docs`, print the table."""
    out.mkdir(parents=True, exist_ok=True)
    page = markdown(figures, seconds, rounds)
    (out / "scaling.md").write_text(page)
    (out / "scaling.json").write_text(json.dumps([asdict(each) for each in figures], indent=2) + "\n")
    draw_chart(figures, out / "scaling.png")
    if docs:
        fill_results(docs, COMMAND, f"{page}\n![CPU time of a purchase by part](scaling.png)")
        draw_chart(figures, docs.with_suffix(".png"))
    print(page)


def markdown(figures: list[Figures], seconds: int, rounds: int) -> str:
    machine, versions = describe_machine(), describe_versions()
    parts = [*PARTS, RAY]
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {CONNECTIONS} connections, {rounds} rounds of {seconds} s, medians; "
        f"driver and shop share the machine: {machine['processor']}, {machine['memory']}; {machine['disk']}; "
        f"Doorbuster {versions.get('Doorbuster', 'unknown')}.",
        "",
        f"| shape | load | purchases/s | p50 / p99 ms | CPU us per purchase | {' | '.join(parts)} |",
        "|---|---|---|---|---|" + "---|" * len(parts),
    ]
    for each in figures:
        median = median_of(each.rounds)
        spent = [each.cpu_of(part) for part in parts]
        cells = [
            each.shape,
            each.load,
            f"**{median.rate_per_s:,.0f}**",
            f"{median.p50_ms:.0f} / {median.p99_ms:.0f}",
            *(f"{part:,.0f}" for part in (sum(spent), *spent)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw_chart(figures: list[Figures], file: Path) -> None:
    """A bar per shape and load: the CPU time of a purchase, by part."""
    # Imported here: a measurement must not wait for matplotlib.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 0.45 * len(figures) + 1.4))
    names = [f"{each.shape}: {each.load}" for each in figures]
    left = [0.0] * len(figures)
    for part in [*PARTS, RAY]:
        spent = [each.cpu_of(part) for each in figures]
        axes.barh(names, spent, left=left, label=part, color=COLOURS[part])
        left = [start + width for start, width in zip(left, spent, strict=True)]
    for place, each in enumerate(figures):
        axes.annotate(f" {each.rate_per_s:,.0f}/s", (left[place], place), va="center", fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("CPU time of a purchase, microseconds; at the end: purchases per second")
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, dpi=CHART_DOTS_PER_INCH)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
