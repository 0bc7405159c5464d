"""The contract of locations, transfers between them, and cycle counts."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from engine.count import CountView
from engine.location import MOST_PRIORITY, LocationPut
from engine.stock import DEFAULT_LOCATION, StockView
from engine.transfer import MOST_LINES, TransferView, Units

from ..bounds import LOCATION_PATTERN, MAX_LABEL_LENGTH, MAX_RECEIPT_QUANTITY
from .common import Input, Label, Output, Sku, Timestamp, TotalMoney
from .stock import Stock
from .times import InstantText, shown_instant

MICRO = 1_000_000
MOST_COUNTED = 500
Name = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_LENGTH)]
Location = Annotated[str, Field(pattern=LOCATION_PATTERN, examples=["north"])]
Quantity = Annotated[int, Field(ge=1, le=MAX_RECEIPT_QUANTITY, description="Units.", examples=[10])]
Counted = Annotated[int, Field(ge=0, le=MAX_RECEIPT_QUANTITY, description="Units.", examples=[9])]


class LocationIn(Input):
    """A place that holds goods. Orders are sent from the one with the lowest `priority` that has all of them."""

    name: Name
    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$", description="ISO 3166.", examples=["DE"])] = ""
    postal_code: Annotated[str, Field(max_length=20)] = ""
    priority: Annotated[int, Field(ge=1, le=MOST_PRIORITY)] = 100
    sells: Annotated[bool, Field(description="Whether orders are sent from here.")] = True
    latitude: Annotated[float | None, Field(ge=-90, le=90, allow_inf_nan=False)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180, allow_inf_nan=False)] = None

    @model_validator(mode="after")
    def _has_both_or_none(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude: comes with a longitude")
        return self

    def to_content(self) -> LocationPut:
        return LocationPut(
            self.name,
            self.country,
            self.postal_code,
            self.priority,
            self.sells,
            None if self.latitude is None else round(self.latitude * MICRO),
            None if self.longitude is None else round(self.longitude * MICRO),
        )


class LocationOut(Output):
    key: str
    version: int
    name: str
    country: str
    postal_code: str
    priority: int
    sells: bool
    latitude: float | None
    longitude: float | None

    @classmethod
    def of(cls, key: str, version: int, content: LocationPut) -> Self:
        return cls(
            key=key,
            version=version,
            name=content.name,
            country=content.country,
            postal_code=content.postal_code,
            priority=content.priority,
            sells=content.sells,
            latitude=None if content.latitude is None else content.latitude / MICRO,
            longitude=None if content.longitude is None else content.longitude / MICRO,
        )


class UnitsIn(Input):
    sku: Sku
    quantity: Quantity

    def to_engine(self) -> Units:
        return Units(self.sku, self.quantity)


UnitsList = Annotated[list[UnitsIn], Field(min_length=1, max_length=MOST_LINES)]


class TransferIn(Input):
    """Units to send from one location to another, each SKU once."""

    source: Location
    destination: Location
    lines: UnitsList
    expected_at: InstantText | None = None
    note: Label = ""

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if self.source == self.destination:
            raise ValueError("destination: must be another location than the source")
        return self


class TransferReceiptIn(Input):
    """A delivery of a transfer."""

    lines: UnitsList

    @property
    def units(self) -> tuple[Units, ...]:
        return tuple(line.to_engine() for line in self.lines)


class TransferCloseIn(Input):
    """What became of the units that are still in transit: lost, or back in the stock that they came from."""

    went_back: bool = False
    reason: Label = ""


class TransferLine(Output):
    sku: str
    quantity: int
    sent: Annotated[int, Field(description="All of them, or 0 where the source had too few.")]
    received: int
    in_transit: int
    lost: int
    went_back: int


class Transfer(Output):
    """A transfer. `pending` counts bookings that a stock has yet to answer."""

    id: str
    version: int
    status: Annotated[str, Field(description="dispatching, in-transit, partly-received, received, closed or refused.")]
    source: str
    destination: str
    lines: list[TransferLine]
    started_at: Timestamp | None
    expected_at: Timestamp | None
    note: str
    pending: int
    refusals: dict[str, str]

    @classmethod
    def of(cls, view: TransferView) -> Self:
        return cls(
            id=view.transfer_id,
            version=view.version,
            status=view.status,
            source=view.source,
            destination=view.destination,
            lines=[
                TransferLine(
                    sku=line.sku,
                    quantity=line.quantity,
                    sent=line.sent,
                    received=line.received,
                    in_transit=line.in_transit,
                    lost=line.lost,
                    went_back=line.went_back,
                )
                for line in view.lines
            ],
            started_at=shown_instant(view.started_at),
            expected_at=shown_instant(view.expected_at),
            note=view.note,
            pending=view.pending,
            refusals=view.refusals,
        )


class TransferPage(Output):
    """Transfers, newest first."""

    items: list[Transfer]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


class CountIn(Input):
    """A sheet for some SKUs of a location, each once."""

    location: Location = DEFAULT_LOCATION
    skus: Annotated[list[Sku], Field(min_length=1, max_length=MOST_COUNTED)]
    note: Label = ""


class CountedIn(Input):
    """What is on the shelf. It is compared with the stock now or, if it was read at the shelf, with `on_hand_seen`."""

    counted: Counted
    on_hand_seen: Counted | None = None


class ApprovalIn(Input):
    """Why the differences are booked."""

    reason: Annotated[Label, Field(min_length=1)] = "count"


class CountLine(Output):
    sku: str
    expected: Annotated[int | None, Field(description="On hand when the sheet was opened.")]
    counted: int | None
    on_hand_then: Annotated[int | None, Field(description="On hand at the instant of the count.")]
    variance: Annotated[int | None, Field(description="Units found; below 0: missing.")]
    booked: bool
    refusal: Annotated[str, Field(description="Why the difference can't be booked.")]
    counted_at: Timestamp | None
    by: str


class Count(Output):
    """A sheet: open, booking, closed or cancelled."""

    id: str
    version: int
    status: str
    location: str
    lines: list[CountLine]
    opened_at: Timestamp | None
    note: str

    @classmethod
    def of(cls, view: CountView) -> Self:
        return cls(
            id=view.count_id,
            version=view.version,
            status=view.status,
            location=view.location,
            lines=[
                CountLine(
                    sku=line.sku,
                    expected=line.expected,
                    counted=line.counted,
                    on_hand_then=line.on_hand_then,
                    variance=line.variance,
                    booked=line.booked,
                    refusal=line.refusal,
                    counted_at=shown_instant(line.counted_at),
                    by=line.by,
                )
                for line in view.lines
            ],
            opened_at=shown_instant(view.opened_at),
            note=view.note,
        )


class CountPage(Output):
    """Sheets, newest first."""

    items: list[Count]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


class StockAtLocation(Output):
    """A location's stock with what a unit cost on average, in thousandths of a minor unit."""

    location: str
    stock: Stock
    average_cost_milli: int
    cost_currency: Annotated[str, Field(description="Empty while no cost is known.")]


class StockOverview(Output):
    """A SKU's stock at all locations; its average cost is that of all units whose cost is known, in one currency."""

    sku: str
    on_hand: int
    available: int
    incoming: int
    average_cost: TotalMoney | None
    locations: list[StockAtLocation]

    @classmethod
    def of(cls, sku: str, stocks: Mapping[str, StockView]) -> Self:
        costed = [each for each in stocks.values() if each.cost_currency and each.on_hand]
        currencies = {each.cost_currency for each in costed}
        average = None
        if len(currencies) == 1:
            units = sum(each.on_hand for each in costed)
            value = sum(each.on_hand * each.average_cost_milli for each in costed)
            average = TotalMoney(amount=round(value / units / 1_000), currency=currencies.pop())
        return cls(
            sku=sku,
            on_hand=sum(each.on_hand for each in stocks.values()),
            available=sum(each.available for each in stocks.values()),
            incoming=sum(each.incoming for each in stocks.values()),
            average_cost=average,
            locations=[
                StockAtLocation(
                    location=location,
                    stock=Stock.of(sku, each, location),
                    average_cost_milli=each.average_cost_milli,
                    cost_currency=each.cost_currency,
                )
                for location, each in stocks.items()
            ],
        )
