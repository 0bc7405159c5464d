"""A report as a picture: lines over time, bars of the first ones, a map of retention."""

import io
from collections import defaultdict
from typing import Any

from .report import Answer, Column, Unit

MOST_BARS = 25
MOST_LINES = 8
"""More of either and nobody tells them apart: the first ones are drawn."""
INK, PALE, LINES = "#1f2933", "#d9dee4", ("#2f6fde", "#e4572e", "#17936b", "#a23b99", "#c79a00", "#5b6770")


def as_png(answer: Answer) -> bytes:
    """The report's chart, 1400 x 800 pixels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 8), dpi=100, layout="constrained")
    axes = figure.subplots()
    chart = answer.report.chart
    places = {column.name: place for place, column in enumerate(answer.columns)}
    y = places[chart.y]
    if not answer.rows:
        axes.text(0.5, 0.5, "nothing in this period", ha="center", va="center", color=INK, fontsize=16)
        axes.set_axis_off()
    elif chart.kind == "heat":
        _heat(figure, axes, answer, places[chart.split], places[chart.x], y)
    elif chart.kind == "line" and chart.x in places:
        _lines(axes, answer, places[chart.x], y, places.get(answer.question.by or chart.split))
    else:
        _bars(axes, answer, places.get(chart.x, 0) if chart.x in places else _first_text(answer), y)
    question = answer.question
    axes.set_title(
        f"{answer.report.title}: {answer.columns[y].name.replace('_', ' ')}\n"
        f"{question.first} to {question.last}, {question.zone.key}",
        loc="left",
        color=INK,
        fontsize=14,
    )
    sink = io.BytesIO()
    figure.savefig(sink, format="png")
    return sink.getvalue()


def _first_text(answer: Answer) -> int:
    return next((place for place, column in enumerate(answer.columns) if column.unit is Unit.TEXT), 0)


def _value(value: Any, column: Column) -> float:
    """Money is drawn in hundredths of a hundred: people read major units of most currencies."""
    number = float(value or 0)
    return number / 100 if column.unit is Unit.MONEY else number


def _style(axes: Any, column: Column) -> None:
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, length=0)
    label = column.name.replace("_", " ") + (" (minor units / 100)" if column.unit is Unit.MONEY else "")
    axes.set_ylabel(label, color=INK)


def _lines(axes: Any, answer: Answer, x: int, y: int, split: int | None) -> None:
    series: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in answer.rows:
        name = str(row[split]) if split is not None else ""
        series[name][str(row[x])] += _value(row[y], answer.columns[y])
    biggest = sorted(series, key=lambda name: -sum(abs(value) for value in series[name].values()))[:MOST_LINES]
    periods = sorted({period for name in biggest for period in series[name]})
    for place, name in enumerate(biggest):
        values = [series[name].get(period, 0.0) for period in periods]
        colour = LINES[place % len(LINES)]
        axes.plot(range(len(periods)), values, color=colour, linewidth=2, label=name or "all", marker="o", markersize=3)
    step = max(1, len(periods) // 14)
    axes.set_xticks(range(0, len(periods), step), periods[::step], rotation=30, ha="right")
    if len(biggest) > 1 or biggest[0]:
        axes.legend(frameon=False, ncols=min(4, len(biggest)))
    _style(axes, answer.columns[y])


def _bars(axes: Any, answer: Answer, x: int, y: int) -> None:
    rows = answer.rows[:MOST_BARS]
    axes.bar(range(len(rows)), [_value(row[y], answer.columns[y]) for row in rows], color=LINES[0])
    axes.set_xticks(range(len(rows)), [str(row[x])[:24] for row in rows], rotation=40, ha="right")
    _style(axes, answer.columns[y])


def _heat(figure: Any, axes: Any, answer: Answer, down: int, across: int, y: int) -> None:
    rows = sorted({str(row[down]) for row in answer.rows})
    columns = sorted({int(row[across]) for row in answer.rows})
    cells = [[float("nan")] * len(columns) for _ in rows]
    for row in answer.rows:
        cells[rows.index(str(row[down]))][columns.index(int(row[across]))] = float(row[y] or 0)
    image = axes.imshow(cells, aspect="auto", cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(columns)), [str(column) for column in columns])
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel(answer.columns[across].about, color=INK)
    figure.colorbar(image, ax=axes, format=lambda share, _: f"{share:.0%}")
