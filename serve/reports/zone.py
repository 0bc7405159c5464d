"""Calendar days of a time zone over instants: the offsets that hold in a period, and where a day begins.

A database asks its calendar for every row; a year has two changes of an offset. So the changes are found once, and
a row's local time is a sum.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.kernel import Instant

from .errors import WrongQuestion

LONGEST_NAME = 64
_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Offset(NamedTuple):
    """From `since` on, local time is UTC + `ms`."""

    since: Instant
    ms: int


def zone_of(name: str) -> ZoneInfo:
    """The zone with an IANA name such as `Europe/London`; raises WrongQuestion."""
    try:
        if len(name) > LONGEST_NAME:
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongQuestion("timezone", "must be an IANA name such as Europe/London") from error


def beginning_of(day: date, zone: ZoneInfo) -> Instant:
    """When the day begins there."""
    return instant_of(datetime.combine(day, time(), zone))


def day_of(at: Instant, zone: ZoneInfo) -> date:
    """The day that it is there."""
    return _moment(at, zone).date()


def offsets(zone: ZoneInfo, since: Instant, until: Instant) -> list[Offset]:
    """The offsets that hold from `since` to before `until`, the first of them from `since` on."""
    found = [Offset(since, _offset(since, zone))]
    at = since
    while at < until:
        following = min(at + _DAY_MS, until)
        if _offset(following, zone) != found[-1].ms:
            found.append(_change(zone, at, following))
        at = following
    return found


def _change(zone: ZoneInfo, before: Instant, after: Instant) -> Offset:
    """The first instant of `after`'s offset."""
    wanted = _offset(after, zone)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(middle, zone) == wanted:
            after = middle
        else:
            before = middle
    return Offset(after, wanted)


def _offset(at: Instant, zone: ZoneInfo) -> int:
    offset = _moment(at, zone).utcoffset()
    assert offset is not None
    return offset // timedelta(milliseconds=1)


def _moment(at: Instant, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)


def instant_of(moment: datetime) -> Instant:
    """A moment of any zone in milliseconds."""
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
