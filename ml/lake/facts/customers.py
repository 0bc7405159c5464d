"""Customers: accounts by their ids, with the country they buy from and the groups they are in. No name, no address."""

from collections.abc import Iterator, Sequence

from engine.account import ACCOUNT, Account
from engine.account.events import AccountErased, AccountImported, AddressPut, AddressRemoved, CartUsed, HandleHeld
from engine.account.messages import Status
from engine.kernel import Event

from ..tables import CartRow, CustomerRow, Row
from .around import Around, Where, happened_at

MARKS = (
    b"AccountOpened",
    b"HandleHeld",
    b"AccountImported",
    b"AddressPut",
    b"AddressRemoved",
    b"CartUsed",
    b"AccountErased",
)
"""Entry types as they stand in the bytes: most entries of an account have none, and change nothing that is told."""

TOLD = frozenset(mark.decode() for mark in MARKS)


def apply(account: Account, event: Event) -> None:
    """Fold what is told, and nothing else: entries without it are never read, so sessions, for one, aren't known."""
    if type(event).__name__ in TOLD:
        ACCOUNT.apply(account, event)


def customer_rows(where: Where, account: Account, events: Sequence[Event], around: Around) -> Iterator[Row]:
    """The rows of one entry; `account` is the state before it and is changed."""
    index = carts = 0
    for event in events:
        country = country_of(account)
        apply(account, event)
        if isinstance(event, CartUsed):
            yield _owned(where, account, event, carts)
            carts += 1
            continue
        kind = _kind_of(event, country != country_of(account))
        if kind is None or (account.status in (None, Status.OPENING)):
            continue
        erased, imported = kind == "erased", isinstance(event, AccountImported)
        yield CustomerRow(
            shard=where.shard,
            position=where.position,
            index=index,
            at=happened_at(where, event),
            customer=account.account_id,
            kind=kind,
            groups="" if erased else around.groups(account.account_id),
            country=event.country if isinstance(event, AccountImported) else "" if erased else country_of(account),
            registered_at=account.created_at,
            imported=imported,
        )
        index += 1


def _owned(where: Where, account: Account, event: CartUsed, index: int) -> CartRow:
    return CartRow(
        shard=where.shard,
        position=where.position,
        index=index,
        at=where.at,
        cart_id=event.cart_id,
        kind="owned",
        sku="",
        units=0,
        price=0,
        currency="",
        customer=account.account_id,
        order_id="",
    )


def country_of(account: Account) -> str:
    """Of the first address in the book."""
    return next((address.country for address in account.addresses.values()), "")


def _kind_of(event: Event, moved: bool) -> str | None:
    match event:
        case HandleHeld() | AccountImported():
            return "registered"
        case AccountErased():
            return "erased"
        case AddressPut() | AddressRemoved():
            return "changed" if moved else None
    return None
