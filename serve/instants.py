"""Instants as texts, without anything of HTTP."""

from datetime import UTC, datetime
from functools import lru_cache

from engine.kernel import Instant


def timestamp(at: Instant) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return f"{_second(at // 1000)}.{at % 1000:03}Z"


@lru_cache(maxsize=1_024)
def _second(at_s: int) -> str:
    # What happens in one second shares all but its milliseconds.
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
