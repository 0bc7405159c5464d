"""Names and secrets of accounts: handles, refresh tokens, links in mails, recovery codes. All made from the shop's
secret, so that every replica agrees, or from fresh randomness; only hashes are ever stored."""

import re
import secrets
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from ..access.sealing import NONCE_BYTES, Seal

SECRET_BYTES = 24
MAX_EMAIL_LENGTH = 254
_is_email = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}\Z").match
RECOVERY_CODES = 10


def normalized(email: str) -> str:
    """The address as it is compared: letters of one case, one way to write each."""
    return unicodedata.normalize("NFC", email).strip().lower()


def is_email(text: str) -> bool:
    """Whether a text from elsewhere has the form of an address."""
    return len(text) <= MAX_EMAIL_LENGTH and _is_email(text) is not None


def handle_of(secret: bytes, kind: str, name: str) -> str:
    """The handle of an e-mail address (`mail`) or of an identity at a provider: a keyed digest that names nobody."""
    digest = blake2b(f"{kind}\n{name}".encode(), key=secret, digest_size=20, person=b"handle").hexdigest()
    return f"{kind}_{digest}"


def hash_of(token: str) -> str:
    """What is stored of a secret that has enough randomness of its own."""
    return blake2b(token.encode(), digest_size=20, person=b"stored").hexdigest()


class RefreshToken(NamedTuple):
    """A refresh token: whose it is, of which session, and the secret that counts."""

    account_id: str
    session_id: str
    secret: str

    def __str__(self) -> str:
        return "~".join(self)

    @property
    def hash(self) -> str:
        return hash_of(self.secret)

    @classmethod
    def read(cls, text: str) -> "RefreshToken | None":
        parts = text.split("~")
        return cls(*parts) if len(parts) == 3 and all(parts) and len(text) <= 200 and text.isascii() else None

    def successor(self, secret: bytes) -> "RefreshToken":
        """The token after this one: made from it, so that a retry whose answer was lost gets the very same."""
        digest = blake2b(str(self).encode(), key=secret, digest_size=SECRET_BYTES, person=b"refresh-token").digest()
        return self._replace(secret=urlsafe_b64encode(digest).decode())


class Links:
    """Sealed contents for links in mails: what a link says can neither be read nor changed, and it ends."""

    def __init__(self, secret: bytes, purpose: str, now: Callable[[], int], lifetime_s: int) -> None:
        self._seal = Seal(secret, f"link:{purpose}")
        self._now = now
        self.lifetime_s = lifetime_s

    def make(self, content: Any) -> str:
        """A token with this content."""
        until = self._now() + self.lifetime_s * 1_000
        return self._seal.close(msgspec.msgpack.encode((until, content)), secrets.token_bytes(NONCE_BYTES))

    def read(self, token: str, type: Any) -> Any:
        """The content, or None if the token isn't one of ours or has ended."""
        opened = self._seal.open(token)
        if opened is None:
            return None
        until, content = msgspec.msgpack.decode(opened, type=tuple[int, type])
        return content if self._now() < until else None


def recovery_codes() -> list[str]:
    """Fresh codes for whoever loses their second factor; shown once."""
    return [f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _ in range(RECOVERY_CODES)]
