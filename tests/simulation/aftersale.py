"""Orders after their sale: what people at several counters do with one order at the same time, and the books of it.

Units of a line are in one place: to be shipped, packed, shipped, lost, or cancelled and in their stock again. Money
that goes back, and money that is on its way back, is never more than what was captured.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from engine.cart import Line
from engine.kernel import Command, Event, Reply
from engine.money import Money
from engine.order import Cancel, Fulfil, LookOrder, Place
from engine.order.aftersale import cancellation, edits, fulfilment, notes, refunds, returns
from engine.order.aftersale.records import Finding, LineUnits, ReturnedUnits, ReturnReason, ShipmentStatus

from .bank import TREATMENTS

PATIENCE_S = 4.0
"""How long a counter waits for the order to be bought."""


@dataclass(frozen=True)
class Counter:
    """What one counter does with one order."""

    at: float
    front: int
    order_id: str
    place: Place
    steps: tuple[tuple[float, Command], ...]


def draw_counters(
    random: Random, fronts: int, purchases: Sequence[tuple[float, str, Place]], skus: tuple[str, ...]
) -> tuple[Counter, ...]:
    """The counters of one history: none, or one to three for some of its purchases."""
    busy = random.choice((0.0, 0.2, 0.5))
    return tuple(
        Counter(
            at + random.random(),
            random.randrange(fronts),
            order_id,
            place,
            tuple(
                (random.choice((0.0, 0.0, 0.3, 2.0)), command)
                for step in _script(random, f"{order_id}-{counter}"[-30:], place.lines, skus)
                for command in [step] * random.choice((1, 1, 2))
            ),
        )
        for at, order_id, place in purchases
        if random.random() < busy
        for counter in range(random.choice((1, 2, 3)))
    )


def _script(random: Random, name: str, lines: tuple[Line, ...], skus: tuple[str, ...]) -> Iterator[Command]:
    units = (LineUnits(random.randrange(len({line.sku for line in lines})), random.choice((1, 1, 2))),)
    total = sum(line.price.amount * line.quantity for line in lines)
    match random.choice(("cancel", "parcel", "return", "return", "exchange", "refund", "edit", "edit", "whole")):
        case "cancel":
            yield cancellation.CancelUnits(name, units, "too many", "customer")
        case "parcel":
            yield from _parcel(random, name, units, random.choice(list(ShipmentStatus)))
        case "return":
            yield from _return(random, name, units)
            yield returns.RefundReturn(name, fee=random.choice((0, 0, 7)), by="shop")
        case "exchange":
            yield from _return(random, name, units)
            yield from _edit(random, name, skus, return_id=name)
        case "refund":
            yield refunds.RefundOrder(name, random.choice((1, total // 2, total)), reason="sorry", by="shop")
            yield notes.AddNote(name, "was angry")
        case "edit":
            yield from _edit(random, name, skus, units if random.random() < 0.6 else ())
        case _:
            yield random.choice((Fulfil("shop"), Cancel("changed my mind", "customer")))


def _parcel(random: Random, name: str, units: tuple[LineUnits, ...], end: ShipmentStatus) -> Iterator[Command]:
    yield fulfilment.CreateShipment(name, units, "DHL", "JD0146", by="shop")
    if random.random() < 0.8:
        yield fulfilment.MoveShipment(name, ShipmentStatus.SHIPPED, by="shop")
    yield fulfilment.MoveShipment(name, end, by="carrier")


def _return(random: Random, name: str, units: tuple[LineUnits, ...]) -> Iterator[Command]:
    yield from _parcel(random, name, units, ShipmentStatus.DELIVERED)
    back = tuple(ReturnedUnits(each.line, each.quantity, ReturnReason.DAMAGED) for each in units)
    yield returns.RequestReturn(name, back, by="customer")
    yield returns.AnswerReturn(name, random.random() < 0.9, by="shop")
    if random.random() < 0.1:
        yield returns.WithdrawReturn(name, "customer")
    yield returns.ReceiveReturn(name, "shop")
    found = tuple(Finding(each.line, each.quantity - 1, 1) for each in units)
    restocked = tuple(Finding(each.line, each.quantity, 0) for each in units)
    yield returns.InspectReturn(name, random.choice((found, restocked)), by="shop")


def _edit(
    random: Random, name: str, skus: tuple[str, ...], units: tuple[LineUnits, ...] = (), return_id: str = ""
) -> Iterator[Command]:
    added = (Line(random.choice(skus), 1, Money(random.choice((0, 50, 400)), "USD")),)
    if units and random.random() < 0.3:
        added = ()
    yield edits.EditOrder(name, added, units, return_id, random.choice((2, 10, 60)), by="shop")
    for _ in range(random.choice((0, 1, 1, 2))):
        (token,) = random.choices(list(TREATMENTS), weights=list(TREATMENTS.values()))
        yield edits.PayEdit(name, "bank", token, "customer")
    if random.random() < 0.2:
        yield edits.WithdrawEdit(name, "shop")


async def serve(counter: Counter, ask: Callable[..., Awaitable[Reply]]) -> None:
    """Do it once the order is bought; what is refused is refused."""
    await asyncio.sleep(counter.at)
    await ask(counter.front, "order", counter.order_id, counter.place, settle_s=PATIENCE_S)
    for pause_s, command in counter.steps:
        await asyncio.sleep(pause_s)
        await ask(counter.front, "order", counter.order_id, command)
    await ask(counter.front, "order", counter.order_id, LookOrder())


class Wrong(Exception):
    """The events break an invariant."""

    def __init__(self, what: str) -> None:
        super().__init__(what)


@dataclass
class ItemBook:
    """Where the units of one line are."""

    sku: str
    bought: int
    price: int
    cancelled: int = 0
    packed: int = 0
    shipped: int = 0
    delivered: int = 0
    lost: int = 0
    locked: int = 0
    returning: int = 0
    restocked: int = 0

    def check(self) -> None:
        gone = self.cancelled + self.packed + self.shipped + self.lost + self.locked
        counts = (self.cancelled, self.packed, self.shipped, self.lost, self.locked, self.returning, self.restocked)
        if gone > self.bought or min(counts) < 0:
            raise Wrong(
                f"of {self.bought} units of {self.sku} {counts} are cancelled, packed, shipped, lost, locked, ..."
            )
        if self.returning > self.shipped or self.restocked > self.returning:
            raise Wrong(f"{self.returning} of {self.shipped} units come back, {self.restocked} are restocked")


@dataclass
class EditBook:
    """One edit."""

    begun: edits.EditBegun
    held: dict[int, None] = field(default_factory=dict)
    moved: dict[int, str] = field(default_factory=dict)
    payment: str = "none"
    payment_id: str = ""
    ended: str = ""

    @property
    def captured(self) -> int:
        due = self.begun.due
        return due.amount if due is not None and self.payment == "captured" else 0

    def left_to_do(self) -> str:
        name = self.begun.edit_id
        if not self.ended:
            return f"edit {name} is under way"
        if self.ended == "done":
            return ""
        if any(index not in self.moved for index in self.held):
            return f"edit {name} holds units"
        return f"payment of edit {name} to be undone" if self.payment in ("asked", "pending", "authorized") else ""


@dataclass
class AfterBook:
    """One order after its sale, folded from its events."""

    items: list[ItemBook]
    total: int
    fulfilled: bool = False
    touched: bool = False
    shipments: dict[str, tuple[tuple[LineUnits, ...], str]] = field(default_factory=dict)
    returns: dict[str, tuple[tuple[ReturnedUnits, ...], str]] = field(default_factory=dict)
    refunds: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    """By id: the payment, the amount and `asked`, `done` or `refused`."""
    edits: dict[str, EditBook] = field(default_factory=dict)
    back: dict[str, int] = field(default_factory=dict)
    """Units that go back on hand, by SKU."""
    giving_back: int = 0
    given_back: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.fulfilled:
            for item in self.items:
                item.shipped = item.bought
            units = tuple(LineUnits(index, item.bought) for index, item in enumerate(self.items))
            self.shipments["whole"] = (units, "shipped")
            self.touched = True

    def fold(self, event: Event) -> None:
        _FOLDS[type(event)](self, event)
        self.touched = self.touched or not isinstance(event, notes.NoteAdded)
        for item in self.items:
            item.check()
        if self.asked_back() > self.captured():
            raise Wrong(f"{self.asked_back()} go back of {self.captured()} that were captured")

    def captured(self) -> int:
        return self.total + sum(edit.captured for edit in self.edits.values())

    def asked_back(self, *states: str) -> int:
        """What of the captured money goes back: what was taken by mistake isn't part of it."""
        wanted = states or ("asked", "done")
        return sum(
            amount
            for name, (_, amount, state) in self.refunds.items()
            if state in wanted and not name.startswith("surplus-")
        )

    def kept_by_mistake(self) -> int:
        """What was taken by mistake and the provider won't give back."""
        return sum(
            amount
            for name, (_, amount, state) in self.refunds.items()
            if name.startswith("surplus-") and state == "refused"
        )

    @property
    def status(self) -> str:
        kept = sum(item.bought - item.cancelled for item in self.items)
        left = sum(item.shipped + item.lost for item in self.items)
        arrived = sum(item.delivered for item in self.items)
        if not kept:
            return "cancelled"
        if not left:
            return "confirmed"
        if left < kept:
            return "partly-fulfilled"
        return "delivered" if arrived and arrived + sum(item.lost for item in self.items) == kept else "fulfilled"

    def left_to_do(self) -> str:
        if len(self.given_back) < self.giving_back:
            return "units to give back"
        if any(state == "asked" for _, _, state in self.refunds.values()):
            return "refunds to be answered"
        return next((left for edit in self.edits.values() if (left := edit.left_to_do())), "")

    def go_back(self, sku: str, units: int) -> None:
        if units:
            self.back[sku] = self.back.get(sku, 0) + units
            self.giving_back += 1


