"""What an account does at each command."""

from collections.abc import Callable
from copy import copy
from operator import attrgetter
from typing import Any

from ..kernel import Accepted, Command, EffectAnswered, Event, Instant, Outcome, Rejected, invalid
from ..order import NoteOrder
from ..reasons import Reason
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
from .messages import (
    CartInUse,
    ChangeEmail,
    ChangePassword,
    ConfirmTotp,
    DisableTotp,
    EnrolTotp,
    Erase,
    ImportAccount,
    LinkIdentity,
    LookAccount,
    LookOrders,
    OpenAccount,
    OrderNote,
    OrderNotes,
    Profile,
    PutAddress,
    Refresh,
    Rehash,
    RemoveAddress,
    SecondFactor,
    Session,
    SessionEnded,
    SessionView,
    SetPreferences,
    SetProfile,
    SetRoles,
    SignIn,
    SignOut,
    Status,
    UseCart,
)
from .state import Account, apply, view

RETRY_GRACE_MS = 30_000
"""A refresh whose answer was lost may be asked again for so long; after that a used token is somebody else's."""
MOST_ADDRESSES = 20
MOST_PREFERENCES = 50
MOST_IDENTITIES = 10
MOST_LEFT = 10
"""Handles that are being let go at a time."""
MOST_RECOVERY_CODES = 16
MOST_ROLES = 8
MOST_ORDERS_LOOKED_AT = 100
LONGEST_TEXT = 255
"""Characters of a name, a token's hash or anything else that isn't said otherwise."""
LONGEST_PREFERENCE = 1_000


def _open(account: Account, command: OpenAccount, now: Instant) -> Outcome:
    if account.status is not None:
        # A retry; also one after the erasure: a link in an old mail opens nothing again.
        return Rejected(Reason.NOT_FOUND) if account.status is Status.ERASED else Accepted((), view(account))
    if refusal := _too_long(command, "email", "handle", "password") or _misshapen_profile(command.profile):
        return refusal
    if not command.email or not command.handle:
        return invalid("email", "not be empty")
    return _recorded(account, AccountOpened(command.email, command.handle, command.password, command.profile, now))


def _import(account: Account, command: ImportAccount, now: Instant) -> Outcome:
    if refusal := _too_long(command, "source", "reference", "country"):
        return refusal
    if account.status is not None:
        # One that was erased stays so, however often its history is imported.
        return Rejected(Reason.NOT_FOUND) if account.status is Status.ERASED else Accepted((), view(account))
    return _recorded(account, AccountImported(command.source, command.reference, command.country, now))


def _sign_in(account: Account, command: SignIn, now: Instant) -> Outcome:
    if refusal := _gone(account) or _too_long(command, "session_id", "token", "label"):
        return refusal
    if len(command.scopes) > MOST_ROLES:
        return invalid("scopes", f"be at most {MOST_ROLES}")
    known = account.sessions.get(command.session_id)
    if known is not None:
        return Accepted((), _session(account, command.session_id, known))
    if command.credentials != account.credentials:
        return Rejected(Reason.LOGIN_REFUSED)
    if refusal := _second_factor_refused(account, command.second):
        return refusal
    session = Session(command.token, now, now, command.expires_at, command.label, scopes=command.scopes)
    second = command.second or SecondFactor()
    begun = SessionBegun(command.session_id, session, second.step, second.recovery)
    return Accepted((begun,), _session(account, command.session_id, session))


def _second_factor_refused(account: Account, second: SecondFactor | None) -> Rejected | None:
    totp = account.totp
    if totp is None:
        return None if second is None else Rejected(Reason.LOGIN_REFUSED)
    if second is None:
        return Rejected(Reason.SECOND_FACTOR_REQUIRED)
    if second.recovery:
        return None if second.recovery in totp.recovery else Rejected(Reason.LOGIN_REFUSED)
    # Somebody who has seen a code being typed must not get in with it.
    return None if second.step > totp.last_step else Rejected(Reason.LOGIN_REFUSED)


def _refresh(account: Account, command: Refresh, now: Instant) -> Outcome:
    session = account.sessions.get(command.session_id) if account.status is Status.ACTIVE else None
    if session is None or now >= session.expires_at:
        return Rejected(Reason.LOGIN_REFUSED)
    if refusal := _too_long(command, "token", "next_token"):
        return refusal
    if command.token == session.token:
        refreshed = SessionRefreshed(command.session_id, command.next_token, now)
        return Accepted((refreshed,), _session(account, command.session_id, session))
    repeated = command.token == session.previous and command.next_token == session.token
    if repeated and now - session.used_at < RETRY_GRACE_MS:
        return Accepted((), _session(account, command.session_id, session))
    return Accepted((SessionRevoked(command.session_id),), SessionEnded(command.session_id))


def _sign_out(account: Account, command: SignOut, now: Instant) -> Outcome:
    if refusal := _gone(account):
        return refusal
    there = command.session_id in account.sessions if command.session_id else bool(account.sessions)
    return _recorded(account, SessionsEnded(command.session_id) if there else None)


