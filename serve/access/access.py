"""Everything that proves who somebody is, in one value that the serving process composes."""

from collections.abc import Callable
from typing import Protocol

from engine.kernel import Instant

from ..identity import is_same
from .machines import MachineKey, MachineKeys
from .principal import ADMIN, Principal
from .signing import Sender, SigningKeys
from .tokens import AccessTokens, looks_like_a_token


class AccessSettings(Protocol):
    """The settings that are read here."""

    @property
    def public_url(self) -> str: ...

    @property
    def access_token_s(self) -> int: ...


class Access:
    """Tells the principal of a bearer token. What it holds was read from entities and can be read again."""

    def __init__(self, keys: SigningKeys, tokens: AccessTokens, machines: MachineKeys, admin_key: str) -> None:
        self.keys = keys
        self.tokens = tokens
        self.machines = machines
        self._admin_key = admin_key

    def known(self, token: str) -> Principal | None:
        """The principal of a token that was verified before: for where no time may be lost."""
        return self.tokens.known(token)

    async def identify(self, token: str) -> Principal | None:
        """The principal of a bearer token; None if it opens nothing. Raises actors.errors.Unavailable."""
        if looks_like_a_token(token):
            return await self.tokens.read(token)
        if (key := MachineKey.read(token)) is not None:
            return await self.machines.identify(key)
        return ADMIN if is_same(token, self._admin_key) else None


def access_of(
    client: Sender,
    settings: AccessSettings,
    *,
    secret: bytes,
    admin_key: str,
    now: Callable[[], Instant],
    new_id: Callable[[], str],
) -> Access:
    """The access of one process."""
    keys = SigningKeys(client, secret, now)
    tokens = AccessTokens(keys, now, new_id, issuer=settings.public_url, lifetime_s=settings.access_token_s)
    return Access(keys, tokens, MachineKeys(client, now), admin_key)
