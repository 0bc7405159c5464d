"""The contract of flash sales and their lines."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.flash_sale import MOST_ALLOTMENT, LineMode, SaleView, Terms
from engine.kernel import Instant

from ..answers import timestamp
from .common import Email, Input, Label, Money, Output, Sku, Timestamp
from .times import InstantText, instant_of

WARM_BEFORE_MS = 60_000
"""How long before the start a sale is warmed, unless it is said otherwise."""

Units = Annotated[int, Field(ge=0, description="Units.")]
Line = Annotated[
    Literal["always", "auto", "never"],
    Field(
        description="Whether shoppers stand in line: `always` (they join from the announcement on and draw places at "
        "the start), `auto` (once all units are claimed, for what comes back), `never`."
    ),
]


class SaleIn(Input):
    """A sale to schedule, or other terms for one that hasn't started."""

    price: Money
    allotment: Annotated[int, Field(ge=1, le=MOST_ALLOTMENT, description="Units at this price.", examples=[100])]
    starts_at: InstantText
    ends_at: InstantText
    announce_at: Annotated[InstantText | None, Field(description="Shown from then on; left out: at once.")] = None
    warm_at: Annotated[
        InstantText | None, Field(description="Prepared from then on; left out: a minute before the start.")
    ] = None
    customer_limit: Annotated[int, Field(ge=0, le=MOST_ALLOTMENT, description="Units per customer; 0: no limit.")] = 0
    payment_window_s: Annotated[int, Field(ge=10, le=86_400, description="Seconds to pay in.")] = 300
    line: Line = "auto"
    calls_per_s: Annotated[
        int, Field(ge=1, le=MOST_ALLOTMENT, description="Shoppers let in per second: what the payments can take.")
    ] = 100
    call_s: Annotated[int, Field(ge=1, le=3_600, description="Seconds in which whoever is let in must buy.")] = 120
    places_per_address: Annotated[
        int, Field(ge=0, le=1_000_000, description="Places in line for one network address; 0: no limit.")
    ] = 0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if instant_of(self.ends_at) <= instant_of(self.starts_at):
            raise ValueError("ends_at: must come after starts_at")
        for field in ("announce_at", "warm_at"):
            value = getattr(self, field)
            if value and instant_of(value) > instant_of(self.starts_at):
                raise ValueError(f"{field}: must not come after starts_at")
        return self

    def to_terms(self) -> Terms:
        starts_at = instant_of(self.starts_at)
        announce_at = instant_of(self.announce_at) if self.announce_at else 0
        warm_at = instant_of(self.warm_at) if self.warm_at else starts_at - WARM_BEFORE_MS
        return Terms(
            price=self.price.to_engine(),
            allotment=self.allotment,
            starts_at=starts_at,
            ends_at=instant_of(self.ends_at),
            announce_at=announce_at,
            warm_at=max(announce_at, warm_at),
            customer_limit=self.customer_limit,
            payment_window_s=self.payment_window_s,
            line=LineMode(self.line),
            calls_per_s=self.calls_per_s,
            call_s=self.call_s,
            places_per_address=self.places_per_address,
        )


class SaleCancelIn(Input):
    reason: Label = ""


class Sale(Output):
    """A sale as shoppers see it; count down from `server_time`, not from a clock of your own."""

    id: Annotated[str, Field(examples=["RETRO-CLOCK@friday"])]
    sku: Sku
    price: Money
    status: Annotated[
        Literal["announced", "running", "sold-out", "ended", "cancelled"],
        Field(description="By the server's clock; `sold-out` may become `running` again if an order is cancelled."),
    ]
    starts_at: Timestamp
    ends_at: Timestamp
    server_time: Timestamp
    units_left: Annotated[Units, Field(description="Units that aren't paid yet.")]
    customer_limit: Annotated[Units, Field(description="Units per customer; 0: no limit.")]
    payment_window_s: int
    waiting_room: Annotated[bool, Field(description="Whether a purchase needs a ticket of the line now.")]
    waiting: Annotated[int, Field(ge=0, description="How many stand in line.")]
    seed_sha256: Annotated[str, Field(description="SHA-256 of the seed by which places are drawn.")]
    seed: Annotated[str | None, Field(description="The seed, once the sale has started.")]
    drawn: Annotated[int, Field(ge=0, description="How many came before the start and drew their places.")]

    @classmethod
    def of(cls, sale: SaleView, now: Instant) -> Self:
        terms = sale.terms
        return cls(
            id=sale.key,
            sku=sale.sku,
            price=Money.of(terms.price),
            status=_status_of(sale, now),
            starts_at=timestamp(terms.starts_at),
            ends_at=timestamp(terms.ends_at),
            server_time=timestamp(now),
            units_left=max(0, sale.free + sale.held),
            customer_limit=terms.customer_limit,
            payment_window_s=terms.payment_window_s,
            waiting_room=sale.line_open,
            waiting=max(0, sale.joined - sale.called),
            seed_sha256=sale.commitment,
            seed=sale.seed or None,
            drawn=sale.early,
        )


