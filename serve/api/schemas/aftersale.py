"""The contract of what becomes of an order: parcels, cancellations, returns, refunds, edits, notes, its timeline.

A line is named by its index: 0 is the order's first, those that an edit added come after the last.
"""

from typing import Annotated, Literal

from pydantic import Field

from engine.money import Money as EngineMoney
from engine.order.aftersale.records import (
    AfterSaleView,
    Edit,
    EditStatus,
    Finding,
    Item,
    LineAmount,
    LineUnits,
    Refund,
    Return,
    ReturnedUnits,
    ReturnReason,
    ReturnStatus,
    Shipment,
    ShipmentStatus,
)

from ..answers import timestamp
from ..bounds import MAX_AMOUNT, MAX_NOTE_LENGTH, MAX_ORDER_ITEMS, MAX_ORDER_LINES, MAX_RECEIPT_QUANTITY, MAX_URL_LENGTH
from .common import Input, Label, Money, Output, Quantity, Sku, Timestamp, TotalMoney

LineIndex = Annotated[int, Field(ge=0, lt=MAX_ORDER_ITEMS, description="Index of the order's line.", examples=[0])]
LineQuantity = Annotated[int, Field(ge=1, le=MAX_RECEIPT_QUANTITY, examples=[1])]
Found = Annotated[int, Field(ge=0, le=MAX_RECEIPT_QUANTITY)]
MinorUnits = Annotated[int, Field(ge=1, le=1_000 * MAX_AMOUNT, description="Minor units.", examples=[1999])]
Fee = Annotated[int, Field(ge=0, le=1_000 * MAX_AMOUNT, description="Minor units that are kept.", examples=[500])]
NoteText = Annotated[str, Field(max_length=MAX_NOTE_LENGTH)]
TrackingUrl = Annotated[str, Field(max_length=MAX_URL_LENGTH - 48, pattern=r"^(https?://[!-~]+)?$")]

Named = Field(strict=False)
"""JSON has names, not members of an enumeration."""


class LineUnitsIn(Input):
    line: LineIndex
    quantity: LineQuantity


Lines = Annotated[list[LineUnitsIn], Field(min_length=1, max_length=MAX_ORDER_ITEMS)]


def units_of(lines: list[LineUnitsIn]) -> tuple[LineUnits, ...]:
    """The lines as the engine names them."""
    return tuple(LineUnits(each.line, each.quantity) for each in lines)


class ShipmentIn(Input):
    """A parcel with these units."""

    lines: Lines
    carrier: Label = ""
    tracking_number: Label = ""
    tracking_url: TrackingUrl = ""


class ShipmentChangeIn(Input):
    """How far the parcel has come, or how it is tracked; what is left out stays."""

    status: Annotated[ShipmentStatus, Named] | None = None
    note: Label = ""
    carrier: Label | None = None
    tracking_number: Label | None = None
    tracking_url: TrackingUrl | None = None

    def tracking(self, known: Shipment | None) -> tuple[str, str, str] | None:
        """Carrier, number and URL as they shall be; None where nothing is said of them."""
        given = (self.carrier, self.tracking_number, self.tracking_url)
        before = (known.carrier, known.tracking_number, known.tracking_url) if known is not None else ("", "", "")
        if given == (None, None, None):
            return None
        carrier, number, url = (old if new is None else new for new, old in zip(given, before, strict=True))
        return carrier, number, url


class CancellationIn(Input):
    lines: Lines
    reason: Label = ""


class ReturnLineIn(Input):
    line: LineIndex
    quantity: LineQuantity
    reason: Annotated[ReturnReason, Named]


class ReturnIn(Input):
    lines: Annotated[list[ReturnLineIn], Field(min_length=1, max_length=MAX_ORDER_ITEMS)]
    note: NoteText = ""

    def units(self) -> tuple[ReturnedUnits, ...]:
        return tuple(ReturnedUnits(each.line, each.quantity, each.reason) for each in self.lines)


class ReturnAnswerIn(Input):
    authorized: bool
    note: NoteText = ""


class FindingIn(Input):
    """What of one line arrived: units to sell again, and units to write off."""

    line: LineIndex
    restocked: Found = 0
    written_off: Found = 0


class InspectionIn(Input):
    lines: Annotated[list[FindingIn], Field(min_length=1, max_length=MAX_ORDER_ITEMS)]
    note: NoteText = ""

    def findings(self) -> tuple[Finding, ...]:
        return tuple(Finding(each.line, each.restocked, each.written_off) for each in self.lines)


class LineAmountIn(Input):
    line: LineIndex
    amount: MinorUnits


def amounts_of(lines: list[LineAmountIn]) -> tuple[LineAmount, ...]:
    """The amounts as the engine names them."""
    return tuple(LineAmount(each.line, each.amount) for each in lines)


RefundTo = Annotated[
    Literal["payment", "store-credit"],
    Field(description="Back to where it came from, or as credit of the account that placed the order."),
]
AmountLines = Annotated[list[LineAmountIn], Field(max_length=MAX_ORDER_ITEMS)]


