"""The contract of behaviour: batches of events, and what a customer is told of their own."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from engine.visitor import BANDS, Action, Behaved, VisitorView

from ..answers import timestamp
from ..behaviour import NEEDS_SKU, EventRequest, EventsRequest, lacks
from ..bounds import (
    ACCOUNT_ID_PATTERN,
    ANONYMOUS_ID_PATTERN,
    MAX_EVENT_ID_LENGTH,
    MAX_EVENT_QUERY_LENGTH,
    MAX_EVENTS,
    MAX_POSITION,
    ORDER_ID_PATTERN,
    PLACEMENT_PATTERN,
)
from .common import Input, Output, Quantity, Sku, Timestamp
from .times import InstantText

EventId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_EVENT_ID_LENGTH,
        description="Made by the sender, once for each event: a repeated one is not counted again.",
        examples=["0f8a8b64-3a51-4a8e-9d5c-2b6f1f1d6a01"],
    ),
]
AnonymousId = Annotated[
    str,
    Field(
        pattern=ANONYMOUS_ID_PATTERN,
        description="Random, kept by the browser or app; a customer who logs in takes over what it did.",
        examples=["kq3v9x7c1m5n8b2z"],
    ),
]
SessionId = Annotated[str, Field(pattern=ANONYMOUS_ID_PATTERN, description="One visit.", examples=["visit-000017"])]
Name = Annotated[str, Field(min_length=1, max_length=MAX_EVENT_ID_LENGTH, examples=["rec_7f3a"])]


def _requires(types: Iterable[Action], field: str) -> JsonValue:
    names: list[JsonValue] = [*sorted(str(each) for each in types)]
    return {"if": {"properties": {"type": {"enum": names}}}, "then": {"required": [field]}}


class EventIn(Input):
    """One thing that a visitor did. A `purchase` says which order was theirs; what was bought, the shop knows."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                _requires(NEEDS_SKU, "sku"),
                _requires([Action.SEARCH], "query"),
                _requires([Action.PURCHASE], "order_id"),
            ]
        }
    )

    id: EventId
    type: Annotated[Action, Field(strict=False, description="`view` is of a product's page.")]
    at: Annotated[InstantText | None, Field(description="By the visitor's clock; if left out, when it comes here.")] = (
        None
    )
    sku: Annotated[Sku, Field(description="Needed by all but `search`, `checkout_started` and `purchase`.")] = ""
    query: Annotated[str, Field(min_length=1, max_length=MAX_EVENT_QUERY_LENGTH, description="Needed by `search`.")] = (
        ""
    )
    position: Annotated[int, Field(ge=1, le=MAX_POSITION, description="Place in the list it was in, from 1.")] = 0
    placement: Annotated[
        str, Field(pattern=PLACEMENT_PATTERN, description="Where it was shown.", examples=["home", "cart"])
    ] = ""
    recommendation_id: Annotated[Name, Field(description="The recommendation, or search, that it was shown by.")] = ""
    quantity: Annotated[Quantity, Field(description="Units put into the cart, or out of it.")] = 0
    session_id: SessionId = ""
    anonymous_id: AnonymousId = ""
    customer_id: Annotated[
        str, Field(pattern=ACCOUNT_ID_PATTERN, description="An account's id; for senders of the staff's only.")
    ] = ""
    consent: Annotated[bool | None, Field(description="As the batch's, for this event.")] = None
    order_id: Annotated[str, Field(pattern=ORDER_ID_PATTERN, description="Needed by `purchase`.")] = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if field := lacks(self.to_request()):
            raise ValueError(f"{self.type} needs {field}")
        return self

    def to_request(self) -> EventRequest:
        return EventRequest(**{**self.__dict__, "at": _moment(self.at)})


