"""The auditor's own reading of the journal: what each entity must look like after the events that were recorded.

Written from the design's words, not from the engine's code, of which only the event types are known here.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine import cart as cart_events
from engine import stock as stock_events
from engine.incoming import Dispatched, ExpectationSet
from engine.kernel import Event
from engine.order import events as order_events

from .aftersale import AFTER_SALE, AfterBook, ItemBook, Wrong

OPEN, COMMITTED, RELEASED, EXPIRED, RETURNED, BARRED = "open", "committed", "released", "expired", "returned", "barred"
DEAD = ("rejected", "expired", "cancelled")


class Broken(Exception):
    """The events break an invariant."""

    def __init__(self, what: str) -> None:
        super().__init__(what)


class Quantities(NamedTuple):
    """A stock at one version, and since when."""

    at: float
    on_hand: int
    reserved: int
    safety_stock: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved - self.safety_stock


@dataclass
class Reservation:
    """One reservation's life."""

    quantity: int
    sequence: int
    expires_at: int
    customer: str
    reserved_at: float
    how: str = OPEN


@dataclass
class StockBook:
    """One SKU."""

    on_hand: int = 0
    reserved: int = 0
    safety_stock: int = 0
    customer_limit: int = 0
    received: int = 0
    adjusted: int = 0
    dispatched: int = 0
    committed: int = 0
    returned: int = 0
    sequences: int = 0
    reservations: dict[str, Reservation] = field(default_factory=dict)
    sold_before: dict[str, Reservation] = field(default_factory=dict)
    """Committed reservations whose name came again after they were forgotten: see `clocks_jumped`."""
    clocks_jumped: bool = False
    """A stock remembers what it sold for some seconds of its wall clock. When that jumps, a hold that a host without
    its shards still asks for may begin again after its sale: it is held once more until it expires, and sold to
    nobody."""
    receipts: dict[str, int] = field(default_factory=dict)
    adjustments: dict[str, int] = field(default_factory=dict)
    dispatches: dict[str, int] = field(default_factory=dict)
    expectations: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Revision and quantity."""
    parts: dict[str, int] = field(default_factory=dict)
    """Units that came back in part, by name."""
    bought: dict[str, int] = field(default_factory=dict)
    history: list[Quantities] = field(default_factory=lambda: [Quantities(0.0, 0, 0, 0)])
    expiries: list[tuple[str, float]] = field(default_factory=list)

    def fold(self, event: Event, at: float) -> None:
        match event:
            case stock_events.Received(receipt_id=receipt, quantity=units):
                self._once(self.receipts, receipt, "receipt", units)
                self.on_hand += units
                self.received += units
            case stock_events.Adjusted(adjustment_id=adjustment, delta=units):
                self._once(self.adjustments, adjustment, "adjustment", units)
                self.on_hand += units
                self.adjusted += units
            case Dispatched(dispatch_id=dispatch, quantity=units):
                self._once(self.dispatches, dispatch, "dispatch", units)
                self.on_hand -= units
                self.dispatched += units
            case ExpectationSet(expectation_id=expectation, revision=revision):
                if revision <= self.expectations.get(expectation, (0, 0))[0]:
                    raise Broken(f"expectation {expectation} goes back to revision {revision}")
                self.expectations[expectation] = (revision, event.quantity)
            case stock_events.PolicySet():
                self._policy(event)
            case stock_events.Reserved():
                self._reserved(event, at)
            case stock_events.Committed(reservation_id=name, quantity=units):
                self._end(name, units, COMMITTED)
                self.on_hand -= units
                self.committed += units
            case stock_events.Released(reservation_id=name, quantity=units):
                self._released(name, units)
            case stock_events.Expired(reservation_id=name, quantity=units):
                self._count_back(self._end(name, units, EXPIRED))
                self.expiries.append((name, at))
            case stock_events.Returned(reservation_id=name, quantity=units):
                self._returned(name, units)
            case stock_events.NextExpiryFound():
                pass
            case _:
                raise Broken(f"a stock recorded {event}")
        self.history.append(Quantities(at, self.on_hand, self.reserved, self.safety_stock))
        self._check()

    def _check(self) -> None:
        if min(self.on_hand, self.reserved) < 0 or self.reserved > self.on_hand:
            raise Broken(f"quantities: {self.on_hand} on hand, {self.reserved} reserved")
        if self.received + self.returned + self.adjusted != self.on_hand + self.committed + self.dispatched:
            raise Broken("received + returned + adjusted is not on hand + committed + dispatched")
        held = sum(each.quantity for each in self.reservations.values() if each.how == OPEN)
        if held != self.reserved:
            raise Broken(f"open reservations hold {held} units, {self.reserved} are reserved")

    def _once(self, seen: dict[str, int], name: str, what: str, units: int) -> None:
        if name in seen:
            raise Broken(f"{what} {name} is booked twice")
        seen[name] = units

    def _policy(self, event: stock_events.PolicySet) -> None:
        if not event.customer_limit:
            self.bought = {}
        elif not self.customer_limit:
            for each in self.reservations.values():
                if each.how == OPEN and each.customer:
                    self.bought[each.customer] = self.bought.get(each.customer, 0) + each.quantity
        self.safety_stock, self.customer_limit = event.safety_stock, event.customer_limit

    def _reserved(self, event: stock_events.Reserved, at: float) -> None:
        known = self.reservations.get(event.reservation_id)
        if known is not None and known.how == COMMITTED and self.clocks_jumped:
            self.sold_before[event.reservation_id] = known
        elif known is not None:
            raise Broken(f"reservation {event.reservation_id}, which is {known.how}, begins again")
        if event.quantity > self.on_hand - self.reserved - self.safety_stock:
            raise Broken(f"reservation {event.reservation_id} holds more than was available")
        self.sequences += 1
        self.reservations[event.reservation_id] = Reservation(
            event.quantity, self.sequences, event.expires_at, event.customer, at
        )
        self.reserved += event.quantity
        if self.customer_limit and event.customer:
            bought = self.bought[event.customer] = self.bought.get(event.customer, 0) + event.quantity
            if bought > self.customer_limit:
                raise Broken(f"{event.customer} holds {bought}, more than the limit of {self.customer_limit}")

    def _end(self, name: str, units: int, how: str) -> Reservation:
        held = self.reservations.get(name)
        if how == COMMITTED and name in self.sold_before:
            raise Broken(f"reservation {name} is sold twice")
        if held is None or held.how != OPEN:
            raise Broken(f"reservation {name}, which is {held.how if held else 'unknown'}, is {how}")
        if held.quantity != units:
            raise Broken(f"reservation {name} of {held.quantity} is {how} with {units}")
        held.how = how
        self.reserved -= units
        return held

    def _released(self, name: str, units: int) -> None:
        if name not in self.reservations:
            self.reservations[name] = Reservation(0, 0, 0, "", 0.0, BARRED)
        else:
            self._count_back(self._end(name, units, RELEASED))

    def line(self, name: str) -> Reservation | None:
        """The reservation that an order's line stands for."""
        return self.sold_before.get(name) or self.reservations.get(name)

    def _returned(self, name: str, units: int) -> None:
        if name.count(":") > 1:
            self._returned_in_part(name, units)
            return
        sold = self.line(name)
        if sold is None or sold.how != COMMITTED or sold.quantity != units:
            raise Broken(f"reservation {name}, which is {sold}, is returned with {units}")
        sold.how = RETURNED
        self.on_hand += units
        self.returned += units
        self._count_back(sold)

    def _returned_in_part(self, name: str, units: int) -> None:
        """Units of an order that come back under a name of their own, as long as it has so many."""
        if name in self.parts:
            raise Broken(f"{name} comes back twice")
        self.parts[name] = units
        order_id = name.partition(":")[0]
        sold = [each for line, each in self.reservations.items() if line.partition(":")[0] == order_id]
        back = sum(quantity for part, quantity in self.parts.items() if part.partition(":")[0] == order_id)
        if back > sum(each.quantity for each in sold if each.how == COMMITTED):
            raise Broken(f"{name}: more comes back than was bought")
        self.on_hand += units
        self.returned += units
        if sold[0].customer in self.bought:
            self.bought[sold[0].customer] = max(0, self.bought[sold[0].customer] - units)

    def _count_back(self, ended: Reservation) -> None:
        if ended.customer in self.bought:
            self.bought[ended.customer] = max(0, self.bought[ended.customer] - ended.quantity)


