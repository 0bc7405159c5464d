"""How a client asks for the next page: an opaque text that only this shop can have written, for this very question."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

from .errors import BadCursor

DEEPEST = 10_000
"""Products that one can page through; whoever wants all of them reads the catalogue."""
_TAG_BYTES = 12


def cursor_of(secret: bytes, question: str, offset: int) -> str:
    """The cursor of the page that begins at `offset` in the answer to `question` (every choice in it)."""
    raw = offset.to_bytes(4, "big")
    return urlsafe_b64encode(raw + _tag(secret, question, raw)).decode().rstrip("=")


def offset_of(secret: bytes, question: str, cursor: str) -> int:
    """Where the page begins. Raises `BadCursor` for one of another question, or of nobody's."""
    if not cursor:
        return 0
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError as error:
        raise BadCursor from error
    place, tag = raw[:4], raw[4:]
    if not hmac.compare_digest(tag, _tag(secret, question, place)):
        raise BadCursor
    return int.from_bytes(place, "big")


def _tag(secret: bytes, question: str, place: bytes) -> bytes:
    return blake2b(question.encode() + b"\x00" + place, key=secret, digest_size=_TAG_BYTES, person=b"search").digest()
