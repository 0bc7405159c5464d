"""A customer's account: how its owner logs in, who they are, where they live, what they bought; and its erasure.

    opening -> active -> erased, once its handles are free and its orders anonymous

Sessions live here and nowhere else: logging out everywhere, a new password or an erasure ends them in one event.
"""

from ..kernel import Kind
from .decisions import decide
from .events import AccountEvent
from .messages import (
    AccountAnswer,
    AccountCommand,
    AccountView,
    Address,
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
from .state import Account, apply, effects, settled

__all__ = [
    "ACCOUNT",
    "Account",
    "AccountView",
    "Address",
    "CartInUse",
    "ChangeEmail",
    "ChangePassword",
    "ConfirmTotp",
    "DisableTotp",
    "EnrolTotp",
    "Erase",
    "ImportAccount",
    "LinkIdentity",
    "LookAccount",
    "LookOrders",
    "OpenAccount",
    "OrderNote",
    "OrderNotes",
    "Profile",
    "PutAddress",
    "Refresh",
    "Rehash",
    "RemoveAddress",
    "SecondFactor",
    "Session",
    "SessionEnded",
    "SessionView",
    "SetPreferences",
    "SetProfile",
    "SetRoles",
    "SignIn",
    "SignOut",
    "Status",
    "UseCart",
]

ACCOUNT = Kind(
    name="account",
    new=Account,
    decide=decide,
    apply=apply,
    commands=AccountCommand,
    events=AccountEvent,
    answers=AccountAnswer,
    state=Account,
    effects=effects,
    settled=settled,
)
