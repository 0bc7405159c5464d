"""Who makes a request: nobody in particular, a customer, a machine, or whoever holds the admin key."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a token opens. A wider one of the staff includes the narrower ones; a customer's is apart."""

    CUSTOMER = "customer"
    SUPPORT = "support"
    MERCHANT = "merchant"
    ADMIN = "admin"


STAFF = (Scope.SUPPORT, Scope.MERCHANT, Scope.ADMIN)
"""In ascending order: each may do what those before it may."""


class Kind(StrEnum):
    ANONYMOUS = "anonymous"
    CUSTOMER = "customer"
    MACHINE = "machine"
    ADMIN_KEY = "admin-key"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever makes a request. `subject` is an account's id or a machine's; `until` ends it, in milliseconds."""

    kind: Kind
    subject: str = ""
    scopes: frozenset[Scope] = frozenset()
    until: int = 0
    session: str = ""
    issued_at: int = 0
    """When a customer's token was made, in milliseconds."""

    def may(self, scope: Scope) -> bool:
        """Whether the principal has the scope, or a wider one."""
        return scope in self.scopes

    @property
    def account_id(self) -> str:
        """The customer's account, or nothing."""
        return self.subject if self.kind is Kind.CUSTOMER else ""

    @property
    def actor(self) -> str:
        """How the principal is written into a history: who did it, without a name."""
        return f"{self.kind}:{self.subject}" if self.subject else str(self.kind)


def widened(scopes: Iterable[str]) -> frozenset[Scope]:
    """The scopes with all that they include; words that are no scope are left out."""
    given = {Scope(scope) for scope in scopes if scope in _SCOPES}
    highest = max((STAFF.index(scope) for scope in given if scope in STAFF), default=-1)
    return frozenset(given | set(STAFF[: highest + 1]))


_SCOPES = frozenset(str(scope) for scope in Scope)

ANONYMOUS = Principal(Kind.ANONYMOUS)
ADMIN = Principal(Kind.ADMIN_KEY, scopes=frozenset(STAFF))
