"""What a customer bought lately: from the account's list of orders, each order read once."""

from collections import OrderedDict
from typing import NamedTuple, Protocol

from engine.account import LookOrders, OrderNotes
from engine.kernel import Command, Reply
from engine.order import LookOrder, OrderView

MOST_ORDERS = 10
"""Of the newest orders."""
MOST_REMEMBERED = 20_000
"""Orders whose lines are kept: they hardly ever change."""


class Sender(Protocol):
    """The way to entities."""

    async def send(self, kind: str, key: str, command: Command) -> Reply: ...


class Bought(NamedTuple):
    """SKUs with the times of their orders, oldest first."""

    skus: tuple[str, ...] = ()
    at: tuple[int, ...] = ()


NOTHING = Bought()


class Purchases:
    """Asks the account each time, so that what was bought a moment ago is known."""

    def __init__(self, client: Sender) -> None:
        self._client = client
        self._lines: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    async def of(self, account_id: str) -> Bought:
        """What the customer bought. Raises actors.errors.Unavailable."""
        notes = await self._client.send("account", account_id, LookOrders(limit=MOST_ORDERS))
        if not isinstance(notes, OrderNotes) or not notes.orders:
            return NOTHING
        skus: list[str] = []
        at: list[int] = []
        for note in reversed(notes.orders):
            lines = await self._lines_of(note.order_id)
            skus += lines
            at += [note.at] * len(lines)
        return Bought(tuple(skus), tuple(at))

    async def _lines_of(self, order_id: str) -> tuple[str, ...]:
        lines = self._lines.get(order_id)
        if lines is not None:
            self._lines.move_to_end(order_id)
            return lines
        order = await self._client.send("order", order_id, LookOrder())
        if not isinstance(order, OrderView):
            return ()
        lines = self._lines[order_id] = tuple(line.sku for line in order.lines)
        if len(self._lines) > MOST_REMEMBERED:
            self._lines.popitem(last=False)
        return lines