class Part(NamedTuple):
    """Something that an order reserves."""

    kind: str
    key: str
    quantity: int

    @property
    def turn(self) -> tuple[str, str, str]:
        return self.kind, self.key.partition("@")[0], self.key


@dataclass
class OrderBook:
    """One order."""

    status: str = ""
    placed_at: float = 0.0
    changed_at: float = 0.0
    placed: order_events.OrderPlaced | None = None
    lines: tuple[cart_events.Line, ...] = ()
    parts: list[Part] = field(default_factory=list)
    total: int = 0
    due: int = 0
    """What the provider is asked for: the total without what cards pay."""
    waiting: int = 0
    held: dict[int, int] = field(default_factory=dict)
    sold: dict[int, None] = field(default_factory=dict)
    lost: dict[int, None] = field(default_factory=dict)
    released: dict[int, None] = field(default_factory=dict)
    returned: dict[int, None] = field(default_factory=dict)
    refused: list[tuple[order_events.LineRefused, float]] = field(default_factory=list)
    payment: str = "none"
    captured: str = ""
    captures: int = 0
    surplus: dict[str, str] = field(default_factory=dict)
    undo_refused: bool = False
    seal: str = "none"
    settlement: tuple[str, int] | None = None
    confirmed: bool = False
    after: AfterBook | None = None

    def fold(self, event: Event, at: float) -> None:
        if self.placed is None and not isinstance(event, order_events.OrderPlaced):
            raise Broken(f"an order that was never placed recorded {type(event).__name__}")
        before = self.shown
        if type(event) in AFTER_SALE:
            self._fold_after_sale(event)
        else:
            _ORDER_FOLDS[type(event)](self, event, at)
        if self.shown != before:
            self.changed_at = at

    def _fold_after_sale(self, event: Event) -> None:
        if self.settlement is None:
            raise Broken(f"an order that is {self.status} records {type(event).__name__}")
        if self.after is None:
            items = [ItemBook(line.sku, line.quantity, line.price.amount) for line in self.lines]
            self.after = AfterBook(items, self.total, fulfilled=self.status == "fulfilled")
        try:
            self.after.fold(event)
        except Wrong as wrong:
            raise Broken(str(wrong)) from wrong

    @property
    def shown(self) -> str:
        """The status that the world is told: after the sale it follows from where the units are."""
        if self.after is None or not self.after.touched or self.dead:
            return self.status
        return self.after.status

    def settle(self, status: str, at: int) -> None:
        if self.status in DEAD or (self.status == "fulfilled"):
            raise Broken(f"an order that is {self.status} becomes {status}")
        self.status = status
        if self.settlement is None:
            self.settlement = (status, at)

    @property
    def dead(self) -> bool:
        return self.status in DEAD

    @property
    def done(self) -> bool:
        """Nothing is left to do or to undo."""
        return not self.left_to_do()

    def left_to_do(self) -> str:
        """What the order still waits for, in words."""
        if any(state == "found" for state in self.surplus.values()):
            return "surplus money to give back"
        if self.after is not None and (left := self.after.left_to_do()):
            return left
        if self.status in ("confirmed", "fulfilled"):
            return ""
        if not self.dead:
            return f"still {self.status}"
        for index in range(len(self.parts)):
            if index in self.sold and index not in self.returned:
                return f"line {index} to be returned"
            settled = index in self.released or index in self.sold or index in self.lost or self._was_refused(index)
            if self._was_asked(index) and not settled:
                return f"line {index} to be released"
        if self.seal in ("asked", "held"):
            return "the cart's seal to give back"
        if self.payment in ("asked", "authorized", "captured") and not self.undo_refused:
            return f"payment {self.payment} to be undone"
        return ""

    def _was_asked(self, index: int) -> bool:
        """Parts are reserved one after the other, by kind and then by SKU or key."""
        turn = self.parts[index].turn
        return all(number in self.held for number, part in enumerate(self.parts) if part.turn < turn)

    def _was_refused(self, index: int) -> bool:
        return any(refusal.line == index for refusal, _ in self.refused)


