"""What is known of an account, and how events change that."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from ..handle import LeaveHandle, TakeHandle
from ..kernel import Effect, Event, Instant, Message, Send
from ..order import Anonymize
from ..visitor import VISITOR, ForgetVisitor
from .events import (
    AccountErased,
    AccountImported,
    AccountOpened,
    AddressPut,
    AddressRemoved,
    CartUsed,
    EmailChangeBegun,
    EmailChanged,
    EmailChangeRefused,
    HandleForgotten,
    HandleHeld,
    IdentityLinked,
    OrderForgotten,
    OrderNoted,
    PasswordChanged,
    PasswordRehashed,
    PreferencesSet,
    ProfileSet,
    RolesSet,
    SessionBegun,
    SessionRefreshed,
    SessionRevoked,
    SessionsEnded,
    TotpConfirmed,
    TotpDisabled,
    TotpEnrolled,
    VisitsForgotten,
)
from .messages import AccountView, Address, OrderNote, Profile, Session, Status

MOST_SESSIONS = 20
"""Devices that are logged in at a time; the one that was used longest ago is logged out for another."""
MOST_ORDERS = 5_000
"""Orders that are listed; of more, the newest."""


Item = TypeVar("Item")


class Totp(msgspec.Struct, array_like=True, gc=False):
    """A second factor in use: no time step up to `last_step` counts again, a recovery code counts once."""

    sealed: str
    last_step: int
    recovery: list[str]


class Account(msgspec.Struct, array_like=True, gc=False):
    """The state of an account; `status` is None until it is opened. `credentials` counts changes of the password
    and of the address: what was sent to one before opens nothing any more."""

    account_id: str
    status: Status | None = None
    email: str = ""
    handle: str = ""
    password: str = ""
    credentials: int = 0
    roles: tuple[str, ...] = ()
    profile: Profile = Profile()
    addresses: dict[str, Address] = {}
    preferences: dict[str, str] = {}
    sessions: dict[str, Session] = {}
    totp: Totp | None = None
    enrolling: str = ""
    identities: dict[str, str] = {}
    """Handles at other providers, each with the provider's name."""
    orders: list[OrderNote] = []
    cart_id: str = ""
    created_at: Instant = 0
    forgotten: list[str] = []
    """Orders that are anonymous since the erasure: what the journal still says of them may go."""
    next_email: str = ""
    next_handle: str = ""
    """Of the address that it wants instead, until it is known whether that is free."""
    left: list[str] = []
    """Handles of addresses before, until they are let go."""
    visits: bool = False
    """After the erasure: what the customer did in the shop has yet to be forgotten."""


def _apply_opened(account: Account, event: AccountOpened) -> None:
    account.status = Status.OPENING
    account.email = event.email
    account.handle = event.handle
    account.password = event.password
    account.credentials = 1
    account.profile = event.profile
    account.created_at = event.at


def _apply_imported(account: Account, event: AccountImported) -> None:
    account.status = Status.IMPORTED
    account.created_at = event.at


def _apply_held(account: Account, _event: HandleHeld) -> None:
    account.status = Status.ACTIVE


def _apply_session_begun(account: Account, event: SessionBegun) -> None:
    if (totp := account.totp) is not None:
        left = [code for code in totp.recovery if code != event.recovery]
        account.totp = Totp(totp.sealed, max(totp.last_step, event.step), left)
    sessions = account.sessions
    newest = sorted(sessions, key=lambda session_id: sessions[session_id].used_at)[-(MOST_SESSIONS - 1) :]
    account.sessions = {session_id: sessions[session_id] for session_id in newest}
    account.sessions[event.session_id] = event.session


def _apply_session_refreshed(account: Account, event: SessionRefreshed) -> None:
    session = account.sessions[event.session_id]
    refreshed = msgspec.structs.replace(session, token=event.token, previous=session.token, used_at=event.at)
    account.sessions = {**account.sessions, event.session_id: refreshed}


def _apply_session_revoked(account: Account, event: SessionRevoked) -> None:
    account.sessions = _without(account.sessions, event.session_id)


def _apply_sessions_ended(account: Account, event: SessionsEnded) -> None:
    account.sessions = _without(account.sessions, event.session_id) if event.session_id else {}


def _apply_password_changed(account: Account, event: PasswordChanged) -> None:
    account.password = event.password
    account.credentials += 1
    kept = account.sessions.get(event.keep_session)
    account.sessions = {event.keep_session: kept} if kept is not None else {}


def _apply_email_begun(account: Account, event: EmailChangeBegun) -> None:
    account.next_email, account.next_handle = event.email, event.handle


def _apply_email_changed(account: Account, _event: EmailChanged) -> None:
    if account.status is Status.ERASED:
        account.left = [*account.left, account.next_handle]
    else:
        account.left = [*account.left, account.handle]
        account.email, account.handle = account.next_email, account.next_handle
        account.credentials += 1
    account.next_email = account.next_handle = ""


def _apply_email_refused(account: Account, _event: EmailChangeRefused) -> None:
    account.next_email = account.next_handle = ""


def _apply_rehashed(account: Account, event: PasswordRehashed) -> None:
    account.password = event.password


def _apply_profile(account: Account, event: ProfileSet) -> None:
    account.profile = event.profile


def _apply_preferences(account: Account, event: PreferencesSet) -> None:
    account.preferences = event.preferences


def _apply_address_put(account: Account, event: AddressPut) -> None:
    account.addresses = {**account.addresses, event.address_id: event.address}


def _apply_address_removed(account: Account, event: AddressRemoved) -> None:
    account.addresses = _without(account.addresses, event.address_id)