def _change_password(account: Account, command: ChangePassword, now: Instant) -> Outcome:
    if refusal := _gone(account) or _too_long(command, "password", "keep_session"):
        return refusal
    if command.credentials != account.credentials:
        if command.credentials == account.credentials - 1 and command.password == account.password:
            return Accepted((), view(account))
        return Rejected(Reason.LOGIN_REFUSED)
    return _recorded(account, PasswordChanged(command.password, now, command.keep_session))


def _change_email(account: Account, command: ChangeEmail, _now: Instant) -> Outcome:
    if refusal := _gone(account) or _too_long(command, "email", "handle"):
        return refusal
    if not command.email or not command.handle:
        return invalid("email", "not be empty")
    if command.handle in (account.handle, account.next_handle):
        return Accepted((), view(account))
    # A handle that is being let go would be lost if it were taken again meanwhile.
    under_way = account.next_handle or command.handle in account.left or len(account.left) >= MOST_LEFT
    if command.credentials != account.credentials or under_way:
        return Rejected(Reason.LOGIN_REFUSED)
    return _recorded(account, EmailChangeBegun(command.email, command.handle))


def _rehash(account: Account, command: Rehash, now: Instant) -> Outcome:
    if refusal := _gone(account) or _too_long(command, "password"):
        return refusal
    wanted = command.credentials == account.credentials and command.password != account.password
    return _recorded(account, PasswordRehashed(command.password) if wanted else None)


def _set_profile(account: Account, command: SetProfile, now: Instant) -> Outcome:
    if refusal := _gone(account) or _misshapen_profile(command.profile):
        return refusal
    return _recorded(account, ProfileSet(command.profile) if command.profile != account.profile else None)


def _set_preferences(account: Account, command: SetPreferences, now: Instant) -> Outcome:
    if refusal := _gone(account):
        return refusal
    if len(command.preferences) > MOST_PREFERENCES:
        return invalid("preferences", f"be at most {MOST_PREFERENCES}")
    if any(len(name) > LONGEST_TEXT or len(text) > LONGEST_PREFERENCE for name, text in command.preferences.items()):
        return invalid("preferences", f"have names of {LONGEST_TEXT} and values of {LONGEST_PREFERENCE} characters")
    changed = command.preferences != account.preferences
    return _recorded(account, PreferencesSet(command.preferences) if changed else None)


def _put_address(account: Account, command: PutAddress, now: Instant) -> Outcome:
    if refusal := _gone(account) or _too_long(command, "address_id"):
        return refusal
    if refusal := _too_long(command.address, *command.address.__struct_fields__):
        return refusal
    known = account.addresses.get(command.address_id)
    if known is None and len(account.addresses) >= MOST_ADDRESSES:
        return Rejected(Reason.TOO_MANY, {"limit": MOST_ADDRESSES})
    return _recorded(account, AddressPut(command.address_id, command.address) if known != command.address else None)


def _remove_address(account: Account, command: RemoveAddress, now: Instant) -> Outcome:
    there = command.address_id in account.addresses
    return _gone(account) or _recorded(account, AddressRemoved(command.address_id) if there else None)


def _enrol_totp(account: Account, command: EnrolTotp, now: Instant) -> Outcome:
    if refusal := _gone(account) or _too_long(command, "sealed"):
        return refusal
    if account.totp is not None:
        return Rejected(Reason.SECOND_FACTOR_IN_USE)
    return _recorded(account, TotpEnrolled(command.sealed) if command.sealed != account.enrolling else None)


def _confirm_totp(account: Account, command: ConfirmTotp, now: Instant) -> Outcome:
    if refusal := _gone(account):
        return refusal
    if account.totp is not None:
        same = account.totp.sealed == command.sealed and account.totp.recovery == list(command.recovery)
        return Accepted((), view(account)) if same else Rejected(Reason.SECOND_FACTOR_IN_USE)
    if not command.sealed or command.sealed != account.enrolling:
        return Rejected(Reason.LOGIN_REFUSED)
    if not 0 < len(command.recovery) <= MOST_RECOVERY_CODES:
        return invalid("recovery", f"be 1 to {MOST_RECOVERY_CODES}")
    return _recorded(account, TotpConfirmed(command.sealed, command.step, command.recovery))


def _disable_totp(account: Account, command: DisableTotp, now: Instant) -> Outcome:
    if refusal := _gone(account):
        return refusal
    if account.totp is None:
        return Accepted((), view(account))
    return _second_factor_refused(account, command.second) or _recorded(account, TotpDisabled())


def _link(account: Account, command: LinkIdentity, now: Instant) -> Outcome:
    if refusal := _gone(account) or _too_long(command, "handle", "provider"):
        return refusal
    if command.handle in account.identities:
        return Accepted((), view(account))
    if len(account.identities) >= MOST_IDENTITIES:
        return Rejected(Reason.TOO_MANY, {"limit": MOST_IDENTITIES})
    return _recorded(account, IdentityLinked(command.handle, command.provider))


