"""Orders: the ledger of sales, the changes of their status, and what they wanted and did not get."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from engine.kernel import Event, tag_of
from engine.order import ORDER, Order, Status
from engine.order.aftersale.cancellation import UnitsCancelled
from engine.order.aftersale.edits import EditEnded
from engine.order.aftersale.fulfilment import ShipmentMoved
from engine.order.aftersale.records import ReturnStatus
from engine.order.aftersale.refunds import PartRefundRefused, RefundAsked
from engine.order.aftersale.returns import ReturnSettled
from engine.order.aftersale.state import status_of
from engine.order.events import (
    CartTaken,
    OrderCancelled,
    OrderConfirmed,
    OrderExpired,
    OrderFulfilled,
    OrderPlaced,
    OrderRejected,
)
from engine.order.importing import OrderImported, ReturnImported
from engine.order.ownership import has_account
from engine.order.state import participant_at

from ..tables import OrderRow, Refusal, Row, Sale
from .around import Around, Where, happened_at
from .ledger import NO_LINE, NOTHING, Amounts, Standing, standing_of


class Cause(NamedTuple):
    """Why the ledger moves: the rows' kind, and what people said of it, for each line or for all (`NO_LINE`)."""

    kind: str
    reasons: Mapping[int, str] = {}

    def reason(self, line: int) -> str:
        return self.reasons.get(line, self.reasons.get(NO_LINE, ""))


SALE = Cause("sale")


def _settled(order: Order, event: ReturnSettled) -> Cause:
    kind = "return" if event.status is ReturnStatus.REFUNDED else "exchange"
    return Cause(kind, _reasons_of_return(order, event.return_id))


def _asked(order: Order, event: RefundAsked) -> Cause:
    """By its id: what causes a refund names it."""
    source, _, name = event.refund_id.partition("/")[0].partition("-")
    if source == "return":
        return Cause("return", _reasons_of_return(order, name))
    return Cause({"cancel": "cancel", "edit": "exchange"}.get(source, "refund"), {NO_LINE: event.reason})


def _reasons_of_return(order: Order, return_id: str) -> Mapping[int, str]:
    known = order.after.returns.get(return_id) if order.after is not None else None
    return {each.line: str(each.reason) for each in known.units} if known is not None else {}


CAUSES: Mapping[type[Event], Callable[[Order, Any], Cause]] = {
    OrderImported: lambda _order, _event: SALE,
    ReturnImported: lambda _order, _event: Cause("return"),
    OrderConfirmed: lambda _order, _event: SALE,
    OrderCancelled: lambda _order, event: Cause("cancel", {NO_LINE: event.note}),
    UnitsCancelled: lambda _order, event: Cause("cancel", {NO_LINE: event.reason}),
    ReturnSettled: _settled,
    RefundAsked: _asked,
    PartRefundRefused: lambda _order, event: Cause("reversal", {NO_LINE: event.code}),
    EditEnded: lambda _order, _event: Cause("exchange"),
}
"""The events after which an order can stand for something else than before."""

MOVES_STATUS = (OrderConfirmed, OrderRejected, OrderExpired, OrderCancelled, OrderFulfilled, ShipmentMoved, EditEnded)

TELLING = frozenset((*CAUSES, *MOVES_STATUS, OrderPlaced, CartTaken))
"""The others only change the state."""

SHOWN = frozenset(
    (
        Status.CONFIRMED,
        Status.PARTLY_FULFILLED,
        Status.FULFILLED,
        Status.DELIVERED,
        Status.REJECTED,
        Status.EXPIRED,
        Status.CANCELLED,
    )
)


def order_rows(where: Where, order: Order, events: Sequence[Event], around: Around) -> Iterator[Row]:
    """The rows of one entry; `order` is the state before it and is changed."""
    ledger = _Ledger(where, order, around)
    changes = 0
    refusals = 0
    for event in events:
        if type(event) not in TELLING:
            ORDER.apply(order, event)
            continue
        before = status_of(order) if order.status is not None else None
        unknown = order.total is None
        standing = standing_of(order) if type(event) in CAUSES else None
        if isinstance(event, OrderRejected):
            for row in _refusals(where, order, event, refusals):
                refusals += 1
                yield row
        ORDER.apply(order, event)
        if standing is not None:
            ledger.moved(standing, CAUSES[type(event)](order, event), event)
        for told in _statuses_told(order, before, event, unknown=unknown):
            yield _order_row(where, order, told, event, around, changes)
            changes += 1
    yield from ledger.rows()


