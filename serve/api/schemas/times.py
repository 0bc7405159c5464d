"""Instants in the contract: RFC 3339 texts outside, milliseconds inside."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from engine.kernel import Instant

from ..answers import timestamp

LONGEST_TIMESTAMP = 40
"""Characters."""


def instant_of(text: str | None) -> Instant:
    """Milliseconds since the epoch; 0 for none. Raises ValueError with a sentence."""
    if text is None:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("An instant is written as in RFC 3339, such as 2026-11-27T00:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("An instant needs an offset: Z, or such as +01:00")
    try:
        instant = round(moment.timestamp() * 1_000)
    except OverflowError:
        raise ValueError("An instant lies between 1970 and 9999") from None
    if instant < 0:
        raise ValueError("An instant lies between 1970 and 9999")
    return instant


def shown_instant(instant: Instant) -> str | None:
    """As RFC 3339 in UTC; None for 0."""
    return timestamp(instant) if instant else None


def _readable(text: str) -> str:
    instant_of(text)
    return text


InstantText = Annotated[
    str,
    Field(
        max_length=LONGEST_TIMESTAMP, examples=["2026-11-27T00:00:00Z"], description="An instant as RFC 3339 writes it."
    ),
    AfterValidator(_readable),
]
