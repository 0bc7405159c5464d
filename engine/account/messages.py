"""What an account is told and asked, and how it answers."""

from enum import StrEnum

from ..kernel import Answer, Command, Instant, Message
from ..order import NoteOrder


class Status(StrEnum):
    OPENING = "opening"
    """Whether the address is this account's is being found out."""
    ACTIVE = "active"
    IMPORTED = "imported"
    """Another system knew this customer by a number alone: there are orders, and nobody who could log in."""
    ERASED = "erased"


class Profile(Message, frozen=True):
    """What a customer says of themselves."""

    name: str = ""
    phone: str = ""
    locale: str = ""


class Address(Message, frozen=True):
    """Where to deliver or to bill; `country` is an ISO 3166 code."""

    name: str
    line1: str
    city: str
    country: str
    line2: str = ""
    postal_code: str = ""
    region: str = ""
    phone: str = ""


class OpenAccount(Command, frozen=True):
    """Begin the account of whoever has shown that the address is theirs; again: no change.

    `handle` is the key of the address among handles; `password` is a hash, or empty for who logs in elsewhere.
    """

    email: str
    handle: str
    password: str = ""
    profile: Profile = Profile()


class ImportAccount(Command, frozen=True):
    """Another system, `source`, has a customer of this number, of whom no e-mail address is known; again: no change.

    Who has an address is opened like anybody else, without a password: by the way for a forgotten one, whoever can read
    mails to it comes in and finds those orders.
    """

    source: str
    reference: str
    country: str = ""


class SecondFactor(Message, frozen=True):
    """A code that was right: the time step of a one-time password, or the hash of a recovery code."""

    step: int = 0
    recovery: str = ""


class SignIn(Command, frozen=True):
    """Begin a session for whoever gave the password that `credentials` counts; `token` is a refresh token's hash."""

    session_id: str
    token: str
    credentials: int
    expires_at: Instant
    label: str = ""
    second: SecondFactor | None = None
    scopes: tuple[str, ...] = ()
    """What the session may at most; empty: whatever the account may."""


class Refresh(Command, frozen=True):
    """Exchange a session's refresh token for its successor (hashes of both). One that was used before ends the session:
    somebody else has it."""

    session_id: str
    token: str
    next_token: str


class SignOut(Command, frozen=True):
    """End a session; without an id, all."""

    session_id: str = ""


class ChangePassword(Command, frozen=True):
    """Take a new password's hash, if the old one still is what it was; all sessions end but `keep_session`."""

    password: str
    credentials: int
    keep_session: str = ""


class ChangeEmail(Command, frozen=True):
    """Be found by another address, of which it was shown that it is the owner's; `handle` is its key among handles."""

    email: str
    handle: str
    credentials: int


class Rehash(Command, frozen=True):
    """The same password, hashed by newer parameters."""

    password: str
    credentials: int


class SetProfile(Command, frozen=True):
    profile: Profile


class SetPreferences(Command, frozen=True):
    """Replace all preferences."""

    preferences: dict[str, str]


class PutAddress(Command, frozen=True):
    address_id: str
    address: Address


class RemoveAddress(Command, frozen=True):
    address_id: str


class EnrolTotp(Command, frozen=True):
    """Keep a sealed secret; it counts once a code of it was shown."""

    sealed: str


class ConfirmTotp(Command, frozen=True):
    """A code of the enrolled secret was right: from now on logins need one. `recovery` are hashes."""

    sealed: str
    step: int
    recovery: tuple[str, ...]


class DisableTotp(Command, frozen=True):
    """Logins need no code any more; `second` was given to show whose account it is."""

    second: SecondFactor


class LinkIdentity(Command, frozen=True):
    """The account may log in at this provider, too."""

    handle: str
    provider: str


class SetRoles(Command, frozen=True):
    """What the account may do beside being a customer."""

    roles: tuple[str, ...]


class UseCart(Command, frozen=True):
    """The customer's cart is this one, if it still was `instead_of`; answers with the one that it is."""

    cart_id: str
    instead_of: str = ""


class Erase(Command, frozen=True):
    """Forget whose account it is; its orders are made anonymous and its handles are let go."""


class LookAccount(Command, frozen=True):
    """Read the account."""


class LookOrders(Command, frozen=True):
    """Read the account's orders, newest first: those noted before the one called `before`."""

    before: str = ""
    limit: int = 20


class Session(Message, frozen=True):
    """A chain of refresh tokens; only the hashes of the newest and the one before it are known."""

    token: str
    began_at: Instant
    used_at: Instant
    expires_at: Instant
    label: str = ""
    previous: str = ""
    scopes: tuple[str, ...] = ()


class OrderNote(Message, frozen=True):
    """An order whose checkout has ended; one that was not confirmed is kept in mind only to be made anonymous."""

    order_id: str
    at: Instant
    confirmed: bool


class AccountView(Answer, frozen=True):
    """The account, for the shop's own eyes: `password` and `totp` are what logins are checked against."""

    account_id: str
    email: str
    profile: Profile
    roles: tuple[str, ...]
    addresses: dict[str, Address]
    preferences: dict[str, str]
    sessions: dict[str, Session]
    identities: dict[str, str]
    cart_id: str
    created_at: Instant
    credentials: int
    password: str
    totp: str
    """The sealed secret, if logins need a code."""
    enrolling: str
    """A sealed secret that was not confirmed yet."""
    recovery_left: int


class SessionView(Answer, frozen=True):
    """A session that goes on; `roles` are the account's now."""

    account_id: str
    session_id: str
    roles: tuple[str, ...]
    expires_at: Instant
    scopes: tuple[str, ...] = ()


class SessionEnded(Answer, frozen=True):
    """The session was ended because a used refresh token came again."""

    session_id: str


class CartInUse(Answer, frozen=True):
    cart_id: str


class OrderNotes(Answer, frozen=True):
    orders: tuple[OrderNote, ...]


AccountCommand = (
    OpenAccount
    | ImportAccount
    | SignIn
    | Refresh
    | SignOut
    | ChangePassword
    | ChangeEmail
    | Rehash
    | SetProfile
    | SetPreferences
    | PutAddress
    | RemoveAddress
    | EnrolTotp
    | ConfirmTotp
    | DisableTotp
    | LinkIdentity
    | SetRoles
    | UseCart
    | NoteOrder
    | Erase
    | LookAccount
    | LookOrders
)
AccountAnswer = AccountView | SessionView | SessionEnded | CartInUse | OrderNotes
