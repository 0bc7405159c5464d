"""What an order keeps after its sale, and what can be read from it: the order's status, and its money."""

from typing import TYPE_CHECKING, Any

import msgspec

from ...kernel import Rejected, invalid
from ...reasons import Reason
from ...stock import stock_key
from ..messages import Status
from .records import (
    AfterSaleView,
    Cancellation,
    Edit,
    EditPayment,
    EditStatus,
    Item,
    LineUnits,
    Note,
    Refund,
    RefundStatus,
    Return,
    Shipment,
    ShipmentStatus,
)

if TYPE_CHECKING:
    from ..state import Order

LONGEST_ID = 40
"""Characters of an id that comes from outside: with the order's id it still fits a payment provider's key."""
LONGEST_NAME = 255
"""Characters of a reason, a carrier, a tracking number, or whoever did it."""
LONGEST_TEXT = 2_000
"""Characters of a note or an address on the web."""

WHOLE = "whole"
"""The shipment of an order that left as a whole before anybody wrote shipments."""


class GiveBack(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units that go back on hand; gone from the state once their stock has answered."""

    key: str
    quantity: int
    kind: str = "stock"
    """Of the entity that gets them back: a stock, or what else the order had claimed."""


class AfterSale(msgspec.Struct, array_like=True, gc=False):
    """The state after the sale. Its records are frozen: a copy of its containers is a copy of all."""

    items: list[Item]
    shipments: dict[str, Shipment] = {}
    cancellations: dict[str, Cancellation] = {}
    returns: dict[str, Return] = {}
    refunds: dict[str, Refund] = {}
    edits: dict[str, Edit] = {}
    notes: dict[str, Note] = {}
    giving_back: dict[str, GiveBack] = {}

    def copied(self) -> "AfterSale":
        """The same state, to be changed apart."""
        return AfterSale(
            list(self.items),
            dict(self.shipments),
            dict(self.cancellations),
            dict(self.returns),
            dict(self.refunds),
            dict(self.edits),
            dict(self.notes),
            dict(self.giving_back),
        )

    @property
    def untouched(self) -> bool:
        """Only notes were written: the order is as its checkout left it."""
        return not (self.shipments or self.cancellations or self.returns or self.refunds or self.edits)

    @property
    def edit_under_way(self) -> Edit | None:
        """Only the last edit can be."""
        last = next(reversed(self.edits.values()), None)
        return last if last is not None and last.status not in EDIT_ENDS else None

    def forget_person(self) -> None:
        """What people wrote, and the tokens of payments that have ended."""
        self.notes = {}
        self.returns = {name: msgspec.structs.replace(each, note="") for name, each in self.returns.items()}
        for name, edit in self.edits.items():
            if edit.status in EDIT_ENDS and edit.payment not in UNPAID:
                self.edits[name] = msgspec.structs.replace(edit, token="")

    def change_item(self, line: int, **changes: Any) -> None:
        """Add to the item's counters."""
        item = self.items[line]
        added = {name: getattr(item, name) + change for name, change in changes.items()}
        self.items[line] = msgspec.structs.replace(item, **added)


EDIT_ENDS = frozenset((EditStatus.DONE, EditStatus.REFUSED, EditStatus.EXPIRED, EditStatus.WITHDRAWN))

UNPAID = frozenset((EditPayment.ASKED, EditPayment.PENDING, EditPayment.AUTHORIZED))
"""Money may have been taken or may still be: an edit that was given up voids it."""


def after_of(order: "Order") -> AfterSale:
    """The order's after-sale state, or the one that it would begin with."""
    if order.after is not None:
        return order.after
    items = [Item(line, amount) for line, amount in zip(order.lines, paid_by_line(order), strict=True)]
    if order.status is not Status.FULFILLED:
        return AfterSale(items)
    at = order.settlement.at if order.settlement is not None else order.placed_at
    units = tuple(LineUnits(index, line.quantity) for index, line in enumerate(order.lines))
    left = Shipment(WHOLE, units, ShipmentStatus.SHIPPED, "", "", "", at, at)
    return AfterSale([msgspec.structs.replace(item, shipped=item.line.quantity) for item in items], {WHOLE: left})


def begun(order: "Order") -> AfterSale:
    """The order's after-sale state, which begins now if it hadn't."""
    if order.after is None:
        order.after = after_of(order)
    return order.after


def parts_of(order: "Order", line: int, quantity: int) -> list[tuple[str, int]]:
    """The stocks' keys and units that the next units of a line which go back came from.

    A line may have been taken from several stocks: a bundle's components, a SKU at several locations. Of one SKU, what
    goes back fills the first location up to what it gave, then the next.
    """
    item = after_of(order).items[line]
    if not order.units or line >= len(order.lines):
        return [(stock_key(item.line.sku), quantity)]
    own = [part for part in order.units if part.line == line]
    needed, passed = dict[str, int](), dict[str, int]()
    for part in own:
        needed[part.sku] = needed.get(part.sku, 0) + part.quantity
    parts = []
    for part in own:
        each = needed[part.sku] // item.line.quantity
        begin, end = each * item.gone_back, each * (item.gone_back + quantity)
        first = passed.get(part.sku, 0)
        passed[part.sku] = last = first + part.quantity
        if (units := min(end, last) - max(begin, first)) > 0:
            parts.append((stock_key(part.sku, part.location), units))
    return parts


def paid_by_line(order: "Order") -> list[int]:
    """What each line was paid with, in minor units."""
    if order.quote is None:
        return [line.price.amount * line.quantity for line in order.lines]
    # A quote has the order's lines in their order, or the order would not have been placed.
    return [line.total for line in order.quote.lines]


def status_of(order: "Order") -> Status:
    """The order's status: from its confirmation on it is read from where the units are."""
    assert order.status is not None, "only a placed order has a status"
    after = order.after
    if after is None or after.untouched or not after.items or order.status not in KEPT:
        # An imported order may have nothing but shipping.
        return order.status
    kept = left = arrived = lost = 0
    for item in after.items:
        kept += item.kept
        left += item.shipped + item.lost
        arrived += item.delivered
        lost += item.lost
    if not kept:
        return Status.CANCELLED
    if not left:
        return Status.CONFIRMED
    if left < kept:
        return Status.PARTLY_FULFILLED
    return Status.DELIVERED if arrived and arrived + lost == kept else Status.FULFILLED


KEPT = frozenset((Status.CONFIRMED, Status.FULFILLED))
"""What the checkout says of an order that was bought and not undone as a whole."""


class Paid(msgspec.Struct, frozen=True, gc=False):
    """One payment of the order, in minor units: by a provider, or by a claim such as a gift card."""

    gateway: str
    payment_id: str
    captured: int
    refunded: int
    """Given back, or asked for and not refused."""
    claim: tuple[str, str] | None = None
    """Kind and key of the entity that paid."""


def payments_of(order: "Order", after: AfterSale) -> list[Paid]:
    """What was taken for the order: the checkout's payment first, those of edits, then gift cards and the like."""
    if order.source:
        assert order.total is not None, "an imported order has a total"
        credit = sum(known.credit for known in after.returns.values())
        return [Paid("", "", order.total.amount, min(credit, order.total.amount))]
    taken: dict[str, tuple[str, int, tuple[str, str] | None]] = {}
    if order.payment in ("captured", "refunded"):
        taken[order.payment_id] = (order.gateway, order.due.amount, None)
    for edit in after.edits.values():
        if edit.payment is EditPayment.CAPTURED and edit.due is not None:
            taken[edit.payment_id] = (edit.gateway, edit.due.amount, None)
    if order.settlement is not None and order.settlement.status is Status.CONFIRMED:
        for claim in order.claims:
            if claim.pays:
                taken[f"{claim.kind}:{claim.key}"] = ("", claim.quantity, (claim.kind, claim.key))
    given_back = {
        payment_id: amount if _undone(order, claim) else 0 for payment_id, (_, amount, claim) in taken.items()
    }
    for refund in after.refunds.values():
        # What was taken by mistake goes back too, but it was never the order's.
        if refund.status is not RefundStatus.REFUSED and refund.payment_id in given_back:
            given_back[refund.payment_id] += refund.amount.amount
    return [
        Paid(gateway, payment_id, amount, given_back[payment_id], claim)
        for payment_id, (gateway, amount, claim) in taken.items()
    ]


def _undone(order: "Order", claim: tuple[str, str] | None) -> bool:
    """Whether the order was cancelled as its checkout left it: then the checkout itself gives everything back."""
    return order.status is Status.CANCELLED if claim else order.payment == "refunded"


def refundable(order: "Order", after: AfterSale) -> int:
    """What was captured and is neither given back nor asked to be, in minor units."""
    return sum(paid.captured - paid.refunded for paid in payments_of(order, after))


def view_of(order: "Order") -> AfterSaleView | None:
    """The after-sale state as the world sees it."""
    after = order.after
    if after is None:
        return None
    payments = payments_of(order, after)
    return AfterSaleView(
        tuple(after.items),
        tuple(after.shipments.values()),
        tuple(after.cancellations.values()),
        tuple(after.returns.values()),
        tuple(after.refunds.values()),
        tuple(after.edits.values()),
        tuple(after.notes.values()),
        sum(paid.captured for paid in payments),
        sum(paid.refunded for paid in payments),
    )


# -- what every decision asks


def not_kept(order: "Order") -> Rejected | None:
    """The refusal of an order that was never bought, or was undone as a whole."""
    if order.status is None:
        return Rejected(Reason.NOT_FOUND)
    if order.status not in KEPT:
        return Rejected(Reason.ORDER_NOT_OPEN, {"status": str(order.status)})
    return None


def misnamed(**names: str) -> Rejected | None:
    """The refusal of ids and other short texts: an id isn't empty."""
    for field, text in names.items():
        if field.endswith("_id") and (not 0 < len(text) <= LONGEST_ID or not text.isascii() or {":", "/"} & set(text)):
            return invalid(field, f"have 1 to {LONGEST_ID} characters of ASCII, none of them : or /")
        if len(text) > LONGEST_NAME:
            return invalid(field, f"have at most {LONGEST_NAME} characters")
    return None


def too_long(**texts: str) -> Rejected | None:
    """The refusal of long texts."""
    for field, text in texts.items():
        if len(text) > LONGEST_TEXT:
            return invalid(field, f"have at most {LONGEST_TEXT} characters")
    return None


def too_many(what: str, most: int) -> Rejected:
    """The refusal of one more than an order keeps."""
    return Rejected(Reason.TOO_MANY, {"what": what, "most": most})


def unavailable_units(after: AfterSale, units: tuple[Any, ...], counter: str) -> Rejected | None:
    """The refusal of units, by line, of which the items' `counter` doesn't have so many; each line comes once."""
    lines = [each.line for each in units]
    if not units or len(set(lines)) != len(lines):
        return invalid("units", "name at least one line, and each line once")
    for each in units:
        if not 0 <= each.line < len(after.items):
            return invalid("line", f"be 0 to {len(after.items) - 1}")
        if each.quantity < 1:
            return invalid("quantity", "be 1 or more")
        available = getattr(after.items[each.line], counter)
        if each.quantity > available:
            item = after.items[each.line]
            details = {"sku": item.line.sku, "requested": each.quantity, "available": max(0, available)}
            return Rejected(Reason.UNITS_UNAVAILABLE, {"lines": [details]})
    return None