def _placed(book: OrderBook, event: order_events.OrderPlaced, at: float) -> None:
    if book.placed is not None:
        raise Broken("an order is placed twice")
    book.placed, book.placed_at = event, at
    if event.cart_id:
        book.status, book.seal = "sealing", "asked"
    else:
        _reserving(book, event.lines)


def _taken(book: OrderBook, event: order_events.CartTaken, _at: float) -> None:
    if book.status != "sealing":
        raise Broken(f"an order that is {book.status} takes its cart")
    book.seal = "held"
    _reserving(book, event.lines)


def _reserving(book: OrderBook, lines: tuple[cart_events.Line, ...]) -> None:
    book.status = "reserving"
    assert book.placed is not None
    book.lines = lines
    book.parts = _parts_of(book.placed, lines)
    book.total = book.placed.quote.total if book.placed.quote else _cost_of(lines)
    book.due = book.total - sum(claim.quantity for claim in book.placed.claims if claim.pays)
    book.waiting = len(book.parts)


def _cost_of(lines: tuple[cart_events.Line, ...]) -> int:
    return sum(line.price.amount * line.quantity for line in lines)


def _parts_of(placed: order_events.OrderPlaced, lines: tuple[cart_events.Line, ...]) -> list[Part]:
    """What the order must reserve: one part for each stock, however many of its lines need that, and each claim."""
    stocks: dict[str, int] = {}
    if placed.units:
        for units in placed.units:
            key = f"{units.sku}@{units.location}"
            stocks[key] = stocks.get(key, 0) + units.quantity
    else:
        for line in lines:
            stocks[f"{line.sku}@default"] = stocks.get(f"{line.sku}@default", 0) + line.quantity
    parts = [Part("stock", key, quantity) for key, quantity in stocks.items()]
    return parts + [Part(claim.kind, claim.key, claim.quantity) for claim in placed.claims]


