"""Names made from secrets: an order's id from its idempotency key, the token that opens it, a cart's successor.

Every name is a keyed BLAKE2b with a purpose of its own, so one never tells another, and all replicas agree without
asking each other. Nothing here is stored.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Any

import msgspec

_ID_BYTES = 16
_TOKEN_BYTES = 24
_OWN_CART_BYTES = 12

OWN_CART = "cart_own_"
"""What the ids of accounts' carts begin with; all other carts open to whoever knows their id."""


def order_id_of(secret: bytes, idempotency_key: str, account_id: str = "") -> str:
    """The order that this key places: the same key always meets the same order, and never that of another account."""
    # No idempotency key holds a line break.
    name = f"{account_id}\n{idempotency_key}" if account_id else idempotency_key
    return "ord_" + blake2b(name.encode(), key=secret, digest_size=_ID_BYTES, person=b"order-id").hexdigest()


def imported_id_of(secret: bytes, prefix: str, source: str, reference: str) -> str:
    """The order, credit or customer that another system calls so: whoever imports it meets the same entity."""
    name = f"{prefix}/{source}/{reference}"
    return f"{prefix}_" + blake2b(name.encode(), key=secret, digest_size=_ID_BYTES, person=b"imported-id").hexdigest()


def access_token_of(secret: bytes, order_id: str) -> str:
    """The token that opens the order to whoever placed it."""
    digest = blake2b(order_id.encode(), key=secret, digest_size=_TOKEN_BYTES, person=b"order-access").digest()
    return urlsafe_b64encode(digest).decode()


def successor_cart_id_of(secret: bytes, cart_id: str, order_id: str) -> str:
    """The cart that takes what is added to `cart_id` after `order_id` has bought it: one, however often it is asked."""
    digest = blake2b(f"{cart_id}/{order_id}".encode(), key=secret, digest_size=_ID_BYTES, person=b"next-cart").digest()
    return "cart_" + urlsafe_b64encode(digest).decode().rstrip("=")


def process_id_of(secret: bytes, prefix: str, name: str) -> str:
    """The transfer, purchase order or count that this key, or this fresh id, begins."""
    return f"{prefix}_" + blake2b(name.encode(), key=secret, digest_size=_ID_BYTES, person=prefix.encode()).hexdigest()


def own_cart_id_of(secret: bytes, account_id: str, after: str = "") -> str:
    """A cart of an account: the first, or the one after whatever `after` names. Only the account's customer may use it,
    which the id itself shows to whoever has the secret."""
    content = f"{account_id}/{after}".encode()
    nonce = blake2b(content, key=secret, digest_size=_OWN_CART_BYTES, person=b"own-cart").hexdigest()
    return f"{OWN_CART}{nonce}_{_owner_mark_of(secret, account_id, nonce)}"


def is_own_cart(secret: bytes, cart_id: str, account_id: str) -> bool:
    """Whether an account's cart is this account's."""
    nonce, _, mark = cart_id.removeprefix(OWN_CART).partition("_")
    return bool(account_id) and is_same(mark, _owner_mark_of(secret, account_id, nonce))


def _owner_mark_of(secret: bytes, account_id: str, nonce: str) -> str:
    content = f"{account_id}/{nonce}".encode()
    return blake2b(content, key=secret, digest_size=_OWN_CART_BYTES, person=b"cart-owner").hexdigest()


def receipt_id_of(sku: str, idempotency_key: str) -> str:
    """The receipt or adjustment that this key books."""
    return blake2b(f"{sku}/{idempotency_key}".encode(), digest_size=_ID_BYTES, person=b"receipt-id").hexdigest()


def fingerprint_of(route: str, resource: str, request: Any) -> str:
    """What a request asks for, in short: equal for equal requests, however their JSON was spelled."""
    content = msgspec.msgpack.encode((route, resource, request))
    return blake2b(content, digest_size=_ID_BYTES).hexdigest()


def is_same(given: str, expected: str) -> bool:
    """Compare secrets in a time that doesn't tell how much of them agrees."""
    return hmac.compare_digest(given.encode(), expected.encode())
