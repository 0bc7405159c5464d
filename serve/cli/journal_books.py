"""The books of a shop, kept a second time from its events alone: what must be true of every stock and order.

It shares no arithmetic with the engine: quantities are counted anew, and each reservation is followed by its name.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from engine.backorders import Backordered, BackorderFilled, BackorderReturned, BackorderSold
from engine.cart import Line
from engine.incoming import Dispatched
from engine.kernel import Event
from engine.money import Money
from engine.order import Order, Status
from engine.order.state import Payment, Step, participant_at
from engine.pricing import adds_up
from engine.stock import STOCK, Adjusted, Committed, Expired, Received, Released, Reserved, Returned, Stock

ORDER_PREFIX = "ord_"


class End(StrEnum):
    """How far a reservation has come, as the stock's events tell."""

    OPEN = "open"
    SOLD = "sold"
    RETURNED = "returned"
    RELEASED = "released"
    EXPIRED = "expired"
    PROMISED = "promised"
    """Open, with units that aren't here."""
    OWED = "owed"
    """Sold, with units that aren't here."""


class Claim(NamedTuple):
    """What an order says of one of its reservations."""

    order_id: str
    quantity: int
    may_be: frozenset[End | None]
    """None: the stock never heard of it."""


class StockBooks:
    """One stock's events, added up on top of its `opening` state: that of trimmed events, or nothing."""

    def __init__(self, opening: Stock | None = None) -> None:
        self.carried_over = 0 if opening is None else opening.on_hand
        self.complete = opening is None or not opening.version
        """Whether the books know of every reservation there ever was; else of those that were open at their opening."""
        self.received = 0
        self.adjusted = 0
        self.dispatched = 0
        self.sold = 0
        self.returned = 0
        self.held = 0
        self.reservations: dict[str, tuple[End, int]] = {}
        self.parts: dict[str, int] = {}
        """Units that came back in part, by order."""
        for name, hold in opening.open.items() if opening is not None else ():
            self.reservations[name] = (End.OPEN, hold.quantity)
            self.held += hold.quantity
        for name, promise in opening.promises.items() if opening is not None else ():
            self.reservations[name] = (End.OWED if promise.paid else End.PROMISED, promise.quantity)
        self.cancelled: dict[str, int] = {}
        """Units of a reservation that were wanted no more before they were here."""

    @property
    def on_hand(self) -> int:
        return self.carried_over + self.received + self.adjusted + self.returned - self.sold - self.dispatched

    def record(self, event: Event) -> Iterator[str]:
        """Count the event; yields what is wrong with it."""
        match event:
            case Received():
                self.received += event.quantity
            case Adjusted():
                self.adjusted += event.delta
            case Dispatched():
                self.dispatched += event.quantity
            case Reserved(reservation_id=name):
                if name in self.reservations:
                    yield f"reservation {name} begins a second time"
                self.reservations[name] = (End.OPEN, event.quantity)
                self.held += event.quantity
            case Backordered(reservation_id=name):
                if name in self.reservations:
                    yield f"reservation {name} begins a second time"
                self.reservations[name] = (End.PROMISED, event.quantity)
            case BackorderSold() | BackorderFilled() | BackorderReturned():
                yield from self._follow_promise(event)
            case Committed(reservation_id=name):
                yield from self._end(name, End.SOLD, event.quantity)
                self.sold += event.quantity
            case Released(reservation_id=name):
                yield from self._end(name, End.RELEASED, event.quantity)
            case Expired(reservation_id=name):
                yield from self._end(name, End.EXPIRED, event.quantity)
            case Returned(reservation_id=name) if name.count(":") > 1:
                # Units of a sale that came back in part, under a name of their own.
                self.returned += event.quantity
                order_id = name.partition(":")[0]
                self.parts[order_id] = self.parts.get(order_id, 0) + event.quantity
            case Returned(reservation_id=name):
                # One that was sold before the books were opened is sold.
                unknown = (None, 0) if self.complete else (End.SOLD, event.quantity)
                end, quantity = self.reservations.get(name, unknown)
                if end is not End.SOLD or quantity != event.quantity:
                    yield f"reservation {name} returns {event.quantity}, but is {end or 'unknown'} with {quantity}"
                self.reservations[name] = (End.RETURNED, event.quantity)
                self.returned += event.quantity

    def _follow_promise(self, event: BackorderSold | BackorderFilled | BackorderReturned) -> Iterator[str]:
        name = event.promise_id if isinstance(event, BackorderReturned) else event.reservation_id
        before, quantity = self.reservations.get(name, (None, 0))
        if before not in (End.PROMISED, End.OWED):
            yield f"reservation {name} is {before or 'unknown'}, not promised"
        match event:
            case BackorderSold():
                self.reservations[name] = (End.OWED, quantity)
            case BackorderFilled():
                if quantity != event.quantity:
                    yield f"reservation {name} was promised {quantity}, but {event.quantity} are here for it"
                self.reservations[name] = (End.OPEN, quantity)
                self.held += quantity
            case BackorderReturned(reservation_id=as_name, quantity=units):
                left = quantity - units
                if as_name == name:
                    self.reservations[name] = (End.RETURNED, units)
                else:
                    self.reservations[name] = (End.OWED, left)
                    self.cancelled[name] = self.cancelled.get(name, 0) + units

    def _end(self, name: str, end: End, quantity: int) -> Iterator[str]:
        before, held = self.reservations.get(name, (None, 0))
        if before is End.OPEN:
            self.held -= held
            if held != quantity:
                yield f"reservation {name} held {held}, but {quantity} are {end}"
        elif before is End.PROMISED and not quantity:
            quantity = held
        elif before is not None or end is not End.RELEASED or quantity:
            # Only a release may come for a reservation that never was: it keeps it from beginning.
            yield f"reservation {name} is {end}, but was {before or 'unknown'} before"
        self.reservations[name] = (end, held if before is End.OPEN else quantity)

    def compare(self, stock: Stock) -> Iterator[str]:
        """What differs between these books and the engine's."""
        if stock.on_hand != self.on_hand:
            yield (
                f"on_hand is {stock.on_hand}, but {self.carried_over} carried over + {self.received} received + "
                f"{self.returned} returned + {self.adjusted} adjusted - {self.sold} sold - "
                f"{self.dispatched} dispatched = {self.on_hand}"
            )
        if stock.reserved != self.held:
            yield f"reserved is {stock.reserved}, but the open reservations hold {self.held}"
        if min(stock.on_hand, stock.reserved, stock.on_hand - stock.reserved) < 0:
            yield f"oversold: on_hand is {stock.on_hand} with {stock.reserved} reserved"

    def settle(self, claims: dict[str, Claim], known_orders: set[str]) -> Iterator[str]:
        """What differs between the stock and the orders that name it."""
        for name, claim in claims.items():
            end, quantity = self.reservations.get(name, (None, claim.quantity))
            if end is None and not self.complete:
                # It ended before the books were opened.
                continue
            if _as_claimed(end) not in claim.may_be:
                expected = " or ".join(sorted(str(each or "unknown") for each in claim.may_be))
                yield f"order {claim.order_id} has {name} as {expected}, the stock as {end or 'unknown'}"
            elif quantity + self.cancelled.get(name, 0) != claim.quantity and end in (End.OPEN, End.SOLD, End.RETURNED):
                yield f"order {claim.order_id} asked for {claim.quantity}, reservation {name} has {quantity}"
        sold = dict.fromkeys(self.parts, 0)
        for name, (end, quantity) in self.reservations.items():
            order_id = name.partition(":")[0]
            if end is End.SOLD and order_id in sold:
                sold[order_id] += quantity
            if end is End.SOLD and order_id.startswith(ORDER_PREFIX) and order_id not in known_orders:
                yield f"reservation {name} is sold to an order that is not in the journal"
        for order_id, units in sold.items():
            if self.complete and self.parts[order_id] > units:
                yield f"order {order_id} gives {self.parts[order_id]} back in part, but bought {units}"


