"""Processes that the merchant looks through (transfers, purchase orders, counts), newest first, as hosts told
them.

Like `serve.tables`, but bounded: of thousands that are over, the oldest are only found by their id.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any

from engine.count import COUNT, LookCount
from engine.kernel import Command, Instant, Kind
from engine.purchase import PURCHASE, LookPurchase
from engine.transfer import TRANSFER, LookTransfer
from engine.webhook import ENDPOINT, LookEndpoint

MOST_KEPT = 10_000
"""Of each kind: about 20 MB with ten lines each."""


@dataclass
class Roll:
    """The views of one kind by key."""

    look: Command
    """Reads one entity."""
    begun_at: Callable[[Any], Instant]
    _views: dict[str, Any] = field(default_factory=dict)

    def put(self, key: str, _version: int, view: Any) -> None:
        """A host tells that it is now this; told late, an older version never replaces a newer."""
        known = self._views.get(key)
        if known is not None and known.version >= view.version:
            return
        self._views[key] = view
        if len(self._views) > MOST_KEPT:
            del self._views[min(self._views, key=lambda each: self.begun_at(self._views[each]))]

    def page(self, after: str, limit: int, status: str = "") -> list[tuple[str, Any]]:
        """(mark, view), newest first, those that come after the mark; with `status`, only those in it."""
        marked = [
            (f"{2**50 - self.begun_at(view):016}:{key}", view)
            for key, view in self._views.items()
            if not status or view.status == status
        ]
        return sorted((each for each in marked if each[0] > after), key=itemgetter(0))[:limit]

    def views(self) -> Iterable[Any]:
        """All of them, in no order."""
        return self._views.values()


class Rolls:
    """A roll for each kind of process that is looked through."""

    def __init__(self) -> None:
        self._rolls = {
            TRANSFER.name: Roll(LookTransfer(), attrgetter("started_at")),
            PURCHASE.name: Roll(LookPurchase(), attrgetter("drafted_at")),
            COUNT.name: Roll(LookCount(), attrgetter("opened_at")),
            ENDPOINT.name: Roll(LookEndpoint(), attrgetter("created_at")),
        }

    def __getitem__(self, kind: Kind) -> Roll:
        return self._rolls[kind.name]

    def by_name(self) -> Mapping[str, Roll]:
        """Every roll with the name of its kind."""
        return self._rolls
