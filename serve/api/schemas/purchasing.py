"""The contract of suppliers, what they ask, purchase orders, and reordering."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.landed_cost import RATE_ONE, Basis
from engine.landed_cost import Charge as EngineCharge
from engine.purchase import OrderedUnits, PurchaseContent, PurchaseView, ReceivedUnits
from engine.stock import DEFAULT_LOCATION
from engine.supplier import LONGEST_LEAD_TIME_DAYS, MOST_PACK, SupplierPut, SupplyPut

from ..bounds import CURRENCY_PATTERN, MAX_AMOUNT, MAX_EMAIL_LENGTH, MAX_PURCHASE_LINES, MAX_RECEIPT_QUANTITY
from .common import Input, Label, Money, Output, Sku, Timestamp
from .inventory import Location, Name, Quantity
from .times import InstantText, instant_of, shown_instant

Currency = Annotated[str, Field(pattern=CURRENCY_PATTERN, examples=["USD"])]
Days = Annotated[int, Field(ge=0, le=LONGEST_LEAD_TIME_DAYS)]
Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Minor units.", examples=[650])]
Grams = Annotated[int, Field(ge=0, le=MOST_PACK, description="Grams of one unit.")]
Units = Annotated[int, Field(ge=0, le=MAX_RECEIPT_QUANTITY, description="Units.")]


class SupplierIn(Input):
    """Whoever sells to the shop. A lead time is from the sending of an order to the goods' arrival."""

    name: Name
    currency: Currency
    email: Annotated[str, Field(max_length=MAX_EMAIL_LENGTH)] = ""
    lead_time_days: Days = 7
    lead_time_deviation_days: Annotated[Days, Field(description="Standard deviation.")] = 0
    terms: Label = ""

    def to_content(self) -> SupplierPut:
        return SupplierPut(
            self.name, self.currency, self.email, self.lead_time_days, self.lead_time_deviation_days, self.terms
        )


class SupplierOut(Output):
    key: str
    version: int
    name: str
    currency: str
    email: str
    lead_time_days: int
    lead_time_deviation_days: int
    terms: str

    @classmethod
    def of(cls, key: str, version: int, content: SupplierPut) -> Self:
        return cls(
            key=key,
            version=version,
            name=content.name,
            currency=content.currency,
            email=content.email,
            lead_time_days=content.lead_time_days,
            lead_time_deviation_days=content.lead_time_deviation_days,
            terms=content.terms,
        )


class SupplyIn(Input):
    """What a supplier asks for a SKU; the key is `SKU@supplier`."""

    unit_cost: Money
    minimum_quantity: Annotated[int, Field(ge=1, le=MOST_PACK)] = 1
    pack_size: Annotated[int, Field(ge=1, le=MOST_PACK)] = 1
    supplier_sku: Label = ""
    lead_time_days: Annotated[Days | None, Field(description="Null: as the supplier says.")] = None
    lead_time_deviation_days: Days | None = None
    weight_g: Grams = 0
    preferred: Annotated[bool, Field(description="Reordering takes it before others.")] = False

    def to_content(self) -> SupplyPut:
        return SupplyPut(
            self.unit_cost.to_engine(),
            self.minimum_quantity,
            self.pack_size,
            self.supplier_sku,
            self.lead_time_days,
            self.lead_time_deviation_days,
            self.weight_g,
            self.preferred,
        )


class SupplyOut(Output):
    key: str
    version: int
    unit_cost: Money
    minimum_quantity: int
    pack_size: int
    supplier_sku: str
    lead_time_days: int | None
    lead_time_deviation_days: int | None
    weight_g: int
    preferred: bool

    @classmethod
    def of(cls, key: str, version: int, content: SupplyPut) -> Self:
        return cls(
            key=key,
            version=version,
            unit_cost=Money.of(content.unit_cost),
            minimum_quantity=content.minimum_quantity,
            pack_size=content.pack_size,
            supplier_sku=content.supplier_sku,
            lead_time_days=content.lead_time_days,
            lead_time_deviation_days=content.lead_time_deviation_days,
            weight_g=content.weight_g,
            preferred=content.preferred,
        )


class OrderedIn(Input):
    sku: Sku
    quantity: Quantity
    unit_cost: Amount
    weight_g: Grams = 0


class Charge(Input):
    """A cost of the whole order, spread over its lines by the largest remainder."""

    name: Annotated[Name, Field(examples=["freight"])]
    amount: Amount
    basis: Literal["value", "weight", "quantity"] = "value"

    @classmethod
    def of(cls, charge: EngineCharge) -> Self:
        return cls.model_validate({"name": charge.name, "amount": charge.amount, "basis": str(charge.basis)})


