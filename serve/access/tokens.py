"""Access tokens: short-lived JWTs, signed with the shop's keys; one that was verified is known until it expires."""

from collections.abc import Callable, Iterable

import jwt

from engine.kernel import Instant

from .principal import Kind, Principal, widened
from .signing import ALGORITHM, SigningKeys

TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068's media type, no secret
KNOWN_TOKENS = 20_000
"""Verified tokens that are remembered, in two halves: when the newer half is full, the older one is forgotten."""


class AccessTokens:
    """Makes and reads access tokens. Verifying one costs a signature check, knowing it again a look into a dict."""

    def __init__(
        self,
        keys: SigningKeys,
        now: Callable[[], Instant],
        new_id: Callable[[], str],
        *,
        issuer: str,
        lifetime_s: int,
    ) -> None:
        self.lifetime_s = lifetime_s
        self._keys = keys
        self._now = now
        self._new_id = new_id
        self._issuer = issuer
        self._losses = 0
        self._newer: dict[str, Principal] = {}
        self._older: dict[str, Principal] = {}

    async def issue(self, kind: Kind, subject: str, scopes: Iterable[str], session: str = "") -> str:
        """A token for a customer or a machine with these scopes."""
        kid, private = await self._keys.signer()
        issued_at = self._now() // 1_000
        claims = {
            "iss": self._issuer,
            "sub": subject,
            "iat": issued_at,
            "exp": issued_at + self.lifetime_s,
            "jti": self._new_id(),
            "scope": " ".join(sorted(scopes)),
            "client": str(kind),
        }
        if session:
            claims["sid"] = session
        return jwt.encode(claims, private, algorithm=ALGORITHM, headers={"kid": kid, "typ": TOKEN_TYPE})

    def known(self, token: str) -> Principal | None:
        """The principal of a token that was verified before and hasn't expired: no cryptography."""
        principal = self._newer.get(token) or self._older.get(token)
        return principal if principal is not None and self._now() < principal.until else None

    async def read(self, token: str) -> Principal | None:
        """The principal of a token; None for one that isn't ours, was tampered with, or has expired."""
        if (losses := await self._keys.losses()) != self._losses:
            # Tokens of a key that is gone aren't taken any more; the others are verified once more.
            self.forget()
            self._losses = losses
        if (principal := self.known(token)) is not None:
            return principal
        principal = await self._verified(token)
        if principal is None or principal.until <= self._now():
            return None
        if len(self._newer) >= KNOWN_TOKENS // 2:
            self._older, self._newer = self._newer, {}
        self._newer[token] = principal
        return principal

    def forget(self) -> None:
        """Verify every token anew: the keys have changed."""
        self._newer, self._older = {}, {}

    async def _verified(self, token: str) -> Principal | None:
        try:
            header = jwt.get_unverified_header(token)
            key = await self._keys.verifier(str(header.get("kid", "")))
            if key is None or header.get("typ") != TOKEN_TYPE:
                return None
            # Its expiry is held against the shop's own clock, which never jumps: not against this machine's.
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                options={"require": ["exp", "iat", "sub"], "verify_exp": False, "verify_iat": False},
            )
            kind = Kind(claims.get("client", Kind.CUSTOMER))
        except (jwt.PyJWTError, ValueError):
            return None
        return Principal(
            kind,
            str(claims["sub"]),
            widened(str(claims.get("scope", "")).split()),
            int(claims["exp"]) * 1_000,
            str(claims.get("sid", "")),
            int(claims["iat"]) * 1_000,
        )


def looks_like_a_token(text: str) -> bool:
    """Whether the text has the form of a JWT: three parts, as neither keys nor an order's access token have."""
    return text.count(".") == 2
