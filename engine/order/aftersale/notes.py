"""Notes on an order: for the shop's own people, or for the customer."""

from collections.abc import Callable
from typing import Any

from ...kernel import Command, Event, Instant, Rejected, invalid
from ...reasons import Reason
from ..state import Order
from .records import Note
from .state import AfterSale, begun, misnamed, too_long, too_many

MOST_NOTES = 100


class AddNote(Command, frozen=True):
    """Write a note; the customer sees those that aren't internal. The same `note_id` again changes nothing."""

    note_id: str
    text: str
    internal: bool = True
    by: str = ""


class NoteAdded(Event, frozen=True):
    note_id: str
    text: str
    internal: bool
    by: str
    at: Instant


Decided = tuple[Event, ...] | Rejected


def _add(order: Order, after: AfterSale, command: AddNote, now: Instant) -> Decided:
    if refusal := misnamed(note_id=command.note_id, by=command.by) or too_long(text=command.text):
        return refusal
    if not command.text:
        return invalid("text", "not be empty")
    if order.settlement is None:
        # Its lines aren't certain yet.
        return Rejected(Reason.ORDER_NOT_OPEN, {"status": str(order.status)})
    if known := after.notes.get(command.note_id):
        return () if known.text == command.text else Rejected(Reason.KEY_REUSED)
    if len(after.notes) >= MOST_NOTES:
        return too_many("notes", MOST_NOTES)
    return (NoteAdded(command.note_id, command.text, command.internal, command.by, now),)


def _apply_added(order: Order, event: NoteAdded) -> None:
    begun(order).notes[event.note_id] = Note(event.note_id, event.text, event.internal, event.by, event.at)


DECISIONS: dict[type[Command], Callable[[Order, AfterSale, Any, Instant], Decided]] = {AddNote: _add}
CHANGES: dict[type[Event], Callable[[Order, Any], None]] = {NoteAdded: _apply_added}