class PurchaseIn(Input):
    """What to buy. Landed costs are kept in `cost_currency`: one unit of `currency` is `rate_millionths` of it."""

    supplier: Location
    location: Location = DEFAULT_LOCATION
    currency: Currency
    lines: Annotated[list[OrderedIn], Field(min_length=1, max_length=MAX_PURCHASE_LINES)]
    charges: Annotated[list[Charge], Field(max_length=20)] = []
    cost_currency: Currency | None = None
    rate_millionths: Annotated[int, Field(ge=1, le=1_000_000 * RATE_ONE)] = RATE_ONE
    expected_at: InstantText | None = None
    note: Label = ""

    @model_validator(mode="after")
    def _exchanges_only_foreign_money(self) -> Self:
        if self.rate_millionths != RATE_ONE and self.cost_currency in (None, self.currency):
            raise ValueError("rate_millionths: needs a cost_currency other than the currency")
        return self

    def to_engine(self) -> PurchaseContent:
        return PurchaseContent(
            self.supplier,
            self.location,
            self.currency,
            tuple(OrderedUnits(line.sku, line.quantity, line.unit_cost, line.weight_g) for line in self.lines),
            tuple(EngineCharge(each.name, each.amount, Basis(each.basis)) for each in self.charges),
            self.cost_currency or self.currency,
            self.rate_millionths,
            instant_of(self.expected_at),
            self.note,
        )


class SendIn(Input):
    expected_at: InstantText | None = None


class RescheduleIn(Input):
    expected_at: InstantText


class ReceivedIn(Input):
    """Units of a SKU that arrived; damaged ones are not booked in, and not waited for any more."""

    sku: Sku
    quantity: Units
    damaged: Units = 0

    @model_validator(mode="after")
    def _has_some(self) -> Self:
        if not self.quantity + self.damaged:
            raise ValueError("quantity: must be at least 1 with the damaged ones")
        return self


class PurchaseReceiptIn(Input):
    """A delivery; more than was ordered may come, too."""

    lines: Annotated[list[ReceivedIn], Field(min_length=1, max_length=MAX_PURCHASE_LINES)]

    @property
    def units(self) -> tuple[ReceivedUnits, ...]:
        return tuple(ReceivedUnits(line.sku, line.quantity, line.damaged) for line in self.lines)


class ReasonIn(Input):
    reason: Label = ""


class PurchaseLine(Output):
    sku: str
    quantity: int
    unit_cost: int
    weight_g: int
    received: int
    damaged: int
    outstanding: int
    landed_cost: Annotated[int, Field(description="The line with its share of the charges, in the cost currency.")]


class Purchase(Output):
    """A purchase order: claiming, draft, sent, partly-received, closed or cancelled."""

    id: str
    version: int
    status: str
    supplier: str
    location: str
    currency: str
    cost_currency: str
    rate_millionths: int
    lines: list[PurchaseLine]
    charges: list[Charge]
    total: Annotated[int, Field(description="Lines and charges in minor units of the currency.")]
    expected_at: Timestamp | None
    automatic: Annotated[bool, Field(description="Drafted by reordering.")]
    drafted_at: Timestamp | None
    sent_at: Timestamp | None
    note: str
    pending: Annotated[int, Field(description="Bookings that a stock has yet to answer.")]
    dropped: Annotated[list[str], Field(description="SKUs that another automatic draft had already.")]
    refusals: dict[str, str]

    @classmethod
    def of(cls, view: PurchaseView) -> Self:
        return cls(
            id=view.purchase_id,
            version=view.version,
            status=view.status,
            supplier=view.supplier,
            location=view.location,
            currency=view.currency,
            cost_currency=view.cost_currency,
            rate_millionths=view.rate_millionths,
            lines=[
                PurchaseLine(
                    sku=line.sku,
                    quantity=line.quantity,
                    unit_cost=line.unit_cost,
                    weight_g=line.weight_g,
                    received=line.received,
                    damaged=line.damaged,
                    outstanding=line.outstanding,
                    landed_cost=line.landed_cost,
                )
                for line in view.lines
            ],
            charges=[Charge.of(each) for each in view.charges],
            total=view.total,
            expected_at=shown_instant(view.expected_at),
            automatic=view.automatic,
            drafted_at=shown_instant(view.drafted_at),
            sent_at=shown_instant(view.sent_at),
            note=view.note,
            pending=view.pending,
            dropped=list(view.dropped),
            refusals=view.refusals,
        )


class PurchasePage(Output):
    """Purchase orders, newest first."""

    items: list[Purchase]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


class ReorderIn(Input):
    """What reordering goes by."""

    location: Location = DEFAULT_LOCATION
    supplier: Annotated[Location | None, Field(description="Only this one.")] = None
    service_level: Annotated[
        float, Field(ge=0.5, le=0.9999, description="Probability that a lead time passes without running out.")
    ] = 0.95
    window_days: Annotated[int, Field(ge=1, le=365, description="Days of demand that are looked at.")] = 28
    coverage_days: Annotated[int, Field(ge=0, le=365, description="Days of demand ordered on top.")] = 14
    dry_run: Annotated[bool, Field(description="Only tell what would be drafted.")] = False


class ReorderLine(Output):
    """Why a SKU is ordered, or not."""

    sku: str
    supplier: str
    demand_per_day: float
    demand_deviation: float
    lead_time_days: float
    safety_stock: int
    reorder_point: int
    position: Annotated[int, Field(description="Available, with what is on its way.")]
    quantity: Annotated[int, Field(description="Units to order; 0: none yet.")]


class Reordered(Output):
    """What was looked at, and the drafts that were made of it: one for each supplier."""

    lines: list[ReorderLine]
    drafts: list[Purchase]
