"""What was shown to whom, by which model: lists of recommendations, told in batches by the processes that made them.

The entity only makes each batch count once; what was shown is read from its events.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any
from zlib import crc32

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Outcome, invalid

LEDGERS = 4
"""So many entities take the batches of all processes: none of them becomes a queue."""
LEDGER_KEYS = tuple(f"ledger_{number}" for number in range(LEDGERS))
MOST_IMPRESSIONS = 1_000
"""Of one batch."""
MOST_SKUS = 100
"""Of one list."""
LONGEST_TEXT = 128
"""Characters of any id or name."""
BATCHES_KEPT = 1_000
"""That are remembered: minutes of a hundred processes that tell each second, and a retry comes within seconds."""


class Impression(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One list that was shown or, of the variant `shadow`, would have been. `visitor` and `session` are empty for
    whoever is not to be known."""

    list_id: str
    at: Instant
    variant: str
    model: str
    version: str
    placement: str
    visitor: str
    skus: tuple[str, ...]
    propensity: float
    """How likely this visitor was to get this variant; 0: nobody knows."""
    fallback: str = ""
    """What kept the model from it: then the list is of what is popular."""
    session: str = ""
    market: str = ""


class RecordImpressions(Command, frozen=True):
    """Record a batch, once: a retry has the same id."""

    batch_id: str
    impressions: tuple[Impression, ...]


class ImpressionsRecorded(Event, frozen=True):
    """These lists were shown."""

    batch_id: str
    impressions: tuple[Impression, ...]
    at: Instant


class ImpressionsTaken(Answer, frozen=True):
    """How many there were in the batch."""

    recorded: int


class ImpressionLedger(msgspec.Struct, array_like=True, gc=False):
    """The state: how many were recorded in all, and in each of the newest batches."""

    key: str
    recorded: int = 0
    batches: dict[str, int] = {}


def ledger_key(batch_id: str) -> str:
    """Where a batch is recorded: a retry comes to the same place."""
    return LEDGER_KEYS[crc32(batch_id.encode()) % LEDGERS]


def _record(ledger: ImpressionLedger, command: RecordImpressions, now: Instant) -> Outcome:
    if not 0 < len(command.batch_id) <= LONGEST_TEXT:
        return invalid("batch_id", f"have 1 to {LONGEST_TEXT} characters")
    if not 0 < len(command.impressions) <= MOST_IMPRESSIONS:
        return invalid("impressions", f"be 1 to {MOST_IMPRESSIONS}")
    known = ledger.batches.get(command.batch_id)
    if known is not None:
        return Accepted((), ImpressionsTaken(known))
    if not all(_fits(impression) for impression in command.impressions):
        return invalid("impressions", f"have 0 to {MOST_SKUS} SKUs, and texts of up to {LONGEST_TEXT} characters")
    recorded = ImpressionsRecorded(command.batch_id, command.impressions, now)
    return Accepted((recorded,), ImpressionsTaken(len(command.impressions)))


def _fits(one: Impression) -> bool:
    texts = (one.variant, one.model, one.version, one.placement, one.visitor, one.fallback, one.session, one.market)
    return (
        0 < len(one.list_id) <= LONGEST_TEXT
        and len(one.skus) <= MOST_SKUS
        and all(len(text) <= LONGEST_TEXT for text in chain(texts, one.skus))
        and 0 <= one.propensity <= 1
    )


_DECISIONS: dict[type[Command], Callable[[ImpressionLedger, Any, Instant], Outcome]] = {RecordImpressions: _record}


def decide(ledger: ImpressionLedger, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](ledger, command, now)


def apply(ledger: ImpressionLedger, event: ImpressionsRecorded) -> None:
    """Remember the batch."""
    ledger.recorded += len(event.impressions)
    ledger.batches[event.batch_id] = len(event.impressions)
    if len(ledger.batches) > BATCHES_KEPT:
        del ledger.batches[next(iter(ledger.batches))]


IMPRESSIONS = Kind(
    name="impressions",
    new=ImpressionLedger,
    decide=decide,
    apply=apply,
    commands=RecordImpressions,
    events=ImpressionsRecorded,
    answers=ImpressionsTaken,
    state=ImpressionLedger,
)