def _status_of(sale: SaleView, now: Instant) -> Literal["announced", "running", "sold-out", "ended", "cancelled"]:
    if sale.phase == "cancelled":
        return "cancelled"
    if sale.phase == "ended" or now >= sale.terms.ends_at:
        return "ended"
    if now < sale.terms.starts_at:
        return "announced"
    return "sold-out" if sale.sold_out else "running"


class SaleList(Output):
    """Sales in ascending order of their id."""

    items: list[Sale]
    server_time: Timestamp
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


class ScheduledSale(Sale):
    """A sale as its merchant sees it."""

    phase: Annotated[str, Field(description="scheduled, announced, warmed, started, ended or cancelled")]
    phase_began_at: Timestamp
    announce_at: Annotated[Timestamp | None, Field(description="null: at once")]
    warm_at: Timestamp
    allotment: Units
    free: Annotated[Units, Field(description="Units that can be claimed.")]
    held: Annotated[Units, Field(description="Units of orders that aren't paid yet.")]
    sold: Units
    line: Line
    calls_per_s: int
    call_s: int
    places_per_address: int
    joined: Annotated[int, Field(ge=0, description="Places that were given.")]
    called: Annotated[int, Field(ge=0, description="Places that were let in.")]

    @classmethod
    def of(cls, sale: SaleView, now: Instant) -> Self:
        terms = sale.terms
        return cls(
            **Sale.of(sale, now).model_dump(exclude={"price"}),
            price=Money.of(terms.price),
            phase=sale.phase.value,
            phase_began_at=timestamp(sale.changed_at),
            announce_at=timestamp(terms.announce_at) if terms.announce_at else None,
            warm_at=timestamp(terms.warm_at),
            allotment=terms.allotment,
            free=max(0, sale.free),
            held=sale.held,
            sold=sale.sold,
            line=terms.line.value,
            calls_per_s=terms.calls_per_s,
            call_s=terms.call_s,
            places_per_address=terms.places_per_address,
            joined=sale.joined,
            called=sale.called,
        )


class ScheduledSaleList(Output):
    """Sales in ascending order of their id."""

    items: list[ScheduledSale]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


class JoinIn(Input):
    """Who takes a place: the customer of the purchase. With a customer's token it is the account, and this is left."""

    email: Email


class PlaceInLine(Output):
    """A place in line. The ticket goes into `sale_tickets` of the purchase."""

    ticket: Annotated[str, Field(description="Keep it: it is the place.")]
    sale: str
    state: Annotated[
        Literal["before-start", "waiting", "called", "passed", "sold-out", "ended"],
        Field(description="`called`: buy until `buy_until`; `passed`: the call was used or has lapsed."),
    ]
    ahead: Annotated[int | None, Field(description="How many are let in before; null where that means nothing.")]
    waiting: Annotated[int, Field(ge=0, description="How many stand in line.")]
    expected_wait_s: Annotated[int | None, Field(description="At the rate so far; null while nobody can tell.")]
    buy_until: Timestamp | None
    units_left: Annotated[Units, Field(description="Units that aren't paid yet.")]
    ask_again_s: Annotated[int, Field(ge=0, description="The `Retry-After` of this answer.")]
