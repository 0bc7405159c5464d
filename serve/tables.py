"""Documents as hosts last told them, all of each kind in memory: reading them costs no command.

For kinds that a shop has tens to tens of thousands of (categories, price lists, promotions), read on every request.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar, get_args

from engine.document import DocumentView, Look
from engine.kernel import Kind


class Follower(Protocol):
    """Something that is derived from a table, document by document."""

    def changed(self, key: str, before: Any | None, after: Any | None) -> None:
        """The document's content was the one and is the other; None: there is no such document."""
        ...


F = TypeVar("F", bound=Follower)


class Told:
    """How often anything was told: whoever derives something from many tables compares one number."""

    def __init__(self) -> None:
        self.times = 0


class Table:
    """The documents of one kind by key; removed ones are not in it.

    `changes` counts what was told: whoever derives something from the whole table compares it, and derives again.
    """

    def __init__(self, told: Told | None = None) -> None:
        self._told = told or Told()
        self._views: dict[str, DocumentView[Any]] = {}
        self._keys: list[str] = []
        self._followers: dict[type[Follower], Follower] = {}
        self.changes = 0

    def get(self, key: str) -> Any | None:
        """The content, or None."""
        found = self._views.get(key)
        return None if found is None else found.content

    def view(self, key: str) -> DocumentView[Any] | None:
        """The content with its version, or None."""
        found = self._views.get(key)
        return found if found is not None and found.content is not None else None

    def items(self) -> Iterator[tuple[str, Any]]:
        """(key, content) in ascending order of the key."""
        return ((key, self._views[key].content) for key in self._keys)

    def page(self, after: str, limit: int) -> list[DocumentView[Any]]:
        """Documents with a key greater than `after`, in ascending order."""
        start = bisect_right(self._keys, after)
        return [self._views[key] for key in self._keys[start : start + limit]]

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, key: str, version: int, view: DocumentView[Any]) -> None:
        """A host tells that the document is now this; told late, an older version never replaces a newer."""
        known = self._views.get(key)
        if known is not None and known.version >= version:
            return
        was_there = known is not None and known.content is not None
        # Removed ones are remembered by version, so that an older word that comes late can't bring them back.
        self._views[key] = view
        if view.content is not None and not was_there:
            insort(self._keys, key)
        elif view.content is None and was_there:
            del self._keys[bisect_right(self._keys, key) - 1]
        self.changes += 1
        self._told.times += 1
        for follower in self._followers.values():
            follower.changed(key, known.content if known is not None else None, view.content)

    def follower(self, kind: type[F]) -> F:
        """The table's one follower of that kind: made when it is first asked for, told of every change from then on."""
        found = self._followers.get(kind)
        if found is None:
            found = self._followers[kind] = kind()
            for key, content in self.items():
                found.changed(key, None, content)
        assert isinstance(found, kind)
        return found


class Tables:
    """A table for each kind of documents; `told` counts whatever was told of any of them."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.told = Told()
        self._tables = {kind.name: Table(self.told) for kind in document_kinds(kinds)}

    def __getitem__(self, kind: Kind) -> Table:
        return self._tables[kind.name]

    def by_name(self) -> Mapping[str, Table]:
        """Every table with the name of its kind."""
        return self._tables


def document_kinds(kinds: Iterable[Kind]) -> list[Kind]:
    """Those kinds that are read like documents."""
    return [kind for kind in kinds if Look in get_args(kind.commands)]
