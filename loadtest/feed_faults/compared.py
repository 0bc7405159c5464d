"""What was told against what was recorded: every event once after de-duplication by its id, in its key's order.

Of a stock's changes that follow each other quickly only the last may be told, and which of them those are depends on
how the journal was read: of `stock.changed` the last one of each stock, by its sequence, has to be the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

SPARSE = "doorbuster.stock.changed.v1"
CONFIRMED = "doorbuster.order.confirmed.v1"


class Event(NamedTuple):
    """What counts of a CloudEvent."""

    id: str
    type: str
    key: str
    """Its partition key."""
    sequence: str
    data: Any


def event_of(told: Mapping[str, Any]) -> Event:
    """From its JSON."""
    return Event(told["id"], told["type"], told["partitionkey"], told["sequence"], told["data"])


class Compared(NamedTuple):
    """One way on which events were told, against the journal."""

    events: int
    """Different ones that were told."""
    again: int
    """Those that came more than once: consumers know them by their ids."""
    missing: frozenset[str]
    """Ids of events that were not told, and stocks whose last change was not."""
    strange: frozenset[str]
    """Ids that the journal doesn't have, that say something else, or that first came behind a later one."""


def compare(recorded: Sequence[Event], told: Sequence[Event]) -> Compared:
    """`told` in the order in which it came."""
    first: dict[str, Event] = {}
    strange: set[str] = set()
    newest: dict[str, str] = {}
    for event in told:
        if event.id in first:
            if event != first[event.id]:
                strange.add(event.id)
            continue
        first[event.id] = event
        if event.type != SPARSE:
            if event.sequence <= newest.get(event.key, ""):
                strange.add(event.id)
            newest[event.key] = event.sequence
    wanted = {event.id: event for event in recorded if event.type != SPARSE}
    missing = wanted.keys() - first.keys()
    strange |= {event.id for event in first.values() if event.type != SPARSE and event != wanted.get(event.id)}
    last, last_told = _last_changes(recorded), _last_changes(first.values())
    behind = {stock for stock in last if last[stock] != last_told.get(stock)}
    return Compared(len(first), len(told) - len(first), frozenset(missing | behind), frozenset(strange))


def units_confirmed(events: Iterable[Event]) -> dict[str, int]:
    """Units by SKU of the orders that were confirmed."""
    units: dict[str, int] = {}
    for event in events:
        for line in event.data["lines"] if event.type == CONFIRMED else ():
            units[line["sku"]] = units.get(line["sku"], 0) + line["quantity"]
    return units


def differing(found: Mapping[str, int], wanted: Mapping[str, int]) -> tuple[int, int]:
    """How many units are too few, and how many too many."""
    differences = [found.get(name, 0) - wanted.get(name, 0) for name in found.keys() | wanted.keys()]
    return -sum(each for each in differences if each < 0), sum(each for each in differences if each > 0)


def _last_changes(events: Iterable[Event]) -> dict[str, Event]:
    last: dict[str, Event] = {}
    for event in events:
        if event.type == SPARSE and event.sequence >= last.get(event.key, event).sequence:
            last[event.key] = event
    return last