class EventsIn(Input):
    """Events of one visitor or of many. All are recorded, or none: `errors` names each one that is at fault."""

    events: Annotated[list[EventIn], Field(min_length=1, max_length=MAX_EVENTS)]
    anonymous_id: AnonymousId = ""
    session_id: SessionId = ""
    consent: Annotated[
        bool,
        Field(description="false: the visitor doesn't want to be known. So do the headers `DNT: 1` and `Sec-GPC: 1`."),
    ] = True
    sent_at: Annotated[
        InstantText | None, Field(description="What the sender's clock shows as it sends: `at` is corrected by it.")
    ] = None

    def to_request(self) -> EventsRequest:
        return EventsRequest(
            [event.to_request() for event in self.events],
            self.anonymous_id,
            self.session_id,
            self.consent,
            _moment(self.sent_at),
        )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class EventsNoted(Output):
    """All of it is on stable storage."""

    recorded: Annotated[int, Field(ge=0, description="Events that are new. Those of an erased customer are let go.")]
    repeated: Annotated[int, Field(ge=0, description="Events whose ids had been recorded before.")]


class OwnEvent(Output):
    """One thing that you did."""

    id: str
    type: Action
    at: Timestamp
    sku: str
    query: str
    position: int
    placement: str
    recommendation_id: str
    session_id: str
    quantity: int
    order_id: str

    @classmethod
    def of(cls, behaved: Behaved) -> "OwnEvent":
        return cls.model_construct(
            id=behaved.id,
            type=behaved.action,
            at=timestamp(behaved.at),
            sku=behaved.sku,
            query=behaved.query,
            position=behaved.rank,
            placement=behaved.placement,
            recommendation_id=behaved.list_id,
            session_id=behaved.session,
            quantity=behaved.quantity,
            order_id=behaved.order_id,
        )


class OwnBehaviour(Output):
    """What you did last, newest first."""

    recorded: Annotated[int, Field(ge=0, description="Events since your account was opened, or was made to forget.")]
    items: list[OwnEvent]

    @classmethod
    def of(cls, seen: VisitorView, since: int) -> "OwnBehaviour":
        items = [OwnEvent.of(behaved) for behaved in reversed(seen.recent) if behaved.at >= since]
        return cls.model_construct(recorded=seen.recorded, items=items)


class Interest(Output):
    """Something that you seem to like, and its share of all such."""

    name: Annotated[str, Field(examples=["Home > Clocks"])]
    share: Annotated[float, Field(ge=0, le=1)]


class PriceInterest(Output):
    """A band of prices, in minor units: `from_amount` up to below `to_amount`."""

    currency: str
    from_amount: Annotated[int, Field(ge=0)]
    to_amount: Annotated[int | None, Field(description="None: no end.")]
    share: Annotated[float, Field(ge=0, le=1)]


class OwnPreferences(Output):
    """What you told, and what was learned from what you did; the strongest first."""

    preferences: dict[str, str]
    categories: list[Interest]
    vendors: list[Interest]
    prices: list[PriceInterest]

    @classmethod
    def of(cls, told: Mapping[str, str], seen: VisitorView) -> "OwnPreferences":
        prices = []
        for band, share in _shares(seen, "price:"):
            currency, _, lowest = band.partition(":")
            highest = _NEXT_BAND.get(int(lowest))
            prices.append(
                PriceInterest(currency=currency, from_amount=int(lowest), to_amount=highest, share=share),
            )
        return cls(
            preferences=dict(told),
            categories=[Interest(name=name, share=share) for name, share in _shares(seen, "category:")],
            vendors=[Interest(name=name, share=share) for name, share in _shares(seen, "vendor:")],
            prices=prices,
        )


_NEXT_BAND = dict(pairwise(BANDS))


def _shares(seen: VisitorView, prefix: str) -> list[tuple[str, float]]:
    weights = {name: weight for name, weight in seen.interests.items() if name.startswith(prefix)}
    total = sum(weights.values())
    strongest_first = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return [(name.removeprefix(prefix), round(weight / total, 3)) for name, weight in strongest_first]