class ReturnRefundIn(Input):
    """What is paid for a return: left out, what its units were paid with; less a restocking fee."""

    lines: AmountLines = []
    restocking_fee: Fee = 0
    to: RefundTo = "payment"


class RefundIn(Input):
    """Money back without anything coming back; with `lines`, their amounts add up to `amount`."""

    amount: MinorUnits
    lines: AmountLines = []
    reason: Label = ""
    to: RefundTo = "payment"


class NoteIn(Input):
    text: Annotated[str, Field(min_length=1, max_length=MAX_NOTE_LENGTH)]
    internal: Annotated[bool, Field(description="False: the customer sees it.")] = True


class AddedLineIn(Input):
    sku: Sku
    quantity: Quantity
    price: Annotated[
        Money | None, Field(description="Of one unit, with its tax; left out: what the product costs now.")
    ] = None


class EditIn(Input):
    """What is taken out of an order and added to it; with `return_id`, what is sent in exchange for that return."""

    add: Annotated[list[AddedLineIn], Field(max_length=MAX_ORDER_LINES)] = []
    remove: Annotated[list[LineUnitsIn], Field(max_length=MAX_ORDER_ITEMS)] = []
    return_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,40}$")] = ""
    window_s: Annotated[
        int, Field(ge=60, le=86_400, description="Seconds that what is added is held while more is to be paid.")
    ] = 3_600
    reason: Label = ""


class OrderItem(Output):
    """A line after the sale: where its units are, and its money."""

    line: int
    sku: str
    title: str
    quantity: int
    price: Money
    cancelled: int
    packed: int
    shipped: Annotated[int, Field(description="Left, whether they have arrived or not.")]
    delivered: int
    lost: int
    returning: Annotated[int, Field(description="In returns, whether these are settled or not.")]
    paid: TotalMoney
    refunded: TotalMoney
    net: TotalMoney

    @classmethod
    def of(cls, index: int, item: Item) -> "OrderItem":
        line, currency = item.line, item.line.price.currency
        return cls(
            line=index,
            sku=line.sku,
            title=line.title,
            quantity=line.quantity,
            price=Money.of(line.price),
            cancelled=item.cancelled,
            packed=item.packed,
            shipped=item.shipped,
            delivered=item.delivered,
            lost=item.lost,
            returning=item.returning,
            paid=_money(item.paid, currency),
            refunded=_money(item.refunded, currency),
            net=_money(item.paid - item.refunded, currency),
        )


class LineUnitsOut(Output):
    line: int
    quantity: int


class ShipmentOut(Output):
    id: str
    status: ShipmentStatus
    lines: list[LineUnitsOut]
    carrier: str
    tracking_number: str
    tracking_url: str
    created_at: Timestamp
    changed_at: Timestamp

    @classmethod
    def of(cls, shipment: Shipment) -> "ShipmentOut":
        return cls(
            id=shipment.shipment_id,
            status=shipment.status,
            lines=_lines(shipment.units),
            carrier=shipment.carrier,
            tracking_number=shipment.tracking_number,
            tracking_url=shipment.tracking_url,
            created_at=timestamp(shipment.created_at),
            changed_at=timestamp(shipment.changed_at),
        )


class CancellationOut(Output):
    id: str
    lines: list[LineUnitsOut]
    reason: str
    at: Timestamp


class ReturnLineOut(Output):
    line: int
    quantity: int
    reason: ReturnReason
    restocked: int
    written_off: int


class ReturnOut(Output):
    id: str
    rma: Annotated[str | None, Field(description="To be written on the parcel.", examples=["7K3F-9QXM-R1"])]
    status: ReturnStatus
    lines: list[ReturnLineOut]
    note: str
    answer: Annotated[str, Field(description="What the shop said to it.")]
    credit: Annotated[TotalMoney | None, Field(description="What it was settled with, the fee taken off.")]
    restocking_fee: TotalMoney
    requested_at: Timestamp
    changed_at: Timestamp

    @classmethod
    def of(cls, known: Return, currency: str, number: str) -> "ReturnOut":
        found = {each.line: each for each in known.findings}
        nothing = Finding(0, 0, 0)
        settled = known.status in (ReturnStatus.REFUNDED, ReturnStatus.EXCHANGED)
        return cls(
            id=known.return_id,
            rma=f"{number}-R{known.number}" if number else None,
            status=known.status,
            lines=[
                ReturnLineOut(
                    line=each.line,
                    quantity=each.quantity,
                    reason=each.reason,
                    restocked=found.get(each.line, nothing).restocked,
                    written_off=found.get(each.line, nothing).written_off,
                )
                for each in known.units
            ],
            note=known.note,
            answer=known.answer,
            credit=_money(known.credit, currency) if settled else None,
            restocking_fee=_money(known.fee, currency),
            requested_at=timestamp(known.requested_at),
            changed_at=timestamp(known.changed_at),
        )


class LineAmountOut(Output):
    line: int
    amount: int


