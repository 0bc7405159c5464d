"""The rows that a world's journal tells, each event as an entry of its own."""

from collections.abc import Iterable
from typing import Any

from engine.kernel import Event
from ml.lake.facts.around import Described, Where
from ml.lake.facts.stories import STORIES
from ml.lake.tables import Row, Sale
from tests.unit.engine.world import World


class Known:
    """Every product and account is described alike."""

    def product(self, sku: str) -> Described:
        return Described("Home > Clocks", "Acme") if sku else Described()

    def groups(self, account: str) -> str:
        return "wholesale" if account.startswith("acc_") else ""


def rows_of_events(kind: str, key: str, events: Iterable[Event], at: int = 0) -> list[Row]:
    story = STORIES[kind]
    before = story.new(key)
    rows: list[Row] = []
    for position, event in enumerate(events, 1):
        rows += story.rows(Where(0, position, at), before, [event], Known())
    return rows


def rows_of(world: World, table: type[Any]) -> list[Any]:
    """All rows of one table."""
    rows = []
    for (kind, key), events in world.journal.items():
        if kind in STORIES:
            rows += rows_of_events(kind, key, events, world.now)
    return [row for row in rows if isinstance(row, table)]


def summed(sales: Iterable[Sale], field: str, **wanted: Any) -> int:
    """What a column adds up to over the rows that have these values."""
    return sum(getattr(row, field) for row in sales if all(getattr(row, k) == v for k, v in wanted.items()))
