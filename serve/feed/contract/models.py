"""What the data of public events is made of: no name, no address, no payment.

Members are for good. New ones come last, with a default; whatever can't be said so is a new version of the type.
"""

from typing import Annotated

from msgspec import Meta, Struct

Sku = Annotated[str, Meta(description="The sellable unit.", examples=["RETRO-CLOCK"], min_length=1)]
Units = Annotated[int, Meta(description="Whole units.")]
Some = Annotated[int, Meta(description="Whole units.", ge=1)]
OrderId = Annotated[str, Meta(description="The order.", examples=["ord_0123456789abcdef0123456789abcdef"])]
Instant = Annotated[
    str,
    Meta(
        description="RFC 3339, in UTC.",
        examples=["2026-11-27T08:00:00.123Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
CustomerId = Annotated[
    str | None, Meta(description="The account that it belongs to; null for a guest.", examples=["acc_7d2"])
]
Reason = Annotated[str, Meta(description="Why, as a stable word.", examples=["insufficient-stock"])]


class Money(Struct, frozen=True):
    """An amount in minor units (cents) of an ISO 4217 currency."""

    amount: Annotated[int, Meta(description="Minor units.", examples=[3998])]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["USD"])]


class Line(Struct, frozen=True):
    """One line of an order; `price` is for one unit, before discounts of the whole order."""

    sku: Sku
    quantity: Some
    price: Money


class Item(Struct, frozen=True):
    """Units of one SKU."""

    sku: Sku
    quantity: Some


class ReturnedItem(Struct, frozen=True):
    """Units of one SKU that came back, and why the customer sent them."""

    sku: Sku
    quantity: Some
    reason: Annotated[str, Meta(examples=["damaged"])]


class Order(Struct, frozen=True):
    """The order as it was right after what happened."""

    order_id: OrderId
    number: Annotated[str, Meta(description="What people call it by; empty until it was told to somebody.")]
    status: Annotated[str, Meta(description="As in `GET /v1/orders/{order_id}`.", examples=["confirmed"])]
    customer_id: CustomerId
    country: Annotated[str, Meta(description="Where it goes to, ISO 3166; empty where nobody said.", examples=["GB"])]
    placed_at: Instant
    lines: list[Line]
    total: Annotated[Money | None, Meta(description="What is to be paid; null until the lines are known.")]


class OrderEnded(Order, frozen=True):
    """The order with the reason for its end."""

    reason: Reason


class OrderShipped(Struct, frozen=True):
    """A parcel has left."""

    order_id: OrderId
    number: str
    customer_id: CustomerId
    shipment_id: str
    carrier: str
    tracking_number: str
    items: list[Item]


class OrderReturned(Struct, frozen=True):
    """Goods of the order came back."""

    order_id: OrderId
    number: str
    customer_id: CustomerId
    return_id: str
    items: list[ReturnedItem]


class Refund(Struct, frozen=True):
    """Money went back, whole or in part."""

    order_id: OrderId
    number: str
    customer_id: CustomerId
    refund_id: str
    amount: Money


class Stock(Struct, frozen=True):
    """The quantities of a SKU at a location."""

    sku: Sku
    location: Annotated[str, Meta(examples=["default"])]
    available: Annotated[int, Meta(description="Units that can be sold now.", ge=0)]
    on_hand: Units
    reserved: Units
    incoming: Annotated[int, Meta(description="Units that are expected to come.")]


class Product(Struct, frozen=True):
    """The product as everybody sees it."""

    sku: Sku
    title: str
    price: Money
    on_sale: Annotated[bool, Meta(description="Whether it is shown and sold now.")]
    category: Annotated[list[str], Meta(description="Its path, the widest first.")]
    vendor: str
    tags: list[str]
    version: Annotated[int, Meta(description="The number of its changes.", ge=1)]


class Removed(Struct, frozen=True):
    """The product isn't in the shop any more."""

    sku: Sku
    version: Annotated[int, Meta(ge=1)]


class Customer(Struct, frozen=True):
    """An account. What is known of the person is asked for by its id, by whoever may."""

    customer_id: Annotated[str, Meta(examples=["acc_7d2"])]
