"""Where rows are made: the entry that they come from, and what other entities say that they name."""

from typing import Any, NamedTuple, Protocol


class Where(NamedTuple):
    """The entry: its shard and position are the rows' identity, `at` is when it was recorded."""

    shard: int
    position: int
    at: int


class Described(NamedTuple):
    """What is noted of a product beside what was sold of it."""

    category: str = ""
    vendor: str = ""


class Around(Protocol):
    """What the shop knows of products and accounts while the rows are made."""

    def product(self, sku: str) -> Described: ...

    def groups(self, account: str) -> str:
        """The account's groups, by comma, in order."""
        ...


class NothingKnown:
    """For whoever only counts units and money."""

    def product(self, sku: str) -> Described:
        return Described()

    def groups(self, account: str) -> str:
        return ""


def happened_at(where: Where, event: Any) -> int:
    """When it happened in the shop: most events say so themselves."""
    at: int = getattr(event, "at", 0)
    return at or where.at
