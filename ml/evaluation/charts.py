"""The pictures of a model card, as PNG: measures by k, distance to the baseline, segments, what is shown how often."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .bootstrap import Interval
from .measures import ACCURACY, TITLES

if TYPE_CHECKING:
    from .figures import Evaluation

INK, PALE, MODEL, BASELINE, BETTER, WORSE = "#1f2933", "#d9dee4", "#2f6fde", "#8a949e", "#17936b", "#c2412d"
DPI = 110


def charts_of(told: "Evaluation") -> Mapping[str, bytes]:
    """PNGs by file name without its ending, in the order of the card."""
    return {name: _drawn(draw, told, size) for name, (draw, size) in _CHARTS.items()}


def _drawn(draw: Callable[[Any, "Evaluation"], None], told: "Evaluation", size: tuple[float, float]) -> bytes:
    # Without pyplot: it keeps figures for a whole process, and no thread but its own may draw.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure, told)
    sink = io.BytesIO()
    figure.savefig(sink, format="png", metadata={"Software": None})
    return sink.getvalue()


def _measures(figure: Any, told: "Evaluation") -> None:
    """One small picture per measure, each with a scale of its own: they mean different things."""
    grid = figure.subplots(2, 3, sharex=True)
    for axes, name in zip(grid.flat, ACCURACY, strict=True):
        _lines(axes, told.ks, told.baseline[name], BASELINE, "popularity", "s")
        _lines(axes, told.ks, told.measures[name], MODEL, told.model, "o")
        axes.set_title(TITLES[name], loc="left", color=INK, fontsize=11)
        axes.set_xticks(told.ks, [str(k) for k in told.ks])
        axes.set_ylim(bottom=0)
        _style(axes, "y")
    for axes in grid[1]:
        axes.set_xlabel("k, length of the list", color=INK)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside upper right", ncols=2, frameon=False)


def _lines(axes: Any, ks: Sequence[int], intervals: Sequence[Interval], colour: str, label: str, marker: str) -> None:
    axes.fill_between(
        ks, [one.low for one in intervals], [one.high for one in intervals], color=colour, alpha=0.2, lw=0
    )
    values = [one.value for one in intervals]
    axes.plot(ks, values, color=colour, marker=marker, markersize=4, linewidth=2, label=label)


def _above(figure: Any, told: "Evaluation") -> None:
    """Paired differences at the longest k, each with its interval around."""
    axes = figure.subplots()
    names = list(ACCURACY)[::-1]
    axes.axvline(0, color=INK, linewidth=1)
    for place, name in enumerate(names):
        one = told.above_baseline[name][-1]
        colour = BETTER if one.low > 0 else WORSE if one.high < 0 else BASELINE
        axes.plot([one.low, one.high], [place, place], color=colour, linewidth=4, solid_capstyle="butt", alpha=0.45)
        axes.plot(one.value, place, "o", color=colour, markersize=6)
        axes.annotate(
            f"{one.value:+.4f}  ({one.low:+.4f} to {one.high:+.4f})",
            (one.value, place),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
        )
    axes.set_yticks(range(len(names)), [f"{TITLES[name]}@{told.longest}" for name in names])
    axes.set_ylim(-0.6, len(names) - 0.3)
    axes.margins(x=0.2)
    axes.set_xlabel(f"{told.model} less popularity, same cases, {told.confidence:.0%} interval", color=INK)
    _style(axes, "x")


def _segments(figure: Any, told: "Evaluation") -> None:
    names = list(told.segments)
    grid = figure.subplots(1, 3, sharey=True)
    for axes, measure in zip(grid, ("recall", "mrr", "ndcg"), strict=True):
        shown = [told.segments[name].measures[measure] for name in names]
        everything = told.at(measure, told.longest).value
        places = range(len(names))
        around = [[one.value - one.low for one in shown], [one.high - one.value for one in shown]]
        axes.barh(places, [one.value for one in shown], color=MODEL, height=0.62, alpha=0.85)
        axes.errorbar([one.value for one in shown], places, xerr=around, fmt="none", ecolor=INK, capsize=3, lw=1)
        axes.axvline(everything, color=BASELINE, linestyle="--", linewidth=1.2)
        axes.annotate("all", (everything, 1), xycoords=("data", "axes fraction"), xytext=(3, -9),
                      textcoords="offset points", fontsize=8, color=BASELINE)  # fmt: skip
        axes.set_title(f"{TITLES[measure]}@{told.longest}", loc="left", color=INK, fontsize=11)
        axes.set_yticks(places, [f"{name}\n{told.segments[name].cases:,} cases" for name in names])
        axes.set_xlim(left=0)
        _style(axes, "x")
    grid[0].invert_yaxis()


def _spread(figure: Any, told: "Evaluation") -> None:
    """Coverage by k, and the share of places that the most recommended items have."""
    left, right = figure.subplots(1, 2)
    width = 0.38
    for shift, shares, colour, label in (
        (-width / 2, told.coverage, MODEL, told.model),
        (width / 2, told.baseline_coverage, BASELINE, "popularity"),
    ):
        bars = left.bar([place + shift for place in range(len(told.ks))], shares, width, color=colour, label=label)
        left.bar_label(bars, [f"{share:.1%}" for share in shares], fontsize=8, color=INK, padding=2)
    left.set_xticks(range(len(told.ks)), [str(k) for k in told.ks])
    left.set_xlabel("k, length of the list", color=INK)
    left.set_title("Share of the catalogue in any list", loc="left", color=INK, fontsize=11)
    left.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    left.margins(y=0.3)
    left.legend(frameon=False)
    _style(left, "y")
    ranks = [2**power for power in range(len(told.share_by_rank))]
    right.plot(ranks, told.share_by_rank, color=MODEL, linewidth=2, marker="o", markersize=3)
    right.set_xscale("log", base=2)
    right.xaxis.set_major_formatter(lambda rank, _: f"{rank:,.0f}")
    right.set_ylim(0, 1.02)
    right.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    right.set_xlabel("most recommended items", color=INK)
    right.set_title(f"Share of all places that they get, k = {told.longest}", loc="left", color=INK, fontsize=11)
    _style(right, "both")


def _style(axes: Any, grid: str) -> None:
    axes.grid(axis=grid, color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)
    axes.tick_params(colors=INK, length=0)


_CHARTS: Mapping[str, tuple[Callable[[Any, "Evaluation"], None], tuple[float, float]]] = {
    "measures": (_measures, (10, 5.6)),
    "above-baseline": (_above, (10, 4.2)),
    "segments": (_segments, (10, 4.2)),
    "spread": (_spread, (10, 3.9)),
}
