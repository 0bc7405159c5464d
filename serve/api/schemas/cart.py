"""The contract of carts. Answers are made in `..cart_answer`; a test holds them to these models."""

from typing import Annotated

from pydantic import Field

from ..bounds import CART_ID_PATTERN
from .common import Input, Money, Output, Quantity, Sku, Timestamp, TotalMoney
from .quote import Charges, UnusedCoupon


class CartLineIn(Input):
    """Units to add to a line."""

    sku: Sku
    quantity: Quantity


class MergeIn(Input):
    """A guest's cart whose lines shall go into the customer's."""

    cart_id: Annotated[str, Field(pattern=CART_ID_PATTERN)]


class QuantityIn(Input):
    """What a line's quantity shall be."""

    quantity: Quantity


class CartLine(Output):
    """A line at the price that it was added with."""

    sku: str
    title: str
    quantity: Annotated[int, Field(ge=1)]
    price: Money
    current_price: Annotated[Money | None, Field(description="The catalogue's price now; null if not sold any more.")]
    price_changed: bool
    total: TotalMoney


class KeptGiftCard(Output):
    id: str
    hint: str


class KeptAddress(Output):
    name: str
    line1: str
    city: str
    country: str
    line2: str
    postal_code: str
    region: str
    phone: str


class Kept(Output):
    """What was entered beside the lines."""

    coupons: list[str]
    gift_cards: list[KeptGiftCard]
    method: str
    address: KeptAddress | None
    region: str


class Cart(Output):
    """A cart; its version is its ETag."""

    id: str
    version: Annotated[int, Field(ge=0)]
    status: Annotated[str, Field(description="open, or sealed by the order that checks it out", examples=["open"])]
    order_id: Annotated[str | None, Field(description="The order that holds the seal.")]
    lines: list[CartLine]
    total: Annotated[TotalMoney | None, Field(description="At the lines' prices; null for an empty cart.")]
    updated_at: Timestamp
    kept: Annotated[Kept | None, Field(description="Codes, cards and delivery, where any was entered.")] = None
    charges: Annotated[Charges | None, Field(description="Only where it costs more than its lines, or less.")] = None
    unused_coupons: Annotated[list[UnusedCoupon], Field(description="Kept codes that take nothing off.")] = []
