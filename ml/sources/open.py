"""Sources by what a command or setting says of them.

lake:DIR                                       the event lake of a shop
lake:DIR?from=2026-01-01&to=2026-07-01&days=90    a part of it (`days`: the last ones before `to`, or before now)
sessions:FILE                                  visits as lines of item ids
orders:FILE?timezone=Europe/London             invoice lines as UCI's Online Retail has them
columns:FILE?item=sku&at=when&session=visit    one's own CSV or Parquet; see ml/sources/columns.py
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import DataRefused
from ..interactions import Dataset
from .columns import Columns, instant_of, read_columns

DAY_MS = 86_400_000
UTC = ZoneInfo("UTC")
LONDON = "Europe/London"
"""Where the shop of that data set is."""
Options = Mapping[str, str]


def open_source(text: str, *, now: int) -> Dataset:
    """The dataset that the text names; `now` in milliseconds UTC. Raises DataRefused, NotEnoughData."""
    kind, colon, rest = text.partition(":")
    path, _, query = rest.partition("?")
    if not colon or kind not in OPENERS or not path:
        raise DataRefused(f"{text} is no source: one of {', '.join(f'{name}:PATH' for name in OPENERS)}")
    known, open_it = OPENERS[kind]
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := options.keys() - known:
        raise DataRefused(f"{kind}: has no option {', '.join(sorted(unknown))}, but {', '.join(known) or 'none'}")
    place = Path(path).expanduser()
    if not place.exists():
        raise DataRefused(f"there is no {place}")
    return open_it(place, options, now)


def _lake(place: Path, options: Options, now: int) -> Dataset:
    from .lake import EVER_MS, read_lake

    last_ms = _instant(options["to"]) - 1 if "to" in options else EVER_MS
    first_ms = _instant(options["from"]) if "from" in options else 0
    if "days" in options:
        try:
            first_ms = max(first_ms, min(last_ms, now) - round(float(options["days"]) * DAY_MS))
        except (ValueError, OverflowError) as error:
            raise DataRefused(f"days={options['days']} is no number of days") from error
    through = options.get("through", "auto")
    if through not in ("auto", "arrow", "ray"):
        raise DataRefused(f"through={through}: one of auto, arrow, ray")
    return read_lake(place, first_ms, last_ms, through=through)  # type: ignore[arg-type]


def _sessions(place: Path, _options: Options, _now: int) -> Dataset:
    from .sessions_file import read_sessions

    return read_sessions(place)


def _orders(place: Path, options: Options, _now: int) -> Dataset:
    from .order_history import read_order_history

    zone = options.get("timezone", LONDON)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DataRefused(f"{zone} is no time zone") from error
    return read_order_history(place, zone)


def _columns(place: Path, options: Options, _now: int) -> Dataset:
    beside = {name: options[name] for name in ("bad", "timezone") if name in options}
    mapping = {name: value for name, value in options.items() if name not in beside}
    if "item" not in mapping:
        raise DataRefused("columns: says at least which column has the item: columns:FILE?item=sku")
    return read_columns(place, Columns(**mapping), **beside)


def _instant(text: str) -> int:
    try:
        return instant_of(text, UTC)
    except ValueError as error:
        raise DataRefused(f"{text} is no instant: 2026-11-22, or 2026-11-22T10:00:00Z") from error


OPENERS: Mapping[str, tuple[tuple[str, ...], Callable[[Path, Options, int], Dataset]]] = {
    "lake": (("from", "to", "days", "through"), _lake),
    "sessions": ((), _sessions),
    "orders": (("timezone",), _orders),
    "columns": ((*(field.name for field in fields(Columns)), "bad", "timezone"), _columns),
}
"""The kinds of sources: their options, and what opens them."""