def _created(book: AfterBook, event: fulfilment.ShipmentCreated) -> None:
    if event.shipment_id in book.shipments:
        raise Wrong(f"shipment {event.shipment_id} is created twice")
    book.shipments[event.shipment_id] = (event.units, "created")
    for each in event.units:
        book.items[each.line].packed += each.quantity


def _moved(book: AfterBook, event: fulfilment.ShipmentMoved) -> None:
    units, before = book.shipments[event.shipment_id]
    if before in ("delivered", "failed", "returned-to-sender") or before == event.status:
        raise Wrong(f"a shipment that is {before} becomes {event.status}")
    book.shipments[event.shipment_id] = (units, str(event.status))
    for each in units:
        item = book.items[each.line]
        if before == "created":
            item.packed -= each.quantity
        else:
            item.shipped -= each.quantity
        if event.status in ("shipped", "delivered"):
            item.shipped += each.quantity
        if event.status == "delivered":
            item.delivered += each.quantity
        if event.status == "failed" and before == "shipped":
            item.lost += each.quantity


def _cancelled(book: AfterBook, event: cancellation.UnitsCancelled) -> None:
    for each in event.units:
        item = book.items[each.line]
        item.cancelled += each.quantity
        book.go_back(item.sku, each.quantity)


def _given_back(book: AfterBook, event: cancellation.UnitsGivenBack) -> None:
    if event.give_back_id in book.given_back:
        raise Wrong(f"{event.give_back_id} is given back twice")
    book.given_back[event.give_back_id] = None


