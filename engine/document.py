"""Documents: entities that somebody puts, replaces and removes as a whole (a category, a price list, a supplier).

What a document says is one event type, so the journal tells its whole history. A kind of documents is its content's
type and a check; where two requests could race for more than the document itself, an entity of its own is right.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Outcome, Rejected
from .reasons import Reason

Content = TypeVar("Content", bound=Event)

Check = Callable[[str, Any, Instant], Rejected | None]
"""`check(key, content, now)`: why this content can't be put under this key, or None."""


class Put(Command, Generic[Content], frozen=True):
    """Create or replace the document; with `if_version`, only if that is its version (0: only if there is none)."""

    content: Content
    if_version: int | None = None


class Remove(Command, frozen=True):
    """Take the document away; one that isn't there is away already."""

    if_version: int | None = None


class Look(Command, frozen=True):
    """Read the document; a removed one is answered without content."""


class DocumentRemoved(Event, frozen=True):
    """The document is no more."""


class DocumentView(Answer, Generic[Content], frozen=True):
    """The document at a version (it counts changes); `content` is None once it is removed."""

    key: str
    version: int
    content: Content | None


class Document(msgspec.Struct, Generic[Content], array_like=True, gc=False):
    """The state of a document."""

    key: str
    version: int = 0
    content: Content | None = None


def _put(document: Document[Any], command: Put[Any], now: Instant, check: Check) -> Outcome:
    content, version = command.content, document.version
    if refusal := check(document.key, content, now):
        return refusal
    if content == document.content and command.if_version in (None, version - 1, version):
        # A retry, or the same content again.
        return Accepted((), view(document))
    if refusal := _changed_since(document, command.if_version):
        return refusal
    return Accepted((content,), DocumentView(document.key, version + 1, content))


def _remove(document: Document[Any], command: Remove, _now: Instant, _check: Check) -> Outcome:
    if document.content is None:
        # Whoever never was and whoever has gone answer alike: a retry hears what the first heard.
        return Accepted((), view(document))
    if refusal := _changed_since(document, command.if_version):
        return refusal
    return Accepted((DocumentRemoved(),), DocumentView(document.key, document.version + 1, None))


def _look(document: Document[Any], _command: Look, _now: Instant, _check: Check) -> Outcome:
    # A removed one is still seen, with its version: whoever heard of it must be able to learn that it is gone.
    return Accepted((), view(document)) if document.version else Rejected(Reason.NOT_FOUND)


def _changed_since(document: Document[Any], if_version: int | None) -> Rejected | None:
    """0 asks for "there is none", and is also right for one that was removed."""
    now_at = document.version if document.content is not None else 0
    if if_version is None or if_version == now_at:
        return None
    return Rejected(Reason.VERSION_CONFLICT, {"version": now_at})


_DECISIONS: dict[type[Command], Callable[[Document[Any], Any, Instant, Check], Outcome]] = {
    Put: _put,
    Remove: _remove,
    Look: _look,
}


def apply(document: Document[Any], event: Event) -> None:
    """The document is now what the event says, or no more."""
    document.version += 1
    document.content = None if type(event) is DocumentRemoved else event


def view(document: Document[Any]) -> DocumentView[Any]:
    """The document as the world sees it."""
    return DocumentView(document.key, document.version, document.content)


def _anything(_key: str, _content: Any, _now: Instant) -> None:
    return None


def document_kind(name: str, content: type[Content], check: Check = _anything) -> Kind:
    """The kind of the documents that say `content`; its class name is their entry type."""

    def decide(document: Document[Content], command: Command, now: Instant) -> Outcome:
        return _DECISIONS[type(command)](document, command, now, check)

    return Kind(
        name=name,
        new=Document,
        decide=decide,
        apply=apply,
        commands=Put[content] | Remove | Look,  # type: ignore[valid-type]
        events=content | DocumentRemoved,
        answers=DocumentView[content],  # type: ignore[valid-type]
        state=Document[content],  # type: ignore[valid-type]
        view=view,
        listed=True,
    )
