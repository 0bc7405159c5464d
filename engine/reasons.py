"""Every reason for which the business refuses a command, in one place; `serve` maps each to a problem type."""

from enum import StrEnum


class Reason(StrEnum):
    """Stable identifiers: they reach clients as problem types and journals as recorded refusals."""

    INVALID_COMMAND = "invalid-command"
    NOT_FOUND = "not-found"
    VERSION_CONFLICT = "version-conflict"
    KEY_REUSED = "idempotency-key-reused"
    INSUFFICIENT_STOCK = "insufficient-stock"
    CUSTOMER_LIMIT = "customer-limit"
    RESERVATION_UNKNOWN = "reservation-unknown"
    RESERVATION_ENDED = "reservation-ended"
    STOCK_IN_USE = "stock-in-use"
    CART_SEALED = "cart-sealed"
    CART_EMPTY = "cart-empty"
    CART_EXPIRED = "cart-expired"
    CART_FULL = "cart-full"
    CART_CHANGED = "cart-changed"
    CURRENCY_MISMATCH = "currency-mismatch"
    PRODUCT_UNAVAILABLE = "product-unavailable"
    PAYMENT_DECLINED = "payment-declined"
    PAYMENT_EXPIRED = "payment-expired"
    ORDER_NOT_CANCELLABLE = "order-not-cancellable"
    ORDER_NOT_FULFILLABLE = "order-not-fulfillable"
    ORDER_CANCELLED = "order-cancelled"
    TOO_MANY = "too-many"
