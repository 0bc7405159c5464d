"""What an account records. What these say of a person is let go when the account is erased and its journal trimmed."""

from ..kernel import Event, Instant
from .messages import Address, OrderNote, Profile, Session


class AccountOpened(Event, frozen=True):
    email: str
    handle: str
    password: str
    profile: Profile
    at: Instant


class AccountImported(Event, frozen=True):
    """A customer of another system, known by a number alone; `country` is an ISO 3166 code."""

    source: str
    reference: str
    country: str
    at: Instant


class HandleHeld(Event, frozen=True):
    """The address is this account's and no other's: it can be used."""


class SessionBegun(Event, frozen=True):
    """`step` and `recovery` of the second factor can't be used again."""

    session_id: str
    session: Session
    step: int = 0
    recovery: str = ""


class SessionRefreshed(Event, frozen=True):
    session_id: str
    token: str
    at: Instant


class SessionRevoked(Event, frozen=True):
    """A used refresh token came again: whoever has it shall not go on, and nor can we tell who is who."""

    session_id: str


class SessionsEnded(Event, frozen=True):
    """Logged out; without an id everywhere."""

    session_id: str = ""


class PasswordChanged(Event, frozen=True):
    password: str
    at: Instant
    keep_session: str = ""


class EmailChangeBegun(Event, frozen=True):
    """The account wants another address: whether it is free is being found out."""

    email: str
    handle: str


class EmailChanged(Event, frozen=True):
    """The new address is this account's; the handle of the one before is let go."""

    at: Instant


class EmailChangeRefused(Event, frozen=True):
    """The new address is another account's."""


class PasswordRehashed(Event, frozen=True):
    password: str


class ProfileSet(Event, frozen=True):
    profile: Profile


class PreferencesSet(Event, frozen=True):
    preferences: dict[str, str]


class AddressPut(Event, frozen=True):
    address_id: str
    address: Address


class AddressRemoved(Event, frozen=True):
    address_id: str


class TotpEnrolled(Event, frozen=True):
    sealed: str


class TotpConfirmed(Event, frozen=True):
    sealed: str
    step: int
    recovery: tuple[str, ...]


class TotpDisabled(Event, frozen=True):
    pass


class IdentityLinked(Event, frozen=True):
    handle: str
    provider: str


class RolesSet(Event, frozen=True):
    roles: tuple[str, ...]


class CartUsed(Event, frozen=True):
    cart_id: str


class OrderNoted(Event, frozen=True):
    note: OrderNote


class AccountErased(Event, frozen=True):
    at: Instant


class OrderForgotten(Event, frozen=True):
    """After the erasure: the order is anonymous."""

    order_id: str


class HandleForgotten(Event, frozen=True):
    """After the erasure, or a change of the address: the handle is free."""

    handle: str


class VisitsForgotten(Event, frozen=True):
    """After the erasure: what the customer did in the shop is forgotten."""


AccountEvent = (
    AccountOpened
    | AccountImported
    | HandleHeld
    | SessionBegun
    | SessionRefreshed
    | SessionRevoked
    | SessionsEnded
    | PasswordChanged
    | PasswordRehashed
    | EmailChangeBegun
    | EmailChanged
    | EmailChangeRefused
    | ProfileSet
    | PreferencesSet
    | AddressPut
    | AddressRemoved
    | TotpEnrolled
    | TotpConfirmed
    | TotpDisabled
    | IdentityLinked
    | RolesSet
    | CartUsed
    | OrderNoted
    | AccountErased
    | OrderForgotten
    | HandleForgotten
    | VisitsForgotten
)
