"""What a shopper brings to a purchase beside its lines: codes, a way of delivery, a region, the total that was seen."""

from typing import Annotated, Protocol

import msgspec

from .bounds import (
    CARD_CODE_PATTERN,
    COUPON_CODE_PATTERN,
    DOCUMENT_KEY_PATTERN,
    MAX_AMOUNT,
    MAX_COUPONS,
    MAX_GIFT_CARDS,
    MAX_LABEL_LENGTH,
    REGION_PATTERN,
    whole,
)

FilledText = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_LABEL_LENGTH)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_LABEL_LENGTH)]


class AddressRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: FilledText
    line1: FilledText
    city: FilledText
    country: Annotated[str, msgspec.Meta(pattern=whole(r"^[A-Z]{2}$"))]
    line2: Text = ""
    postal_code: Text = ""
    region: Annotated[str, msgspec.Meta(pattern=whole(r"^[A-Z0-9]{0,3}$"))] = ""
    phone: Text = ""


class ShippingRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    method: Annotated[str, msgspec.Meta(pattern=whole(DOCUMENT_KEY_PATTERN))]
    address: AddressRequest | None = None


class ExpectedTotal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT * 1_000)]
    currency: Annotated[str, msgspec.Meta(pattern=whole(r"^[A-Z]{3}$"))]


Coupons = Annotated[
    tuple[Annotated[str, msgspec.Meta(pattern=whole(COUPON_CODE_PATTERN))], ...],
    msgspec.Meta(max_length=MAX_COUPONS),
]
GiftCards = Annotated[
    tuple[Annotated[str, msgspec.Meta(pattern=whole(CARD_CODE_PATTERN))], ...],
    msgspec.Meta(max_length=MAX_GIFT_CARDS),
]
Region = Annotated[str, msgspec.Meta(pattern=whole(REGION_PATTERN))]


class Wished(Protocol):
    """A request that may carry wishes."""

    @property
    def coupons(self) -> tuple[str, ...]: ...

    @property
    def gift_cards(self) -> tuple[str, ...]: ...

    @property
    def store_credit(self) -> bool: ...

    @property
    def shipping(self) -> ShippingRequest | None: ...

    @property
    def region(self) -> str: ...

    @property
    def expected_total(self) -> ExpectedTotal | None: ...


class Wishes(msgspec.Struct, frozen=True):
    """Wishes by themselves: those of a quote."""

    coupons: tuple[str, ...] = ()
    gift_cards: tuple[str, ...] = ()
    store_credit: bool = False
    shipping: ShippingRequest | None = None
    region: str = ""
    expected_total: ExpectedTotal | None = None


def wishes_nothing(request: Wished) -> bool:
    """Whether the request is for its lines alone."""
    return not (
        request.coupons
        or request.gift_cards
        or request.shipping is not None
        or request.region
        or request.store_credit
        or request.expected_total is not None
    )


def region_of(request: Wished) -> str:
    """Where to: the address tells it, else the request."""
    address = request.shipping.address if request.shipping else None
    if address is None:
        return request.region
    country = address.country.lower()
    return f"{country}-{address.region.lower()}" if address.region else country
