"""The table of faults, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from .stage import Verdict

TITLES = (
    *("fault", "times", "purchases", "visitors' events", "events told", "came again"),
    *("missing", "doubled or wrong", "caught up after"),
)


@dataclass(frozen=True)
class Row:
    """One fault. Amounts are those of its stretch, except that every comparison is of the whole run up to then."""

    title: str
    strikes: int
    purchases: int
    visits: int
    caught_up_s: Sequence[float]
    """After each strike, from when the part ran again, until everybody was hardly behind."""
    verdict: Verdict


def markdown(rows: Sequence[Row]) -> str:
    """A table with a line for each fault."""
    return "\n".join([_line(TITLES), _line(["---"] * len(TITLES)), *(_line(_cells(row)) for row in rows)]) + "\n"


def _cells(row: Row) -> list[str]:
    found = row.verdict
    waits = sorted(row.caught_up_s)
    return [
        row.title,
        str(row.strikes),
        f"{row.purchases:,}",
        f"{row.visits:,}",
        f"{found.stream.events:,} + {found.topic.events:,}",
        f"{found.stream.again:,} + {found.topic.again:,}",
        f"{found.missing:,}",
        f"{found.doubled:,}" + (f"; {found.lake}" if found.lake else ""),
        f"{waits[len(waits) // 2]:.1f} s, at most {waits[-1]:.1f} s" if waits else "",
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
