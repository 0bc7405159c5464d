"""The contract of the event feed's consumers: how far each has come, and reading again."""

from typing import Annotated, Literal

from pydantic import Field

from .common import Input, Output
from .times import InstantText


class FeedConsumer(Output):
    """A consumer of the journals: a relay, the event lake."""

    name: str
    positions: Annotated[dict[str, int], Field(description="Up to which position of each shard it has read.")]
    lag_entries: Annotated[int, Field(description="About how many entries it has yet to read.")]
    lag_ms: Annotated[int, Field(description="Age of the oldest of them, in milliseconds.")]
    taken: Annotated[int, Field(description="Entries that it has read since the feed process began.")]
    waits_because: Annotated[str, Field(description="Why it can't go on now; empty while it reads.")]
    replayable: Annotated[bool, Field(description="Whether it can be told to read again from elsewhere.")]


class FeedConsumers(Output):
    """Every consumer of the feed process."""

    items: list[FeedConsumer]


class FeedReplayIn(Input):
    """From where to read again: the first entry, what comes from now on, or an instant."""

    begin: Annotated[Literal["start", "newest"] | InstantText, Field(examples=["2026-11-27T00:00:00Z"])]
