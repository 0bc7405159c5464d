"""Tickets: who holds one has joined the line of a sale, under a name and with a number. Nothing of it is stored.

A ticket is the number and a digest of the name, signed with the shop's secret for one sale: it can be neither forged,
nor used for another sale, nor by another customer. Whether its place was called, and is used, the sale itself knows.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import NamedTuple

_NUMBER_BYTES = 4
_HOLDER_BYTES = 8
_SIGNATURE_BYTES = 18
_TEXT_LENGTH = (_NUMBER_BYTES + _HOLDER_BYTES + _SIGNATURE_BYTES) * 4 // 3


class Ticket(NamedTuple):
    """What a ticket says."""

    number: int
    holder: bytes


def ticket_of(secret: bytes, sale: str, number: int, customer: str) -> str:
    """The ticket of whoever has this number in the sale's line."""
    said = number.to_bytes(_NUMBER_BYTES, "big") + holder_of(secret, customer)
    return urlsafe_b64encode(said + _signature(secret, sale, said)).decode()


def read_ticket(secret: bytes, sale: str, text: str) -> Ticket | None:
    """What the ticket says, or None: it isn't one of ours for this sale."""
    if len(text) != _TEXT_LENGTH:
        return None
    try:
        data = urlsafe_b64decode(text)
    except ValueError:
        return None
    said, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(secret, sale, said)):
        return None
    return Ticket(int.from_bytes(said[:_NUMBER_BYTES], "big"), said[_NUMBER_BYTES:])


def holder_of(secret: bytes, customer: str) -> bytes:
    """The customer as a ticket names them."""
    return blake2b(customer.encode(), key=secret, digest_size=_HOLDER_BYTES, person=b"ticket-holder").digest()


def seed_of(secret: bytes, unguessable: str) -> str:
    """A seed for the draw of a sale's places."""
    return blake2b(unguessable.encode(), key=secret, digest_size=16, person=b"sale-seed").hexdigest()


def _signature(secret: bytes, sale: str, said: bytes) -> bytes:
    signed = said + sale.encode()
    return blake2b(signed, key=secret, digest_size=_SIGNATURE_BYTES, person=b"sale-ticket").digest()
