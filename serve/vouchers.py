"""Codes that are worth money: how they are made, and the key that a gift card's code leads to.

A code that is issued again for the same request is the same code: it is made from the shop's secret and the request's
idempotency key, and kept nowhere. Of a gift card only a keyed hash is kept, so a stolen journal buys nothing.
"""

from hashlib import blake2b

from engine.coupon import normalized

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Nothing that is read as something else: no 0 and O, 1, I and L, no U."""

CARD_CODE_LENGTH = 16
"""Characters of a gift card's code: 78 bits."""

COUPON_CODE_LENGTH = 10
"""Characters of a generated coupon code, beside its prefix: 49 bits."""


def gift_card_code(secret: bytes, idempotency_key: str) -> str:
    """The code that this request issues, in groups of four: `7KPM-...`."""
    letters = _letters(secret, b"gift-card-code", idempotency_key, CARD_CODE_LENGTH)
    return "-".join(letters[start : start + 4] for start in range(0, CARD_CODE_LENGTH, 4))


def gift_card_key(secret: bytes, code: str) -> str:
    """The card that a code opens, however it is written."""
    digest = blake2b(normalized(code).encode(), key=secret, digest_size=16, person=b"gift-card")
    return f"gc_{digest.hexdigest()}"


def hint_of(code: str) -> str:
    """What may be shown of a gift card's code."""
    return f"…{normalized(code)[-4:]}"


def coupon_code(secret: bytes, idempotency_key: str, number: int, prefix: str) -> str:
    """The code number so and so that this request generates."""
    return normalized(prefix) + _letters(secret, b"coupon-code", f"{idempotency_key}/{number}", COUPON_CODE_LENGTH)


def _letters(secret: bytes, purpose: bytes, name: str, length: int) -> str:
    drawn = int.from_bytes(blake2b(name.encode(), key=secret, digest_size=32, person=purpose).digest())
    letters = []
    for _ in range(length):
        drawn, letter = divmod(drawn, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "".join(letters)