def _apply_totp_enrolled(account: Account, event: TotpEnrolled) -> None:
    account.enrolling = event.sealed


def _apply_totp_confirmed(account: Account, event: TotpConfirmed) -> None:
    account.enrolling = ""
    account.totp = Totp(event.sealed, event.step, list(event.recovery))


def _apply_totp_disabled(account: Account, _event: TotpDisabled) -> None:
    account.totp = None


def _apply_linked(account: Account, event: IdentityLinked) -> None:
    account.identities = {**account.identities, event.handle: event.provider}


def _apply_roles(account: Account, event: RolesSet) -> None:
    account.roles = event.roles
    # Who may do less from now on shall not go on with what was granted before.
    account.sessions = {}


def _apply_cart(account: Account, event: CartUsed) -> None:
    account.cart_id = event.cart_id


def _apply_order_noted(account: Account, event: OrderNoted) -> None:
    account.orders.append(event.note)
    if len(account.orders) > MOST_ORDERS:
        del account.orders[0]


def _apply_erased(account: Account, _event: AccountErased) -> None:
    """Only what the erasure itself still needs is left: handles to let go, orders to make anonymous, visits."""
    kept = Account(account.account_id, Status.ERASED, handle=account.handle)
    kept.identities = dict.fromkeys(account.identities, "")
    kept.orders = account.orders
    # A change that is under way still hears whether it holds the handle, which then must be let go.
    kept.next_handle, kept.left = account.next_handle, account.left
    # Of an account that never came to be there were no visits.
    kept.visits = account.status is Status.ACTIVE
    for name in Account.__struct_fields__:
        setattr(account, name, getattr(kept, name))


def _apply_order_forgotten(account: Account, event: OrderForgotten) -> None:
    account.orders = [note for note in account.orders if note.order_id != event.order_id]
    account.forgotten = [*account.forgotten, event.order_id]


def _apply_handle_forgotten(account: Account, event: HandleForgotten) -> None:
    account.identities = _without(account.identities, event.handle)
    account.left = [handle for handle in account.left if handle != event.handle]
    if account.handle == event.handle:
        account.handle = ""


def _apply_visits_forgotten(account: Account, _event: VisitsForgotten) -> None:
    account.visits = False


_CHANGES: dict[type[Message], Callable[[Account, Any], None]] = {
    AccountOpened: _apply_opened,
    AccountImported: _apply_imported,
    HandleHeld: _apply_held,
    SessionBegun: _apply_session_begun,
    SessionRefreshed: _apply_session_refreshed,
    SessionRevoked: _apply_session_revoked,
    SessionsEnded: _apply_sessions_ended,
    PasswordChanged: _apply_password_changed,
    PasswordRehashed: _apply_rehashed,
    EmailChangeBegun: _apply_email_begun,
    EmailChanged: _apply_email_changed,
    EmailChangeRefused: _apply_email_refused,
    ProfileSet: _apply_profile,
    PreferencesSet: _apply_preferences,
    AddressPut: _apply_address_put,
    AddressRemoved: _apply_address_removed,
    TotpEnrolled: _apply_totp_enrolled,
    TotpConfirmed: _apply_totp_confirmed,
    TotpDisabled: _apply_totp_disabled,
    IdentityLinked: _apply_linked,
    RolesSet: _apply_roles,
    CartUsed: _apply_cart,
    OrderNoted: _apply_order_noted,
    AccountErased: _apply_erased,
    OrderForgotten: _apply_order_forgotten,
    HandleForgotten: _apply_handle_forgotten,
    VisitsForgotten: _apply_visits_forgotten,
}


def _without(items: dict[str, Item], key: str) -> dict[str, Item]:
    return {name: item for name, item in items.items() if name != key}


def apply(account: Account, event: Event) -> None:
    """Change the account as the event tells. What it holds is replaced, not changed, so that a plain copy of an account
    can be changed by itself; the list of orders alone grows where it is."""
    _CHANGES[type(event)](account, event)


def effects(account: Account) -> Iterator[Effect]:
    """A new account waits for its address, an erased one until its handles are free, its orders anonymous and its
    visits forgotten; one that changes its address for the new one, and until the old one is free."""
    if account.status is Status.OPENING:
        yield Send("take", "handle", account.handle, TakeHandle(account.account_id))
    if account.next_handle:
        yield Send(f"email:{account.next_handle}", "handle", account.next_handle, TakeHandle(account.account_id))
    held = (account.handle, *account.identities) if account.status is Status.ERASED else ()
    for handle in (*held, *account.left):
        if handle:
            yield Send(f"leave:{handle}", "handle", handle, LeaveHandle(account.account_id))
    if account.status is not Status.ERASED:
        return
    for note in account.orders:
        yield Send(f"anonymize:{note.order_id}", "order", note.order_id, Anonymize())
    if account.visits:
        yield Send("forget-visits", VISITOR.name, account.account_id, ForgetVisitor(for_good=True))


def settled(account: Account) -> AccountView | None:
    """The account once it is known whether the address is its own; without an address it is no account any more."""
    return None if account.status in (None, Status.OPENING) or account.next_handle else view(account)


def view(account: Account) -> AccountView:
    """The account as the shop sees it."""
    totp = account.totp
    return AccountView(
        account.account_id,
        account.email,
        account.profile,
        account.roles,
        account.addresses,
        account.preferences,
        account.sessions,
        account.identities,
        account.cart_id,
        account.created_at,
        account.credentials,
        account.password,
        totp.sealed if totp is not None else "",
        account.enrolling,
        len(totp.recovery) if totp is not None else 0,
    )
