"""The contract of stock: quantities, what changes them, the ledger."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.backorders import MOST_PROMISED
from engine.stock import DEFAULT_LOCATION, SetPolicy, StockView

from ..bounds import MAX_RECEIPT_QUANTITY
from .common import Input, Label, Money, Output, Timestamp
from .times import InstantText, instant_of, shown_instant

Units = Annotated[int, Field(ge=0, description="Units.")]


class ReceiptIn(Input):
    """Goods that arrived."""

    quantity: Annotated[int, Field(ge=1, le=MAX_RECEIPT_QUANTITY, description="Units.", examples=[100])]
    reason: Label = ""
    reference: Annotated[Label, Field(examples=["PO-2026-0042"])] = ""
    cost: Annotated[Money | None, Field(description="What all of them cost; it enters the average cost.")] = None


class AdjustmentIn(Input):
    """A correction of what is on hand: negative for breakage or loss, positive for a find."""

    quantity: Annotated[
        int,
        Field(ge=-MAX_RECEIPT_QUANTITY, le=MAX_RECEIPT_QUANTITY, description="Units to add; not 0.", examples=[-2]),
        Field(json_schema_extra={"not": {"const": 0}}),
    ]
    reason: Annotated[Label, Field(min_length=1, examples=["breakage"])]
    reference: Label = ""

    @model_validator(mode="after")
    def _must_change_something(self) -> Self:
        if self.quantity == 0:
            raise ValueError("quantity must not be 0")
        return self


class PolicyIn(Input):
    """What to change of the rules; what is left out stays as it is."""

    safety_stock: Annotated[int | None, Field(ge=0, le=MAX_RECEIPT_QUANTITY, description="Units never sold.")] = None
    customer_limit: Annotated[
        int | None, Field(ge=0, le=MAX_RECEIPT_QUANTITY, description="Units per customer; 0: no limit.")
    ] = None
    incoming: Annotated[int | None, Field(ge=0, le=MAX_RECEIPT_QUANTITY, description="Units on their way.")] = None
    backorder_limit: Annotated[
        int | None, Field(ge=0, le=MOST_PROMISED, description="Units sold before they are here; 0: none.")
    ] = None
    available_from: Annotated[
        InstantText | Literal[""] | None, Field(description='When such units leave; "": nobody knows.')
    ] = None

    def to_command(self) -> SetPolicy:
        available_from = None if self.available_from is None else instant_of(self.available_from or None)
        return SetPolicy(self.safety_stock, self.customer_limit, self.incoming, self.backorder_limit, available_from)


class Stock(Output):
    """Quantities at a location: available = on_hand - reserved - safety_stock, at least 0."""

    sku: str
    on_hand: Units
    reserved: Units
    available: Units
    safety_stock: Units
    incoming: Units
    customer_limit: Annotated[int, Field(ge=0, description="Units per customer; 0: no limit.")]
    version: Annotated[int, Field(ge=0)]
    location: str = DEFAULT_LOCATION
    expected_at: Annotated[Timestamp | None, Field(description="When the first incoming units should be here.")] = None
    backorder_limit: Annotated[int, Field(ge=0, description="Units that are sold before they are here.")] = 0
    promised: Annotated[int, Field(ge=0, description="Units sold that aren't here yet.")] = 0
    available_from: Annotated[Timestamp | None, Field(description="When such units leave.")] = None

    @classmethod
    def of(cls, sku: str, stock: StockView, location: str = DEFAULT_LOCATION) -> "Stock":
        return cls(
            sku=sku,
            on_hand=stock.on_hand,
            reserved=stock.reserved,
            available=stock.available,
            safety_stock=stock.safety_stock,
            incoming=stock.incoming,
            customer_limit=stock.customer_limit,
            version=stock.version,
            location=location,
            expected_at=shown_instant(stock.expected_at),
            backorder_limit=stock.backorder_limit,
            promised=stock.promised,
            available_from=shown_instant(stock.available_from),
        )


class Pin(Output):
    """Where the stock lives: pinned, it has a shard of its own, on a host of its own where there are several."""

    sku: str
    pinned: bool
    shard: Annotated[int | None, Field(description="The shard of its own; null when it shares one.", examples=[16])]


class LedgerRow(Output):
    """One movement. Summed up from the start, the two changes give the stock's on_hand and reserved."""

    version: Annotated[int, Field(ge=1, description="The stock's version that the movement belongs to.")]
    at: Timestamp
    event: Annotated[
        str,
        Field(
            description="received, adjusted, dispatched, expected, policy-set, reserved, committed, released, "
            "expired, returned, backordered, backorder-sold, backorder-filled or backorder-returned",
            examples=["committed"],
        ),
    ]
    on_hand_change: Annotated[int, Field(description="Units.", examples=[-1])]
    reserved_change: Annotated[int, Field(description="Units.", examples=[-1])]
    id: Annotated[str, Field(description="Of the receipt, the adjustment or the reservation.")] = ""
    reason: str = ""
    reference: str = ""


class Ledger(Output):
    """The movements of some versions, oldest first."""

    items: list[LedgerRow]
    next_after: Annotated[int | None, Field(description="Pass it as `after` for the next page; null at the end.")]