class RefundOut(Output):
    id: str
    status: Annotated[str, Field(description="asked, done or refused (by the provider)", examples=["done"])]
    amount: TotalMoney
    lines: list[LineAmountOut]
    to: Annotated[str, Field(description="The payment method, or the kind of claim that it goes back to.")]
    payment_id: str
    reason: str
    reference: Annotated[str, Field(description="The provider's id of it, or its code when it refused.")]
    asked_at: Timestamp
    changed_at: Timestamp

    @classmethod
    def of(cls, refund: Refund) -> "RefundOut":
        return cls(
            id=refund.refund_id,
            status=refund.status,
            amount=TotalMoney.of(refund.amount),
            lines=[LineAmountOut(line=each.line, amount=each.amount) for each in refund.lines],
            to=refund.claim[0] if refund.claim else refund.gateway,
            payment_id=refund.payment_id,
            reason=refund.reason,
            reference=refund.reference,
            asked_at=timestamp(refund.asked_at),
            changed_at=timestamp(refund.changed_at),
        )


class EditLineOut(Output):
    sku: str
    title: str
    quantity: int
    price: Money


class EditOut(Output):
    id: str
    status: EditStatus
    added: list[EditLineOut]
    removed: list[LineUnitsOut]
    return_id: str | None
    credit: Annotated[TotalMoney, Field(description="What is taken out or was returned is worth.")]
    due: Annotated[TotalMoney | None, Field(description="What is left to pay, by `pay_by`.")]
    pay_by: Timestamp
    payment: Annotated[str, Field(examples=["none"])]
    declined: Annotated[str | None, Field(description="Why the last payment was declined.")]
    refusal: Annotated[str | None, Field(description="Why it was refused.", examples=["insufficient-stock"])]
    reason: str
    created_at: Timestamp
    changed_at: Timestamp

    @classmethod
    def of(cls, edit: Edit, currency: str) -> "EditOut":
        return cls(
            id=edit.edit_id,
            status=edit.status,
            added=[
                EditLineOut(sku=line.sku, title=line.title, quantity=line.quantity, price=Money.of(line.price))
                for line in edit.added
            ],
            removed=_lines(edit.removed),
            return_id=edit.return_id or None,
            credit=_money(edit.credit, currency),
            due=TotalMoney.of(edit.due) if edit.due else None,
            pay_by=timestamp(edit.pay_by),
            payment=edit.payment,
            declined=edit.code or None,
            refusal=edit.refusal,
            reason=edit.reason,
            created_at=timestamp(edit.created_at),
            changed_at=timestamp(edit.changed_at),
        )


class NoteOut(Output):
    id: str
    text: str
    internal: bool
    by: str
    at: Timestamp


class AfterSale(Output):
    """What became of an order after its sale."""

    items: list[OrderItem]
    shipments: list[ShipmentOut]
    cancellations: list[CancellationOut]
    returns: list[ReturnOut]
    refunds: list[RefundOut]
    edits: list[EditOut]
    notes: list[NoteOut]
    captured: TotalMoney
    refunded: Annotated[TotalMoney, Field(description="Given back, or asked for and not refused.")]
    net: TotalMoney

    @classmethod
    def of(cls, after: AfterSaleView, currency: str, number: str, *, staff: bool) -> "AfterSale":
        return cls(
            items=[OrderItem.of(index, item) for index, item in enumerate(after.items)],
            shipments=[ShipmentOut.of(shipment) for shipment in after.shipments],
            cancellations=[
                CancellationOut(
                    id=each.cancellation_id, lines=_lines(each.units), reason=each.reason, at=timestamp(each.at)
                )
                for each in after.cancellations
            ],
            returns=[ReturnOut.of(known, currency, number) for known in after.returns],
            refunds=[RefundOut.of(refund) for refund in after.refunds],
            edits=[EditOut.of(edit, currency) for edit in after.edits],
            notes=[
                NoteOut(
                    id=note.note_id,
                    text=note.text,
                    internal=note.internal,
                    by=note.by if staff else "",
                    at=timestamp(note.at),
                )
                for note in after.notes
                if staff or not note.internal
            ],
            captured=_money(after.captured, currency),
            refunded=_money(after.refunded, currency),
            net=_money(after.captured - after.refunded, currency),
        )


class TimelineRow(Output):
    """One thing that happened to an order."""

    at: Timestamp
    what: Annotated[str, Field(description="A stable name.", examples=["shipment-shipped"])]
    by: Annotated[
        str,
        Field(description="Who: `customer`, `shop`, or for the staff the exact account or machine; empty: by itself."),
    ]
    text: Annotated[str, Field(description="In words.", examples=["2 x RETRO-CLOCK packed"])]


class Timeline(Output):
    items: list[TimelineRow]


class OrderChange(Output):
    """What happened to an order at once: the data of an event `timeline`."""

    version: Annotated[int, Field(description="Of the order after it; the event's id.")]
    items: list[TimelineRow]


def _lines(units: tuple[LineUnits, ...]) -> list[LineUnitsOut]:
    return [LineUnitsOut(line=each.line, quantity=each.quantity) for each in units]


def _money(amount: int, currency: str) -> TotalMoney:
    return TotalMoney.of(EngineMoney(amount, currency))
