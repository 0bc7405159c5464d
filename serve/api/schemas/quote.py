"""The contract of quotes and of what orders cost: `api.charges` writes it, a test holds it to these models."""

from typing import Annotated, Any, Self

import msgspec
from pydantic import Field

from engine.address import DeliveryAddress
from engine.order import OrderView

from ..bounds import (
    CARD_CODE_PATTERN,
    COUPON_CODE_PATTERN,
    CURRENCY_PATTERN,
    DOCUMENT_KEY_PATTERN,
    MAX_AMOUNT,
    MAX_COUPONS,
    MAX_GIFT_CARDS,
    MAX_LABEL_LENGTH,
    MAX_ORDER_LINES,
    REGION_PATTERN,
)
from ..charges import charges_of
from ..wishes import AddressRequest, ExpectedTotal, ShippingRequest
from .common import Input, Output, Quantity, Sku, Timestamp

Line = Annotated[str, Field(max_length=MAX_LABEL_LENGTH)]
FilledLine = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_LENGTH)]
Codes = Annotated[
    list[Annotated[str, Field(pattern=COUPON_CODE_PATTERN, examples=["SUMMER-10"])]],
    Field(max_length=MAX_COUPONS, description="Coupon codes. Each must take something off, else nothing is bought."),
]
CardCodes = Annotated[
    list[Annotated[str, Field(pattern=CARD_CODE_PATTERN, examples=["7KPM-2QXA-9RTD-WB4C"])]],
    Field(max_length=MAX_GIFT_CARDS, description="Gift cards, used up in this order."),
]
Region = Annotated[
    str,
    Field(
        pattern=REGION_PATTERN, examples=["us-ny"], description="Where to, for taxes and shipping; an address tells it."
    ),
]


class AddressIn(Input):
    """Where to deliver."""

    name: FilledLine
    line1: FilledLine
    city: FilledLine
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["US"])]
    line2: Line = ""
    postal_code: Line = ""
    region: Annotated[str, Field(pattern=r"^[A-Z0-9]{0,3}$", examples=["NY"])] = ""
    phone: Line = ""

    def to_request(self) -> AddressRequest:
        return AddressRequest(**self.model_dump())


class ShippingIn(Input):
    """How to deliver, and where."""

    method: Annotated[str, Field(pattern=DOCUMENT_KEY_PATTERN, examples=["post"])]
    address: AddressIn | None = None

    def to_request(self) -> ShippingRequest:
        return ShippingRequest(self.method, self.address.to_request() if self.address else None)


class DeliveryIn(Input):
    """What a cart keeps of how and where to deliver."""

    method: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9_-]{0,63})?$", examples=["post"])] = ""
    address: AddressIn | None = None
    region: Region = ""

    def to_address(self) -> DeliveryAddress | None:
        return DeliveryAddress(**self.address.model_dump()) if self.address else None


class ExpectedTotalIn(Input):
    """What the shopper saw: where it would cost more by now, nothing is bought and `price-changed` tells the rest."""

    amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT * 1_000)]
    currency: Annotated[str, Field(pattern=CURRENCY_PATTERN)]

    def to_request(self) -> ExpectedTotal:
        return ExpectedTotal(self.amount, self.currency)


class QuoteWishesIn(Input):
    """What a shopper brings to a cart's quote."""

    coupons: Codes = []
    gift_cards: CardCodes = []
    store_credit: Annotated[bool, Field(description="Use the account's credit.")] = False
    shipping: ShippingIn | None = None
    region: Region = ""

    def wishes(self) -> dict[str, Any]:
        """The fields of `api.wishes.Wishes`."""
        return {
            "coupons": tuple(self.coupons),
            "gift_cards": tuple(self.gift_cards),
            "store_credit": self.store_credit,
            "shipping": self.shipping.to_request() if self.shipping else None,
            "region": self.region,
        }


class WishesIn(QuoteWishesIn):
    """What a shopper brings to a purchase beside its lines."""

    expected_total: ExpectedTotalIn | None = None

    def wished(self) -> dict[str, Any]:
        """The fields of a request that carry it."""
        expected = self.expected_total.to_request() if self.expected_total else None
        return {**self.wishes(), "expected_total": expected}


class QuoteLineIn(Input):
    sku: Sku
    quantity: Quantity


class QuoteIn(QuoteWishesIn):
    """What a purchase would be made of."""

    lines: Annotated[list[QuoteLineIn], Field(min_length=1, max_length=MAX_ORDER_LINES)]
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""


class Amount(Output):
    """Minor units of an ISO 4217 currency."""

    amount: int
    currency: str


class AppliedDiscount(Output):
    """What a promotion takes off, and why."""

    promotion_id: str
    why: Annotated[str, Field(examples=["Summer sale"])]
    coupon: Annotated[str | None, Field(description="The code that brought it.")]
    amount: Amount


class AppliedTax(Output):
    """A tax: `rate_ppm` parts per million of `base`, rounded half up."""

    name: str
    rate_ppm: Annotated[int, Field(examples=[190_000])]
    base: Amount
    amount: Amount
    included: Annotated[bool, Field(description="Part of the price already.")]


class ChargedLine(Output):
    sku: str
    quantity: int
    price: Amount
    discounts: list[AppliedDiscount]
    taxes: list[AppliedTax]
    total: Amount


class ChargedShipping(Output):
    method: str
    title: str
    price: Amount
    discounts: list[AppliedDiscount]
    taxes: list[AppliedTax]
    total: Amount


class Tender(Output):
    """What pays beside the payment provider."""

    kind: Annotated[str, Field(examples=["gift-card"])]
    name: Annotated[str, Field(examples=["…WB4C"])]
    amount: Amount


class Charges(Output):
    """What a purchase costs, line by line, and why."""

    lines: list[ChargedLine]
    shipping: ChargedShipping | None
    subtotal: Annotated[Amount, Field(description="The lines at their prices.")]
    discount: Amount
    tax: Annotated[Amount, Field(description="All taxes, included and added ones.")]
    total: Amount
    tenders: list[Tender]
    due: Annotated[Amount, Field(description="What the payment provider is asked for.")]
    coupons: Annotated[list[str], Field(description="Codes that the order uses up.")]
    region: str
    rounding: str

    @classmethod
    def of_order(cls, order: OrderView) -> Self | None:
        """Of an order that was quoted; None for one that costs just what its lines cost."""
        if order.quote is None:
            return None
        return cls.model_validate(msgspec.to_builtins(charges_of(order.quote, order.claims)))


class UnusedCoupon(Output):
    """A code that takes nothing off, and why; an order with it is refused."""

    code: str
    why: Annotated[str, Field(examples=["not-applicable", "excluded", "coupon-unknown", "coupon-exhausted"])]


class ShippingOption(Output):
    """A method that these goods could be brought by."""

    method: str
    title: str
    price: Amount


class QuoteOut(Charges):
    """A quote: what a purchase would cost now. Nothing is held by it."""

    unused_coupons: list[UnusedCoupon]
    shipping_options: list[ShippingOption]
    at: Timestamp
