"""What an account's entries tell the outside: that it is there, and that it is gone."""

from collections.abc import Iterator

from actors.codec import KindCodec
from actors.journals.port import Entry
from engine.account import ACCOUNT
from engine.account.events import AccountErased, AccountOpened

from . import models
from .envelope import Told

MARKS = (b"AccountOpened", b"AccountErased")
"""Entry types as they stand in the bytes: most entries of an account have none, and are never decoded."""

_decode = KindCodec(ACCOUNT).decode_events


def account_told(entry: Entry) -> Iterator[Told]:
    """That an account was opened or erased, and nothing of whose it is."""
    if not any(mark in entry.events for mark in MARKS):
        return
    for index, event in enumerate(_decode(entry.events)):
        if isinstance(event, AccountOpened):
            yield index, "customer.registered.v1", models.Customer(entry.key)
        elif isinstance(event, AccountErased):
            yield index, "customer.erased.v1", models.Customer(entry.key)
