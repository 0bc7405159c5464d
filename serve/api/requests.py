"""What a purchase reads from its request: the body as plain structs, the idempotency key, the wish not to wait."""

import re
from typing import Annotated

import msgspec

from .bounds import (
    EMAIL_PATTERN,
    IDEMPOTENCY_KEY_PATTERN,
    MAX_EMAIL_LENGTH,
    MAX_ORDER_LINES,
    MAX_QUANTITY,
    MAX_SALE_TICKET_LENGTH,
    MAX_SALE_TICKETS,
    MAX_TOKEN_LENGTH,
    PAYMENT_METHOD_PATTERN,
    SKU_PATTERN,
    whole,
)
from .problems import ProblemError
from .wishes import Coupons, ExpectedTotal, GiftCards, Region, ShippingRequest

PaymentMethod = Annotated[str, msgspec.Meta(pattern=whole(PAYMENT_METHOD_PATTERN))]
"""The name of a gateway; which there are is the shop's affair."""


class PaymentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    method: PaymentMethod
    token: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TOKEN_LENGTH)]


SaleTicket = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SALE_TICKET_LENGTH)]


class OrderRequestLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: Annotated[str, msgspec.Meta(pattern=whole(SKU_PATTERN))]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MAX_QUANTITY)]


class OrderRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of an express purchase. `schemas.order.OrderIn` is the same contract for OpenAPI and error messages."""

    lines: Annotated[list[OrderRequestLine], msgspec.Meta(min_length=1, max_length=MAX_ORDER_LINES)]
    email: Annotated[str, msgspec.Meta(pattern=whole(EMAIL_PATTERN), max_length=MAX_EMAIL_LENGTH)]
    payment: PaymentRequest
    currency: Annotated[str, msgspec.Meta(pattern=whole(r"^([A-Z]{3})?$"))] = ""
    sale_tickets: Annotated[list[SaleTicket], msgspec.Meta(max_length=MAX_SALE_TICKETS)] = []
    coupons: Coupons = ()
    gift_cards: GiftCards = ()
    store_credit: bool = False
    shipping: ShippingRequest | None = None
    region: Region = ""
    expected_total: ExpectedTotal | None = None


class CheckoutRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of a cart's checkout."""

    email: str
    payment: PaymentRequest
    sale_tickets: list[str] = []
    coupons: tuple[str, ...] = ()
    gift_cards: tuple[str, ...] = ()
    store_credit: bool = False
    shipping: ShippingRequest | None = None
    region: str = ""
    expected_total: ExpectedTotal | None = None


decode_order_request = msgspec.json.Decoder(OrderRequest).decode
"""Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError for what isn't JSON, and msgspec.ValidationError (a
DecodeError) for what breaks the contract."""

_is_idempotency_key = re.compile(whole(IDEMPOTENCY_KEY_PATTERN)).match


def idempotency_key_of(value: str | None) -> str:
    """The key that a purchase must carry; raises ProblemError without one or with a bad one."""
    if value is None:
        raise ProblemError("idempotency-key-missing")
    if not _is_idempotency_key(value):
        raise ProblemError("idempotency-key-invalid")
    return value


def prefers_async(value: str | None) -> bool:
    """Whether a `Prefer` header (RFC 7240) holds `respond-async`."""
    if not value:
        return False
    return any(preference.partition(";")[0].strip().lower() == "respond-async" for preference in value.split(","))