def _as_claimed(end: End | None) -> End | None:
    """How an order sees a reservation: whether its units are here yet makes no difference to it."""
    return {End.PROMISED: End.OPEN, End.OWED: End.SOLD}.get(end, end) if end is not None else None


NOT_SOLD = frozenset((None, End.RELEASED, End.EXPIRED))
CLAIMS = {
    Step.WAITING: frozenset((None,)),
    Step.SPARED: frozenset((None,)),
    Step.HELD: frozenset((End.OPEN, End.SOLD, End.RELEASED, End.EXPIRED)),
    Step.SOLD: frozenset((End.SOLD, End.RETURNED)),
    Step.REFUSED: NOT_SOLD,
    Step.LOST: frozenset((End.RELEASED, End.EXPIRED)),
    Step.RELEASED: frozenset((End.RELEASED, End.EXPIRED)),
    Step.RETURNED: frozenset((End.RETURNED,)),
}
"""What the stock may say of a line that the order has brought so far. Of one that was only asked for it may say all."""


def claims_of(order: Order) -> Iterator[tuple[str, str, Claim]]:
    """The order's reservations: stock, reservation id, and what the stock should have recorded of it."""
    for index, step in enumerate(order.steps):
        part = participant_at(order, index)
        may_be = CLAIMS.get(step)
        if order.status in (Status.CONFIRMED, Status.FULFILLED):
            may_be = frozenset((End.SOLD,))
        if may_be is not None and part.kind == STOCK.name:
            yield part.key, f"{order.order_id}:{index}", Claim(order.order_id, part.quantity, may_be)


def faults_of(order: Order) -> Iterator[str]:
    """What an order says that can't be."""
    if order.status is None:
        yield "was never placed"
        return
    if order.quote is not None:
        if not adds_up(order.quote, order.lines) or order.total != Money(order.quote.total, order.quote.currency):
            yield f"costs {order.total}, but its quote doesn't add up to that"
    elif order.total is not None and order.total.amount != sum(map(_cost, order.lines)):
        yield f"costs {order.total.amount}, but its lines {sum(map(_cost, order.lines))}"
    if order.status in (Status.CONFIRMED, Status.FULFILLED):
        if unsold := [participant_at(order, i).key for i, step in enumerate(order.steps) if step is not Step.SOLD]:
            yield f"is {order.status}, but {', '.join(unsold)} is not sold"
        paid = order.payment is Payment.CAPTURED or (order.payment is Payment.ELSEWHERE and bool(order.source))
        if not paid and (order.total is None or order.due.amount):
            yield f"is {order.status}, but its payment is {order.payment}"


def _cost(line: Line) -> int:
    return line.price.amount * line.quantity
