"""What the lake would say of the history, held against the auditor's books: units and money of every order and stock.

The rows are made by production's functions from each entry as it is committed; what they must add up to is read here
from the same events by hand, and from the auditor's books of the money.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.kernel import Event
from engine.order import events as order_events
from engine.order.aftersale import cancellation, edits, returns
from ml.lake.facts.around import NothingKnown, Where
from ml.lake.facts.stories import STORIES
from ml.lake.tables import OrderRow, Sale, StockMove

from .books import OrderBook, StockBook

READ = ("order", "stock")
AROUND = NothingKnown()


@dataclass
class UnitsBook:
    """How many units of each SKU an order has sold in the end, by its events alone."""

    skus: list[str] = field(default_factory=list)
    bought: list[int] = field(default_factory=list)
    begun: dict[str, edits.EditBegun] = field(default_factory=dict)
    arrived: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    sold: Counter[str] = field(default_factory=Counter)
    confirmed: bool = False

    def fold(self, event: Event) -> None:
        match event:
            case order_events.OrderPlaced(lines=lines) | order_events.CartTaken(lines=lines):
                self.skus = [line.sku for line in lines]
                self.bought = [line.quantity for line in lines]
            case order_events.OrderConfirmed():
                self.confirmed = True
                self._add(enumerate(self.bought), 1)
            case order_events.OrderCancelled() if self.confirmed:
                self._add(enumerate(self.bought), -1)
            case cancellation.UnitsCancelled(units=units):
                self._add(((each.line, each.quantity) for each in units), -1)
            case returns.ReturnInspected(return_id=name, findings=findings):
                self.arrived[name] = [(each.line, each.restocked + each.written_off) for each in findings]
            case returns.ReturnSettled(return_id=name):
                self._add(iter(self.arrived[name]), -1)
            case edits.EditBegun(edit_id=name):
                self.begun[name] = event
            case edits.EditEnded(edit_id=name, status="done"):
                self._add(((each.line, each.quantity) for each in self.begun[name].removed), -1)
                for line in self.begun[name].added:
                    self.skus.append(line.sku)
                    self.sold[line.sku] += line.quantity

    def _add(self, units: Iterator[tuple[int, int]], sign: int) -> None:
        for line, quantity in units:
            self.sold[self.skus[line]] += sign * quantity


class LakeBooks:
    """The rows of one history, and what they must say."""

    def __init__(self) -> None:
        self._folds: dict[tuple[str, str], Any] = {}
        self._units: dict[str, UnitsBook] = {}
        self._sold: dict[str, Counter[str]] = {}
        self._money: Counter[str] = Counter()
        self._statuses: dict[str, list[str]] = {}
        self._moves: dict[str, StockMove] = {}
        self._summed: Counter[str] = Counter()
        self._uneven: list[str] = []

    def fold(self, kind: str, key: str, event: Event, at: float) -> None:
        """One event, as an entry of its own."""
        if kind not in READ:
            return
        story = STORIES[kind]
        before = self._folds.setdefault((kind, key), story.new(key))
        if kind == "order":
            self._units.setdefault(key, UnitsBook()).fold(event)
        for row in story.rows(Where(0, 1, int(at * 1_000)), before, [event], AROUND):
            match row:
                case Sale():
                    self._sold.setdefault(key, Counter())[row.sku] += row.units
                    self._money[key] += row.total
                    if row.total != row.net + row.tax:
                        self._uneven.append(key)
                case OrderRow():
                    self._statuses.setdefault(key, []).append(row.status)
                case StockMove():
                    self._moves[key] = row
                    self._summed[key] += row.on_hand_change

    def faults(self, orders: Mapping[str, OrderBook], stocks: Mapping[str, StockBook]) -> Iterator[str]:
        """What the lake says otherwise than the books, once everything has settled."""
        for key in self._uneven:
            yield f"order {key} has a row in the lake whose net and tax aren't its total"
        for key, order in orders.items():
            yield from self._faults_of_order(key, order)
        for key, stock in stocks.items():
            move = self._moves.get(key)
            told = (move.on_hand, move.reserved, self._summed[key]) if move is not None else (0, 0, 0)
            if told != (stock.on_hand, stock.reserved, stock.on_hand):
                yield f"stock {key} has {stock.on_hand} on hand and {stock.reserved} reserved, in the lake {told}"

    def _faults_of_order(self, key: str, order: OrderBook) -> Iterator[str]:
        sold = {sku: units for sku, units in self._sold.get(key, Counter()).items() if units}
        wanted = {sku: units for sku, units in self._units[key].sold.items() if units}
        if sold != wanted:
            yield f"order {key} sold {wanted}, in the lake {sold}"
        if order.done and self._money[key] != (money := money_of(order)):
            yield f"order {key} is worth {money}, in the lake {self._money[key]}"
        statuses = self._statuses.get(key, [])
        last = "confirmed" if statuses[-1:] == ["reopened"] else "".join(statuses[-1:])
        if order.done and order.confirmed and last != order.shown:
            yield f"order {key} is {order.shown}, in the lake {statuses}"
        if statuses.count("confirmed") != order.confirmed:
            yield f"order {key} is confirmed {statuses.count('confirmed')} times in the lake"


def money_of(order: OrderBook) -> int:
    """What was charged for the order and not given back, of gift cards, too. What an edit took that didn't come about
    is no sale's."""
    if not order.confirmed or order.status == "cancelled":
        return 0
    if order.after is None:
        return order.total
    given_up = {
        edit.payment_id: edit.captured for edit in order.after.edits.values() if edit.captured and edit.ended != "done"
    }
    of_those = sum(
        amount
        for name, (payment_id, amount, state) in order.after.refunds.items()
        if payment_id in given_up and state != "refused" and not name.startswith("surplus-")
    )
    return order.after.captured() - order.after.asked_back() - (sum(given_up.values()) - of_those)
