"""Turns a run into what people read: a Markdown page, a chart, the raw figures, and the results part of the docs."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from .commands import fill_results
from .contenders import Contender
from .errors import LoadTestError
from .measurement import Figure, Measurement, median_of
from .targets import Verdict, judge

COMMAND = "doorbuster bench --docs"
CHART_NAME = "bench.png"
CHART_TITLE = "Purchases of one hot SKU per second (empty: empty answers, doorbuster-soldout: refusals)"
OWN_COLOUR = "#d1495b"
OTHER_COLOUR = "#8d99ae"
REFERENCE_COLOUR = "#d9dde5"
REFERENCE_ROWS = ("empty", "doorbuster-soldout")
CHART_DOTS_PER_INCH = 150


@dataclass(frozen=True)
class Row:
    """One contender's figures by number of connections, each of its fastest variant there."""

    name: str
    figures: Mapping[int, Figure]
    variants: Mapping[int, str]


@dataclass(frozen=True)
class Run:
    """Everything that one run of the benchmark found out; `measured` is by label and number of connections."""

    begun_at: datetime
    rounds: int
    seconds: int
    connections: Sequence[int]
    load_before: float
    """The machine's load average before the first turn: what others were doing on it."""
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    contenders: Sequence[Contender]
    measured: Mapping[str, Mapping[int, Sequence[Measurement]]]
    skipped: Mapping[str, str]

    def rows(self) -> list[Row]:
        """The best variant of each contender, level by level."""
        by_name: dict[str, list[Contender]] = {}
        for contender in self.contenders:
            if contender.label in self.measured:
                by_name.setdefault(contender.name, []).append(contender)
        return [self._row(name, variants) for name, variants in by_name.items()]

    def _row(self, name: str, variants: Sequence[Contender]) -> Row:
        figures: dict[int, Figure] = {}
        best: dict[int, str] = {}
        for contender in variants:
            for level, rounds in self.measured[contender.label].items():
                found = median_of(rounds)
                if level not in figures or found.rate_per_s > figures[level].rate_per_s:
                    figures[level], best[level] = found, contender.variant
        return Row(name, figures, best)

    def verdicts(self) -> list[Verdict]:
        return judge({row.name: row.figures for row in self.rows()})


def write_report(run: Run, out: Path, docs: Path | None) -> None:
    """Write bench.md, bench.json and bench.png below `out`, fill the page `docs`, print the tables."""
    if not run.rows():
        raise LoadTestError("nothing could be measured; the reasons are above")
    out.mkdir(parents=True, exist_ok=True)
    page = markdown(run)
    (out / "bench.md").write_text(page)
    (out / "bench.json").write_text(json.dumps(as_json(run), indent=2) + "\n")
    draw_chart(run, out / CHART_NAME)
    if docs:
        chart = f"![{CHART_TITLE}]({docs.with_suffix('.png').name})"
        fill_results(docs, COMMAND, f"{page}\n{chart}")
        draw_chart(run, docs.with_suffix(".png"))
    print(page)
    print(f"written: {out / 'bench.md'}, bench.json, {CHART_NAME}" + (f"; {docs}" if docs else ""), file=sys.stderr)


def markdown(run: Run) -> str:
    parts = [heading(run), results_table(run), targets_table(run), contenders_table(run), skipped_list(run)]
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(run: Run) -> str:
    machine = ", ".join([run.machine["processor"], run.machine["memory"], run.machine["system"]])
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return (
        f"{run.begun_at:%Y-%m-%d %H:%M} UTC; {run.rounds} rounds of {run.seconds} s per figure, medians; driver, "
        f"server and database share the machine, whose load average was {run.load_before:.1f} before.\n\n"
        f"Machine: {machine}; {run.machine['disk']}.\n\nVersions: {versions}."
    )


def results_table(run: Run) -> str:
    """Rate, p50 and p99 of each row at each level, and what wasn't counted."""
    titles = [f"{level} connection{'s' if level > 1 else ''}" for level in run.connections]
    lines = [
        "| per second (p50 / p99 in ms) | " + " | ".join(titles) + " | other answers |",
        "|---|" + "---|" * (len(titles) + 1),
    ]
    for row in run.rows():
        cells = [figure_cell(row, level) for level in run.connections]
        lines.append(f"| {row.name} | " + " | ".join(cells) + f" | {other_answers(row)} |")
    for row in run.rows():
        if extra := sorted(set(row.figures) - set(run.connections)):
            cells = [f"{figure_cell(row, level)} at {level} callers" for level in extra]
            lines.append(f"\n{row.name}: " + ", ".join(cells) + ".")
    return "\n".join(lines)


