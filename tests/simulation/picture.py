"""A history as a picture: a lane for everyone, time from left to right, in one HTML file that needs nothing else."""

from collections.abc import Sequence
from html import escape

from .chronicle import AUDITOR, FAULT, Event

PIXELS_PER_S = 90
LANE_PX = 46
LEFT_PX = 110
TOP_PX = 60
LONGEST_S = 40.0
"""What comes later is the peace after the faults, where little happens: it is in the text."""

COLOURS = (
    ("records", "#2563eb"),
    ("asks", "#9ca3af"),
    ("hears", "#16a34a"),
    ("dies", "#dc2626"),
    ("starts", "#16a34a"),
    ("stands still", "#d97706"),
    ("goes on", "#65a30d"),
    ("owns", "#7c3aed"),
)
OTHERWISE = "#6b7280"

STYLE = """
body { font: 14px system-ui, sans-serif; margin: 16px; color: #111827 }
svg { background: #f9fafb; border: 1px solid #e5e7eb } text { font: 12px system-ui, sans-serif }
.box { overflow-x: auto } .bad { color: #b91c1c } pre { font-size: 12px; line-height: 1.35 }
"""


def picture_of(seed: int, events: Sequence[Event], violations: Sequence[str]) -> str:
    """The HTML of one history."""
    lanes = _lanes(events)
    until = min(LONGEST_S, max((event.at for event in events), default=1.0))
    width, height = LEFT_PX + int(until * PIXELS_PER_S) + 40, TOP_PX + LANE_PX * len(lanes) + 20
    marks = [_ruler(until, height), *(_lane(name, number, width) for number, name in enumerate(lanes))]
    crowded: dict[tuple[str, int], int] = {}
    marks += [_mark(event, lanes, crowded, height) for event in events if event.at <= until]
    accused = "".join(f"<li>{escape(violation)}</li>" for violation in violations)
    text = "\n".join(escape(str(event)) for event in events)
    return (
        f"<!doctype html><meta charset=utf-8><title>Seed {seed}</title><style>{STYLE}</style>"
        f"<h1>Seed {seed}</h1><ul class=bad>{accused}</ul>"
        f"<p>Each dot is an event (point at it to read it), each red line a fault.</p>"
        f'<div class=box><svg width="{width}" height="{height}">{"".join(marks)}</svg></div><pre>{text}</pre>'
    )


def _lanes(events: Sequence[Event]) -> list[str]:
    names = {event.who for event in events} - {FAULT, AUDITOR}
    return sorted(names, key=lambda name: (not name.startswith("front"), name in ("director",), name))


def _ruler(until: float, height: int) -> str:
    marks = []
    for second in range(int(until) + 1):
        x = _x(second)
        marks.append(f'<line x1="{x}" y1="{TOP_PX - 12}" x2="{x}" y2="{height}" stroke="#e5e7eb"/>')
        marks.append(f'<text x="{x + 2}" y="{TOP_PX - 14}" fill="#6b7280">{second} s</text>')
    return "".join(marks)


def _lane(name: str, number: int, width: int) -> str:
    y = TOP_PX + number * LANE_PX + LANE_PX // 2
    return (
        f'<line x1="{LEFT_PX}" y1="{y}" x2="{width}" y2="{y}" stroke="#d1d5db"/>'
        f'<text x="8" y="{y + 4}" font-weight="600">{escape(name)}</text>'
    )


def _mark(event: Event, lanes: list[str], crowded: dict[tuple[str, int], int], height: int) -> str:
    x, title = _x(event.at), f"<title>{escape(str(event))}</title>"
    if event.who == AUDITOR:
        return (
            f'<g>{title}<line x1="{x}" y1="{TOP_PX - 30}" x2="{x}" y2="{height}" stroke="#dc2626" stroke-width="3"/>'
            f'<text x="{x + 4}" y="{TOP_PX - 34}" fill="#dc2626">violation</text></g>'
        )
    if event.who == FAULT:
        y = TOP_PX + LANE_PX * (lanes.index(event.whom) if event.whom in lanes else 0)
        return (
            f'<g>{title}<line x1="{x}" y1="{y}" x2="{x}" y2="{y + LANE_PX}" stroke="#ef4444" stroke-width="2"/>'
            f'<text x="{x + 3}" y="{y + 11}" fill="#b91c1c">{escape(event.what)}</text></g>'
        )
    # Events that are close together go up and down the lane, so that each can be pointed at.
    place = (event.who, x // 8)
    crowded[place] = crowded.get(place, 0) + 1
    offset = ((crowded[place] + 1) // 2) * (7 if crowded[place] % 2 else -7) if crowded[place] > 1 else 0
    y = TOP_PX + LANE_PX * lanes.index(event.who) + LANE_PX // 2 + max(-18, min(18, offset))
    colour = next((colour for word, colour in COLOURS if event.what.startswith(word)), OTHERWISE)
    return f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}">{title}</circle>'


def _x(at: float) -> int:
    return LEFT_PX + int(at * PIXELS_PER_S)
