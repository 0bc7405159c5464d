"""What a shopper brings to a purchase beside its lines: codes, a way of delivery, a region, the total that was seen."""

from typing import Annotated, Protocol

import msgspec

from engine.address import DeliveryAddress
from engine.coupon import normalized
from engine.wishes import CartWishes

from ..vouchers import gift_card_key, hint_of
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


class WishRequest(msgspec.Struct, frozen=True):
    """Wishes by themselves: those of a quote."""

    coupons: tuple[str, ...] = ()
    gift_cards: tuple[str, ...] = ()
    store_credit: bool = False
    shipping: ShippingRequest | None = None
    region: str = ""
    expected_total: ExpectedTotal | None = None


class Wishes(msgspec.Struct, frozen=True):
    """What is wished, from the request and from what the cart keeps."""

    coupons: tuple[str, ...] = ()
    cards: dict[str, str] = {}
    """By their keys: what may be shown of each."""
    store_credit: bool = False
    method: str = ""
    address: DeliveryAddress | None = None
    region: str = ""
    expected_total: ExpectedTotal | None = None


def wishes_of(secret: bytes, request: Wished, kept: CartWishes | None = None) -> Wishes:
    """The request's wishes, and those of its cart where the request says nothing else."""
    kept = kept or CartWishes()
    method, address, region = kept.method, kept.address, kept.region
    if request.shipping is not None:
        method, address = request.shipping.method, _address_of(request.shipping) or address
    region = request.region or region
    if address is not None:
        country = address.country.lower()
        region = f"{country}-{address.region.lower()}" if address.region else country
    cards = {card.key: card.hint for card in kept.gift_cards}
    cards |= {gift_card_key(secret, code): hint_of(code) for code in request.gift_cards}
    coupons = tuple(dict.fromkeys((*kept.coupons, *(normalized(code) for code in request.coupons))))
    return Wishes(coupons, cards, request.store_credit, method, address, region, request.expected_total)


def _address_of(shipping: ShippingRequest) -> DeliveryAddress | None:
    return DeliveryAddress(**msgspec.structs.asdict(shipping.address)) if shipping.address else None


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


def keeps_nothing(kept: CartWishes | None) -> bool:
    """Whether a cart is for its lines alone."""
    return kept is None or kept == CartWishes()