def _asked(book: AfterBook, event: refunds.RefundAsked) -> None:
    if event.refund_id in book.refunds or event.amount.amount < 1:
        raise Wrong(f"refund {event.refund_id} of {event.amount.amount} is asked for twice, or of nothing")
    book.refunds[event.refund_id] = (event.payment_id, event.amount.amount, "asked")


def _answered(state: str) -> Any:
    def fold(book: AfterBook, event: Any) -> None:
        payment_id, amount, before = book.refunds[event.refund_id]
        if before != "asked":
            raise Wrong(f"refund {event.refund_id}, which is {before}, is {state}")
        book.refunds[event.refund_id] = (payment_id, amount, state)

    return fold


def _requested(book: AfterBook, event: returns.ReturnRequested) -> None:
    book.returns[event.return_id] = (event.units, "requested")
    for each in event.units:
        book.items[each.line].returning += each.quantity


def _return_moved(book: AfterBook, event: returns.ReturnMoved) -> None:
    units, _ = book.returns[event.return_id]
    book.returns[event.return_id] = (units, str(event.status))
    for each in units if event.status in ("refused", "withdrawn") else ():
        book.items[each.line].returning -= each.quantity


def _inspected(book: AfterBook, event: returns.ReturnInspected) -> None:
    units, before = book.returns[event.return_id]
    if before != "received":
        raise Wrong(f"a return that is {before} is inspected")
    book.returns[event.return_id] = (units, "inspected")
    expected = {each.line: each.quantity for each in units}
    for found in event.findings:
        item = book.items[found.line]
        item.returning -= expected[found.line] - found.restocked - found.written_off
        item.restocked += found.restocked
        book.go_back(item.sku, found.restocked)