def _held(book: OrderBook, event: order_events.LineHeld, _at: float) -> None:
    if book.status != "reserving" or event.line in book.held:
        raise Broken(f"line {event.line} of an order that is {book.status} is held")
    if book.refused or not book._was_asked(event.line):
        raise Broken(f"line {event.line} is held out of turn")
    book.held[event.line] = event.sequence
    book.waiting -= 1
    if not book.waiting and not book.refused:
        book.status = "awaiting-payment" if book.due else "committing"
        book.payment = "asked" if book.due else "none"


def _refused(book: OrderBook, event: order_events.LineRefused, at: float) -> None:
    book.refused.append((event, at))
    book.waiting -= 1


def _available(book: OrderBook, event: order_events.LineAvailable, _at: float) -> None:
    if not book.refused or book._was_asked(event.line):
        raise Broken(f"line {event.line} is only looked at, though it could be held")
    book.waiting -= 1


def _authorized(book: OrderBook, _event: order_events.PaymentAuthorized, _at: float) -> None:
    book.payment = "authorized"


def _captured(book: OrderBook, event: order_events.PaymentCaptured, _at: float) -> None:
    book.captures += 1
    if book.captures > 1 or book.status != "awaiting-payment":
        raise Broken(f"an order that is {book.status} captures its payment number {book.captures}")
    book.payment, book.captured, book.status = "captured", event.payment_id, "committing"


def _surplus(book: OrderBook, event: order_events.SurplusPaymentFound, _at: float) -> None:
    if event.payment_id in book.surplus or event.payment_id == book.captured:
        raise Broken(f"payment {event.payment_id} is found to be surplus, but is known")
    book.surplus[event.payment_id] = "found"


def _line_sold(book: OrderBook, event: order_events.LineSold, _at: float) -> None:
    book.sold[event.line] = None


def _line_lost(book: OrderBook, event: order_events.LineLost, _at: float) -> None:
    book.lost[event.line] = None


def _confirmed(book: OrderBook, event: order_events.OrderConfirmed, _at: float) -> None:
    if book.status != "committing" or book.lost:
        raise Broken(f"an order that is {book.status} and lost lines {list(book.lost)} is confirmed")
    book.settle("confirmed", event.at)
    book.confirmed = True
    book.sold = dict.fromkeys(range(len(book.parts)))
    if book.seal == "held":
        book.seal = "kept"


def _dies(status: str) -> Any:
    def fold(book: OrderBook, event: Any, _at: float) -> None:
        if status == "rejected" and event.reason == "payment-declined" and book.payment == "asked":
            book.payment = "declined"
        book.settle(status, event.at)

    return fold


def _fulfilled(book: OrderBook, _event: order_events.OrderFulfilled, _at: float) -> None:
    if book.status != "confirmed":
        raise Broken(f"an order that is {book.status} is fulfilled")
    book.status = "fulfilled"


def _undone(table: str) -> Any:
    def fold(book: OrderBook, event: Any, _at: float) -> None:
        if not book.dead or event.line in getattr(book, table):
            raise Broken(f"line {event.line} of an order that is {book.status} is {table}")
        getattr(book, table)[event.line] = None

    return fold


def _given_back(book: OrderBook, _event: order_events.CartGivenBack, _at: float) -> None:
    if not book.dead:
        raise Broken(f"an order that is {book.status} gives its cart back")
    book.seal = "given-back"


