"""The contract of imported history: orders of another system, what came back of them, credits without a sale."""

from typing import Annotated, Any, Literal

from pydantic import Field

from engine.cart import Line
from engine.credit import CreditLine, CreditView
from engine.order import CreditedUnits

from ..answers import timestamp
from ..bounds import (
    CURRENCY_PATTERN,
    MAX_AMOUNT,
    MAX_IMPORT_ROWS,
    MAX_IMPORTED_LINES,
    MAX_RECEIPT_QUANTITY,
    MAX_TITLE_LENGTH,
    REFERENCE_PATTERN,
    SKU_PATTERN,
    SOURCE_PATTERN,
)
from .common import Email, Input, Money, Output, Sku, Timestamp, TotalMoney
from .times import InstantText

Source = Annotated[
    str, Field(pattern=SOURCE_PATTERN, description="The system that all of it comes from.", examples=["old-shop"])
]
Reference = Annotated[str, Field(pattern=REFERENCE_PATTERN, description="Its number there.", examples=["536365"])]
Currency = Annotated[str, Field(pattern=CURRENCY_PATTERN, examples=["GBP"])]
Country = Annotated[
    str, Field(pattern=r"^([A-Z]{2})?$", description="ISO 3166-1 alpha-2; empty: not told.", examples=["FR"])
]
Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Minor units.", examples=[339])]
Units = Annotated[int, Field(ge=1, le=MAX_RECEIPT_QUANTITY, examples=[6])]
Title = Annotated[str, Field(max_length=MAX_TITLE_LENGTH, examples=["White metal lantern"])]


class HistoryCustomer(Input):
    """Who bought: known by a number there, by an e-mail address, or by both."""

    reference: Reference | None = None
    email: Email | None = None


class HistoryLine(Input):
    """Units of a SKU at one price; the same SKU may come again at another one."""

    sku: Sku
    title: Title = ""
    quantity: Units
    price: Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Of one unit, in minor units.", examples=[339])]

    def to_engine(self, currency: str) -> Line:
        return Line(self.sku, self.quantity, Money(amount=self.price, currency=currency).to_engine(), self.title)


class HistoryOrder(Input):
    """An order as it was sold: it is fulfilled from the beginning."""

    reference: Reference
    placed_at: InstantText
    currency: Currency
    lines: Annotated[list[HistoryLine], Field(max_length=MAX_IMPORTED_LINES)]
    shipping: Amount = 0
    country: Country = ""
    customer: Annotated[HistoryCustomer | None, Field(description="Left out: a guest.")] = None


class HistoryReturnLine(Input):
    """Units of a line that came back, and what was given back for them together."""

    line: Annotated[int, Field(ge=0, lt=MAX_IMPORTED_LINES, description="Index of the order's line.", examples=[0])]
    quantity: Units
    amount: Amount

    def to_engine(self) -> CreditedUnits:
        return CreditedUnits(self.line, self.quantity, self.amount)


class HistoryReturn(Input):
    """What came back of one imported order at one time."""

    reference: Reference
    order: Annotated[str, Field(pattern=REFERENCE_PATTERN, description="The order's number there.")]
    returned_at: InstantText
    lines: Annotated[list[HistoryReturnLine], Field(min_length=1, max_length=MAX_IMPORTED_LINES)]


class HistoryCreditLine(Input):
    """What was given back for: `goods` have a SKU and units, `shipping` and `discount` have neither."""

    kind: Literal["goods", "shipping", "discount"]
    amount: Amount
    sku: Annotated[str, Field(pattern=rf"^$|{SKU_PATTERN}", examples=["RETRO-CLOCK"])] = ""
    quantity: Annotated[int, Field(ge=0, le=MAX_RECEIPT_QUANTITY, examples=[1])] = 0
    title: Title = ""

    def to_engine(self) -> CreditLine:
        return CreditLine(self.kind, self.amount, self.sku, self.quantity, self.title)


class HistoryCredit(Input):
    """Money that was given back for no sale that is known."""

    reference: Reference
    credited_at: InstantText
    currency: Currency
    lines: Annotated[list[HistoryCreditLine], Field(min_length=1, max_length=MAX_IMPORTED_LINES)]
    country: Country = ""
    customer: HistoryCustomer | None = None


def _rows(example: dict[str, Any]) -> Any:
    return Field(min_length=1, max_length=MAX_IMPORT_ROWS, examples=[[example]])


_ORDER = {
    "reference": "536365",
    "placed_at": "2010-12-01T08:26:00Z",
    "currency": "GBP",
    "lines": [{"sku": "71053", "title": "White metal lantern", "quantity": 6, "price": 339}],
}
_RETURN = {
    "reference": "C536379",
    "order": "536365",
    "returned_at": "2010-12-02T09:41:00Z",
    "lines": [{"line": 0, "quantity": 1, "amount": 339}],
}
_CREDIT = {
    "reference": "C536383",
    "credited_at": "2010-12-02T09:49:00Z",
    "currency": "GBP",
    "lines": [{"kind": "discount", "amount": 500}],
}


class HistoryOrdersIn(Input):
    """Orders to bring in. Each is held to the fields of a `HistoryOrder` by itself."""

    source: Source
    orders: Annotated[list[dict[str, Any]], _rows(_ORDER)]


class HistoryReturnsIn(Input):
    """Returns to bring in, of orders that are here. Each is held to the fields of a `HistoryReturn` by itself."""

    source: Source
    returns: Annotated[list[dict[str, Any]], _rows(_RETURN)]


class HistoryCreditsIn(Input):
    """Credits to bring in. Each is held to the fields of a `HistoryCredit` by itself."""

    source: Source
    credits: Annotated[list[dict[str, Any]], _rows(_CREDIT)]


class HistoryResult(Output):
    reference: Annotated[str | None, Field(description="The number, if it had one.")]
    id: Annotated[str | None, Field(description="The order or credit here, as far as the row could be read.")]
    status: Annotated[
        Literal["imported", "unchanged", "error"], Field(description="unchanged: it was here already, just so.")
    ]
    error: Annotated[str | None, Field(description="What is wrong with it.")] = None


class HistoryResults(Output):
    """What became of each row, in the order of the request."""

    results: list[HistoryResult]


class CreditLineOut(Output):
    kind: str
    sku: str | None
    title: str
    quantity: int
    amount: TotalMoney


class CreditOut(Output):
    """Money that another system gave back."""

    id: str
    source: str
    reference: str
    credited_at: Timestamp
    customer: str | None
    country: str | None
    total: TotalMoney
    lines: list[CreditLineOut]

    @classmethod
    def of(cls, credit: CreditView) -> "CreditOut":
        currency = credit.total.currency
        return cls(
            id=credit.credit_id,
            source=credit.source,
            reference=credit.reference,
            credited_at=timestamp(credit.at),
            customer=credit.customer or None,
            country=credit.country or None,
            total=TotalMoney.of(credit.total),
            lines=[
                CreditLineOut(
                    kind=line.kind,
                    sku=line.sku or None,
                    title=line.title,
                    quantity=line.quantity,
                    amount=TotalMoney(amount=line.amount, currency=currency),
                )
                for line in credit.lines
            ],
        )
