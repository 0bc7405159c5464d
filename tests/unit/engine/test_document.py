"""Documents: put, replaced and removed as a whole, each change once."""

import pytest

from engine.document import Document, DocumentRemoved, DocumentView, Look, Put, Remove, document_kind
from engine.kernel import Accepted, Command, Event, Instant, Outcome, Rejected, invalid
from engine.reasons import Reason


class ShelfPut(Event, frozen=True):
    """A shelf of the shop."""

    name: str
    row: int = 0


def check(_key: str, shelf: ShelfPut, _now: Instant) -> Rejected | None:
    return None if shelf.name else invalid("name", "not be empty")


SHELF = document_kind("shelf", ShelfPut, check)
CLOCKS, LAMPS = ShelfPut("clocks"), ShelfPut("lamps")


def told(*commands: Command) -> tuple[Document[ShelfPut], Outcome]:
    """The document after these commands, and the outcome of the last."""
    document, outcome = SHELF.new("A1"), Accepted()
    for command in commands:
        outcome = SHELF.decide(document, command, 0)
        for event in outcome.events if isinstance(outcome, Accepted) else ():
            SHELF.apply(document, event)
    return document, outcome


PUT: Command = Put(CLOCKS)


@pytest.mark.parametrize(
    ("before", "command", "outcome"),
    [
        ((), Put(CLOCKS), Accepted((CLOCKS,), DocumentView("A1", 1, CLOCKS))),
        ((), Put(CLOCKS, 0), Accepted((CLOCKS,), DocumentView("A1", 1, CLOCKS))),
        ((), Put(CLOCKS, 1), Rejected(Reason.VERSION_CONFLICT, {"version": 0})),
        ((), Put(ShelfPut("")), invalid("name", "not be empty")),
        ((), Look(), Rejected(Reason.NOT_FOUND)),
        ((), Remove(), Accepted((), DocumentView("A1", 0, None))),
        ((PUT,), Put(CLOCKS), Accepted((), DocumentView("A1", 1, CLOCKS))),
        ((PUT,), Put(CLOCKS, 0), Accepted((), DocumentView("A1", 1, CLOCKS))),
        ((PUT,), Put(LAMPS, 0), Rejected(Reason.VERSION_CONFLICT, {"version": 1})),
        ((PUT,), Put(LAMPS, 1), Accepted((LAMPS,), DocumentView("A1", 2, LAMPS))),
        ((PUT,), Look(), Accepted((), DocumentView("A1", 1, CLOCKS))),
        ((PUT,), Remove(2), Rejected(Reason.VERSION_CONFLICT, {"version": 1})),
        ((PUT,), Remove(1), Accepted((DocumentRemoved(),), DocumentView("A1", 2, None))),
        ((PUT, Remove()), Remove(), Accepted((), DocumentView("A1", 2, None))),
        ((PUT, Remove()), Look(), Accepted((), DocumentView("A1", 2, None))),
        ((PUT, Remove()), Put(LAMPS, 0), Accepted((LAMPS,), DocumentView("A1", 3, LAMPS))),
    ],
)
def test_what_a_document_answers(before: tuple[Command, ...], command: Command, outcome: Outcome) -> None:
    assert told(*before, command)[1] == outcome


def test_what_is_removed_can_be_put_again_and_counts_on() -> None:
    document, _ = told(Put(CLOCKS), Remove(), Put(CLOCKS))
    assert (document.version, document.content) == (3, CLOCKS)