def _settled(book: AfterBook, event: returns.ReturnSettled) -> None:
    units, before = book.returns[event.return_id]
    if before != "inspected":
        raise Wrong(f"a return that is {before} is {event.status}")
    book.returns[event.return_id] = (units, str(event.status))


def _begun(book: AfterBook, event: edits.EditBegun) -> None:
    if any(not edit.ended for edit in book.edits.values()):
        raise Wrong("two edits are under way")
    book.edits[event.edit_id] = EditBook(event)
    for each in event.removed:
        book.items[each.line].locked += each.quantity


def _edit_held(book: AfterBook, event: edits.EditLineHeld) -> None:
    book.edits[event.edit_id].held[event.line] = None


def _pay_asked(book: AfterBook, event: Any) -> None:
    edit = book.edits[event.edit_id]
    if edit.ended or edit.payment == "captured":
        raise Wrong(f"an edit that is {edit.ended or 'paid'} asks for a payment")
    edit.payment = "asked"


def _pay_moved(book: AfterBook, event: edits.EditPaymentMoved) -> None:
    edit = book.edits[event.edit_id]
    if event.payment == "captured" and (edit.payment == "captured" or edit.ended):
        raise Wrong(f"edit {event.edit_id} is paid twice, or too late")
    edit.payment, edit.payment_id = str(event.payment), event.payment_id


def _declined(book: AfterBook, event: edits.EditPaymentDeclined) -> None:
    book.edits[event.edit_id].payment = "none"


def _edit_line_moved(book: AfterBook, event: edits.EditLineMoved) -> None:
    book.edits[event.edit_id].moved[event.line] = str(event.step)


def _edit_ended(book: AfterBook, event: edits.EditEnded) -> None:
    edit = book.edits[event.edit_id]
    if edit.ended:
        raise Wrong(f"an edit that is {edit.ended} becomes {event.status}")
    edit.ended = str(event.status)
    done = edit.ended == "done"
    if done and edit.begun.due is not None and edit.payment != "captured":
        raise Wrong(f"edit {event.edit_id} is done without its money")
    for each in edit.begun.removed:
        item = book.items[each.line]
        item.locked -= each.quantity
        if done:
            item.cancelled += each.quantity
            book.go_back(item.sku, each.quantity)
    for index, line in enumerate(edit.begun.added):
        if done:
            book.items.append(ItemBook(line.sku, line.quantity, line.price.amount))
        elif edit.moved.get(index) == "sold":
            book.go_back(line.sku, line.quantity)


def _nothing(_book: AfterBook, _event: Event) -> None:
    """A note that changes nothing for the auditor."""


_FOLDS: dict[type[Event], Any] = {
    fulfilment.ShipmentCreated: _created,
    fulfilment.ShipmentTracked: _nothing,
    fulfilment.ShipmentMoved: _moved,
    cancellation.UnitsCancelled: _cancelled,
    cancellation.UnitsGivenBack: _given_back,
    refunds.RefundAsked: _asked,
    refunds.PartRefunded: _answered("done"),
    refunds.PartRefundRefused: _answered("refused"),
    returns.ReturnRequested: _requested,
    returns.ReturnMoved: _return_moved,
    returns.ReturnInspected: _inspected,
    returns.ReturnSettled: _settled,
    edits.EditBegun: _begun,
    edits.EditLineHeld: _edit_held,
    edits.EditPaymentAsked: _pay_asked,
    edits.EditPaymentAskedAgain: _pay_asked,
    edits.EditPaymentMoved: _pay_moved,
    edits.EditPaymentDeclined: _declined,
    edits.EditLineMoved: _edit_line_moved,
    edits.EditEnded: _edit_ended,
    notes.NoteAdded: _nothing,
}
AFTER_SALE = frozenset(_FOLDS)