def _set_roles(account: Account, command: SetRoles, now: Instant) -> Outcome:
    if refusal := _gone(account):
        return refusal
    if len(command.roles) > MOST_ROLES or any(len(role) > LONGEST_TEXT for role in command.roles):
        return invalid("roles", f"be at most {MOST_ROLES}")
    return _recorded(account, RolesSet(command.roles) if command.roles != account.roles else None)


def _use_cart(account: Account, command: UseCart, _now: Instant) -> Outcome:
    if refusal := _gone(account) or _too_long(command, "cart_id"):
        return refusal
    if command.instead_of != account.cart_id:
        return Accepted((), CartInUse(account.cart_id))
    return Accepted((CartUsed(command.cart_id),), CartInUse(command.cart_id))


def _note_order(account: Account, command: NoteOrder, _now: Instant) -> Outcome:
    # An erased account still notes it: the order is to be made anonymous, too.
    if account.status is None:
        return Rejected(Reason.NOT_FOUND)
    known = any(note.order_id == command.order_id for note in account.orders)
    note = OrderNote(command.order_id, command.at, command.confirmed)
    return Accepted(() if known else (OrderNoted(note),))


def _erase(account: Account, _command: Erase, now: Instant) -> Outcome:
    if account.status is None:
        return Rejected(Reason.NOT_FOUND)
    return _recorded(account, AccountErased(now) if account.status is not Status.ERASED else None)


def _effect_answered(account: Account, command: EffectAnswered, now: Instant) -> Outcome:
    """Whether the address, or the next one, is the account's own; after the erasure whatever the other entity said:
    what it doesn't know, it needn't forget."""
    name, _, rest = command.effect_id.partition(":")
    if name == "take":
        if account.status is not Status.OPENING:
            return Accepted()
        return Accepted((AccountErased(now) if isinstance(command.reply, Rejected) else HandleHeld(),))
    if name == "email":
        if rest != account.next_handle:
            return Accepted()
        return Accepted((EmailChangeRefused() if isinstance(command.reply, Rejected) else EmailChanged(now),))
    if name == "leave":
        held = (account.handle, *account.identities, *account.left)
        return Accepted((HandleForgotten(rest),) if rest in held else ())
    if name == "forget-visits":
        return Accepted((VisitsForgotten(),) if account.visits else ())
    return Accepted((OrderForgotten(rest),) if any(note.order_id == rest for note in account.orders) else ())


def _look(account: Account, _command: LookAccount, _now: Instant) -> Outcome:
    return _unseen(account) or Accepted((), view(account))


def _look_orders(account: Account, command: LookOrders, _now: Instant) -> Outcome:
    if refusal := _unseen(account):
        return refusal
    # By their own dates: those of imported orders are older than when they were noted.
    newest_first = sorted(
        (note for note in reversed(account.orders) if note.confirmed), key=attrgetter("at"), reverse=True
    )
    places = {note.order_id: place for place, note in enumerate(newest_first)} if command.before else {}
    first = places.get(command.before, -1) + 1
    limit = min(max(command.limit, 1), MOST_ORDERS_LOOKED_AT)
    return Accepted((), OrderNotes(tuple(newest_first[first : first + limit])))


def _unseen(account: Account) -> Rejected | None:
    return None if account.status is Status.IMPORTED else _gone(account)


def _gone(account: Account) -> Rejected | None:
    return None if account.status is Status.ACTIVE else Rejected(Reason.NOT_FOUND)


def _too_long(message: Any, *fields: str) -> Rejected | None:
    for field in fields:
        if len(getattr(message, field)) > LONGEST_TEXT:
            return invalid(field, f"have at most {LONGEST_TEXT} characters")
    return None


def _misshapen_profile(profile: Profile) -> Rejected | None:
    return _too_long(profile, *profile.__struct_fields__)


def _session(account: Account, session_id: str, session: Session) -> SessionView:
    return SessionView(account.account_id, session_id, account.roles, session.expires_at, session.scopes)


def _recorded(account: Account, event: Event | None) -> Accepted:
    """The event, if there is one, and the account as it is then."""
    if event is None:
        return Accepted((), view(account))
    changed = copy(account)
    apply(changed, event)
    return Accepted((event,), view(changed))


_DECISIONS: dict[type[Command], Callable[[Account, Any, Instant], Outcome]] = {
    OpenAccount: _open,
    ImportAccount: _import,
    SignIn: _sign_in,
    Refresh: _refresh,
    SignOut: _sign_out,
    ChangePassword: _change_password,
    ChangeEmail: _change_email,
    Rehash: _rehash,
    SetProfile: _set_profile,
    SetPreferences: _set_preferences,
    PutAddress: _put_address,
    RemoveAddress: _remove_address,
    EnrolTotp: _enrol_totp,
    ConfirmTotp: _confirm_totp,
    DisableTotp: _disable_totp,
    LinkIdentity: _link,
    SetRoles: _set_roles,
    UseCart: _use_cart,
    NoteOrder: _note_order,
    Erase: _erase,
    EffectAnswered: _effect_answered,
    LookAccount: _look,
    LookOrders: _look_orders,
}


def decide(account: Account, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](account, command, now)