class _Ledger:
    """The rows of one entry's sales: movements of one kind, line and instant are one row."""

    def __init__(self, where: Where, order: Order, around: Around) -> None:
        self._where = where
        self._order = order
        self._around = around
        self._moved: dict[tuple[str, int, str, int], Amounts] = {}

    def moved(self, before: Standing, cause: Cause, event: Event) -> None:
        """What the order stands for has changed because of the event."""
        after, at = standing_of(self._order), happened_at(self._where, event)
        lines = sorted({*before, *after})
        changes = {line: after.get(line, NOTHING).less(before.get(line, NOTHING)) for line in lines}
        if isinstance(event, ReturnImported):
            changes = _credited(event)
        for line, change in changes.items():
            if not any(change):
                continue
            kind = cause.kind
            if kind == "sale" and line == NO_LINE:
                kind = "shipping"
            elif kind == "exchange" and line not in before and line != NO_LINE:
                # A line that the edit added.
                kind = "sale"
            name = (kind, line, cause.reason(line), at)
            self._moved[name] = self._moved.get(name, NOTHING).plus(change)

    def rows(self) -> Iterator[Sale]:
        order, where = self._order, self._where
        index = 0
        for (kind, line, reason, at), change in self._moved.items():
            if not any(change):
                continue
            sku = _sku_at(order, line)
            product = self._around.product(sku)
            country, region = _destination(order)
            yield Sale(
                shard=where.shard,
                position=where.position,
                index=index,
                at=at,
                kind=kind,
                order_id=order.order_id,
                line=line,
                sku=sku,
                category=product.category,
                vendor=product.vendor,
                units=change.units,
                gross=change.gross,
                discount=change.discount,
                tax=change.tax,
                net=change.net,
                total=change.total,
                currency=order.total.currency if order.total is not None else "",
                customer=_customer(order),
                groups=self._around.groups(order.customer),
                country=country,
                region=region,
                ordered_at=order.settlement.at if order.settlement is not None else 0,
                reason=reason,
            )
            index += 1


def _credited(event: ReturnImported) -> dict[int, Amounts]:
    """What another system gave back for each line, which may be more than the line had cost."""
    return {each.line: Amounts(-each.quantity, -each.amount, 0, 0, -each.amount, -each.amount) for each in event.units}


def _sku_at(order: Order, line: int) -> str:
    if line == NO_LINE:
        return ""
    return order.lines[line].sku if line < len(order.lines) else _added_sku(order, line)


def _added_sku(order: Order, line: int) -> str:
    assert order.after is not None, "only an edit adds lines"
    return order.after.items[line].line.sku


def _customer(order: Order) -> str:
    """A guest is counted by an e-mail address, which has no place here."""
    return order.customer if has_account(order) else ""


def _destination(order: Order) -> tuple[str, str]:
    """Country and region of the delivery; the quote knows them where there is no address."""
    if order.address is not None:
        return order.address.country, order.address.region
    if order.quote is not None and order.quote.region:
        country, _, region = order.quote.region.partition("-")
        return country.upper(), region.upper()
    return "", ""


def _statuses_told(order: Order, before: Status | None, event: Event, *, unknown: bool) -> Sequence[str]:
    """The status that the event leads to, if that is another and people are told of it.

    An order counts as placed once its lines are known: `unknown` says that they weren't before the event.
    """
    if isinstance(event, OrderPlaced | CartTaken):
        return ("placed",) if unknown and order.total is not None else ()
    if isinstance(event, OrderImported):
        return ("confirmed", str(status_of(order)))
    if not isinstance(event, (*MOVES_STATUS, UnitsCancelled)):
        return ()
    status = status_of(order)
    if status is before or status not in SHOWN:
        return ()
    # Its parcels have come back. It was confirmed once, and is counted once.
    again = status is Status.CONFIRMED and not isinstance(event, OrderConfirmed)
    return ("reopened",) if again else (str(status),)


def _order_row(where: Where, order: Order, status: str, event: Event, around: Around, index: int) -> OrderRow:
    country, region = _destination(order)
    return OrderRow(
        shard=where.shard,
        position=where.position,
        index=index,
        at=happened_at(where, event),
        order_id=order.order_id,
        status=status,
        reason=_reason_of(event),
        lines=len(order.lines),
        units=sum(line.quantity for line in order.lines),
        total=order.total.amount if order.total is not None else 0,
        currency=order.total.currency if order.total is not None else "",
        customer=_customer(order),
        groups=around.groups(order.customer),
        country=country,
        region=region,
        gateway=order.gateway,
        cart_id=order.cart_id,
        coupons=",".join(order.quote.coupons) if order.quote is not None else "",
        guest=not has_account(order),
        imported=bool(order.source),
        placed_at=order.placed_at,
    )


def _reason_of(event: Event) -> str:
    match event:
        case OrderRejected(reason=reason):
            return str(reason)
        case OrderExpired():
            return "payment-expired"
        case OrderCancelled(note=note):
            return note
        case UnitsCancelled(reason=reason):
            return reason
    return ""


def _refusals(where: Where, order: Order, event: OrderRejected, first: int) -> Iterator[Refusal]:
    """Every line that was short, or whatever else was refused, before the rejection forgets them."""
    prices = {line.sku: line.price for line in order.lines}
    for index, (participant, refused) in enumerate(order.refusals.items()):
        sku = tag_of(participant_at(order, participant).key)
        price = prices.get(sku)
        yield Refusal(
            shard=where.shard,
            position=where.position,
            index=first + index,
            at=happened_at(where, event),
            order_id=order.order_id,
            sku=sku if price is not None or participant_at(order, participant).kind == "stock" else "",
            reason=str(refused.reason),
            requested=int(refused.details.get("requested", participant_at(order, participant).quantity)),
            available=int(refused.details.get("available", 0)),
            price=price.amount if price is not None else 0,
            currency=order.total.currency if order.total is not None else "",
            customer=_customer(order),
        )
