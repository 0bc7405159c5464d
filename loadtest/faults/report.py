"""The table of faults, as Markdown and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .figures import Figures


@dataclass(frozen=True)
class Row:
    """One fault: what buyers saw, and what the audit found afterwards."""

    name: str
    title: str
    figures: Figures
    orders: int
    """Acknowledged in the whole run."""
    lost: int
    """Acknowledged orders that are not there, or not as they were acknowledged."""
    sold_twice: int
    """Units."""
    wrong: Sequence[str]
    """Checks of the audit that did not hold."""
    remarks: Sequence[str]


TITLES = (
    *("fault", "times", "what clients saw", "sold again after p50 / p99", "longest wait of a buyer"),
    *("of other shards", "lost", "sold twice", "remark"),
)


def markdown(rows: Sequence[Row]) -> str:
    """A table with a line for each fault."""
    lines = [_line(TITLES), _line(["---"] * len(TITLES)), *(_line(_cells(row)) for row in rows)]
    return "\n".join(lines) + "\n"


def write_report(rows: Sequence[Row], out: Path, order: Sequence[str]) -> None:
    """Write faults.md and faults.json below `out`, in this order. What earlier runs found out of other faults stays."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "faults.json"
    by_name = {row.name: row for row in [*(read_rows(file) if file.exists() else []), *rows]}
    known = [by_name[name] for name in order if name in by_name]
    (out / "faults.md").write_text(markdown(known))
    file.write_text(json.dumps([asdict(row) for row in known], indent=2) + "\n")


def read_rows(file: Path) -> list[Row]:
    """The rows of a report."""
    return [Row(**{**row, "figures": Figures(**row["figures"])}) for row in json.loads(file.read_text())]


def _cells(row: Row) -> list[str]:
    figures = row.figures
    others = "" if figures.others_s is None else f"{figures.others_s:.2f} s"
    never = f", {figures.never_back} x never" if figures.never_back else ""
    return [
        row.title,
        str(figures.strikes),
        _seen(figures),
        f"{figures.median_back_s:.2f} / {figures.p99_back_s:.2f} s{never}",
        f"{figures.slowest_s:.2f} s",
        others,
        f"{row.lost} of {row.orders:,} orders",
        f"{row.sold_twice} units",
        "; ".join([*dict.fromkeys(filter(None, row.remarks)), *row.wrong]),
    ]


def _seen(figures: Figures) -> str:
    answers = ", ".join(f"{count:,} x {answer}" for answer, count in figures.answers.items())
    return f"{answers}; {figures.sent_again:,} of {figures.purchases:,} sent again"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