def _money_undone(payment: str) -> Any:
    def fold(book: OrderBook, _event: Any, _at: float) -> None:
        if not book.dead:
            raise Broken(f"the payment of an order that is {book.status} is {payment}")
        book.payment = payment

    return fold


def _surplus_refunded(book: OrderBook, event: order_events.SurplusRefunded, _at: float) -> None:
    book.surplus[event.payment_id] = "refunded"


def _undo_refused(book: OrderBook, event: order_events.UndoRefused, _at: float) -> None:
    if event.payment_id in book.surplus:
        book.surplus[event.payment_id] = "refused"
    else:
        book.undo_refused = True


def _nothing(_book: OrderBook, _event: Event, _at: float) -> None:
    """A note that changes nothing for the auditor."""


_ORDER_FOLDS: dict[type[Event], Any] = {
    order_events.OrderPlaced: _placed,
    order_events.CartTaken: _taken,
    order_events.LineHeld: _held,
    order_events.LineRefused: _refused,
    order_events.LineAvailable: _available,
    order_events.PaymentPending: _nothing,
    order_events.PaymentAskedAgain: _nothing,
    order_events.PaymentAuthorized: _authorized,
    order_events.PaymentCaptured: _captured,
    order_events.PaymentMismatched: _authorized,
    order_events.SurplusPaymentFound: _surplus,
    order_events.LineSold: _line_sold,
    order_events.LineLost: _line_lost,
    order_events.CancelRequested: _nothing,
    order_events.OrderConfirmed: _confirmed,
    order_events.OrderRejected: _dies("rejected"),
    order_events.OrderExpired: _dies("expired"),
    order_events.OrderCancelled: lambda book, event, at: _cancelled(book, event, at),
    order_events.OrderFulfilled: _fulfilled,
    order_events.LineReleased: _undone("released"),
    order_events.LineReturned: _undone("returned"),
    order_events.CartGivenBack: _given_back,
    order_events.PaymentVoided: _money_undone("voided"),
    order_events.PaymentRefunded: _money_undone("refunded"),
    order_events.SurplusRefunded: _surplus_refunded,
    order_events.UndoRefused: _undo_refused,
}


def _cancelled(book: OrderBook, event: order_events.OrderCancelled, _at: float) -> None:
    if book.status == "fulfilled":
        raise Broken("an order that was fulfilled is cancelled")
    book.settle("cancelled", event.at)


@dataclass
class CartBook:
    """One cart. `history` has the lines at each version."""

    version: int = 0
    lines: dict[str, cart_events.Line] = field(default_factory=dict)
    sealed_by: str = ""
    added: dict[str, int] = field(default_factory=dict)
    """The quantity that an addition brought its line to."""
    history: dict[int, dict[str, int]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    """The quantities of additions, by id, as the shoppers asked."""

    def fold(self, event: Event, _at: float) -> None:
        match event:
            case cart_events.CartSealed(order_id=order_id):
                if self.sealed_by:
                    raise Broken(f"a cart sealed by {self.sealed_by} is sealed by {order_id}")
                self.sealed_by = order_id
            case cart_events.CartUnsealed(order_id=order_id):
                if self.sealed_by != order_id:
                    raise Broken(f"a cart sealed by {self.sealed_by or 'nobody'} is unsealed by {order_id}")
                self.sealed_by = ""
            case cart_events.OrderBarred():
                return
            case _:
                if self.sealed_by:
                    raise Broken(f"a cart sealed by {self.sealed_by} records {type(event).__name__}")
                self._change(event)
        self.version += 1
        self.history[self.version] = {sku: line.quantity for sku, line in self.lines.items()}

    def _change(self, event: Event) -> None:
        match event:
            case cart_events.LineSet(line=line, command_id=command_id):
                if command_id:
                    self._added(line, command_id)
                self.lines[line.sku] = line
            case cart_events.LineRemoved(sku=sku):
                del self.lines[sku]
            case cart_events.CartCleared():
                self.lines.clear()

    def _added(self, line: cart_events.Line, command_id: str) -> None:
        if command_id in self.added:
            raise Broken(f"addition {command_id} is made twice")
        held = self.lines[line.sku].quantity if line.sku in self.lines else 0
        wanted = held + self.asked[command_id]
        if line.quantity != wanted:
            raise Broken(f"addition {command_id} makes the line {line.quantity}, not {wanted}")
        self.added[command_id] = line.quantity