def figure_cell(row: Row, level: int) -> str:
    if not (found := row.figures.get(level)):
        return ""
    variant = f", {row.variants[level]}" if row.variants[level] else ""
    return f"**{found.rate_per_s:,.0f}** ({found.p50_ms:.1f} / {found.p99_ms:.1f}{variant})"


def other_answers(row: Row) -> str:
    """Statuses other than the most frequent one (which the rate counts), over all rounds."""
    totals: dict[int, int] = {}
    for found in row.figures.values():
        for status, count in found.statuses.items():
            totals[status] = totals.get(status, 0) + count
    unanswered = sum(found.unanswered for found in row.figures.values())
    expected = max(totals, key=lambda status: totals[status], default=0)
    shares = [f"{count:,} x {status}" for status, count in sorted(totals.items()) if status != expected]
    return ", ".join([*shares, *([f"{unanswered:,} unanswered"] if unanswered else [])]) or "none"


def targets_table(run: Run) -> str:
    lines = [
        f"| {verdict.target} | {verdict.connections} | {verdict.measured} | {verdict.result} |"
        for verdict in run.verdicts()
    ]
    return "\n".join(["| target | connections | measured | result |", "|---|---|---|---|", *lines])


def contenders_table(run: Run) -> str:
    lines = ["| contender | does per purchase | durable before the answer |", "|---|---|---|"]
    seen: set[str] = set()
    for contender in run.contenders:
        if contender.label in run.measured and contender.name not in seen:
            seen.add(contender.name)
            lines.append(f"| {contender.name} | {contender.per_purchase} | {contender.durability} |")
    return "\n".join(lines)


def skipped_list(run: Run) -> str:
    if not run.skipped:
        return ""
    # Only the first line: what follows is the log of a server, which is for the terminal.
    reasons = [f"- {label}: {reason.splitlines()[0]}" for label, reason in run.skipped.items()]
    return "Not measured:\n" + "\n".join(reasons)


def as_json(run: Run) -> dict[str, object]:
    """All that was measured, round by round, for whoever wants to compute something else from it."""
    return {
        "begun_at": run.begun_at.isoformat(),
        "rounds": run.rounds,
        "seconds": run.seconds,
        "connections": list(run.connections),
        "load_before": run.load_before,
        "machine": dict(run.machine),
        "versions": dict(run.versions),
        "rows": {row.name: {level: asdict(found) for level, found in row.figures.items()} for row in run.rows()},
        "measured": {
            label: {level: [asdict(measured) for measured in rounds] for level, rounds in levels.items()}
            for label, levels in run.measured.items()
        },
        "targets": [asdict(verdict) for verdict in run.verdicts()],
        "skipped": dict(run.skipped),
    }


def draw_chart(run: Run, file: Path) -> None:
    """One panel per number of connections: bars are medians, whiskers the lowest and highest round."""
    # Imported here: a report without a screen must not wait for matplotlib before the first measurement.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = run.rows()
    figure, panels = pyplot.subplots(
        1, len(run.connections), figsize=(4.2 * len(run.connections) + 1.2, 0.5 * len(rows) + 1.5), squeeze=False
    )
    for panel, level in zip(panels[0], run.connections, strict=True):
        present = [row for row in rows if level in row.figures]
        found = [row.figures[level] for row in present]
        rates = [each.rate_per_s for each in found]
        spread = [
            [each.rate_per_s - each.lowest_rate_per_s for each in found],
            [each.highest_rate_per_s - each.rate_per_s for each in found],
        ]
        panel.barh(
            [row.name for row in present],
            rates,
            xerr=spread,
            color=[colour_of(row.name) for row in present],
            error_kw={"ecolor": "#444", "elinewidth": 0.8, "capsize": 2},
        )
        for place, each in enumerate(found):
            panel.annotate(
                f"{each.rate_per_s:,.0f}",
                (each.highest_rate_per_s, place),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        panel.invert_yaxis()
        panel.margins(x=0.2)
        panel.set_title(f"{level} connection{'s' if level > 1 else ''}", fontsize=10)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
        if panel is not panels[0][0]:
            panel.set_yticklabels([])
    figure.suptitle(CHART_TITLE, fontsize=11)
    figure.tight_layout()
    figure.savefig(file, dpi=CHART_DOTS_PER_INCH)
    pyplot.close(figure)


def colour_of(name: str) -> str:
    if name in REFERENCE_ROWS:
        return REFERENCE_COLOUR
    return OWN_COLOUR if name.startswith("doorbuster") else OTHER_COLOUR
