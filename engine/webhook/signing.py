"""Signatures as the Standard Webhooks specification has them: HMAC-SHA256 over id, timestamp and payload."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable

SECRET_PREFIX = "whsec_"  # noqa: S105 (says what follows)
FEWEST_SECRET_BYTES = 24
MOST_SECRET_BYTES = 64


def secret_of(raw: bytes) -> str:
    """The secret as the receiver configures it."""
    return SECRET_PREFIX + b64encode(raw).decode()


def is_secret(secret: str) -> bool:
    """Whether this is a secret of the specification: 24 to 64 bytes in base64 behind its prefix."""
    try:
        raw = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (Base64Error, ValueError):
        return False
    return secret.startswith(SECRET_PREFIX) and FEWEST_SECRET_BYTES <= len(raw) <= MOST_SECRET_BYTES


def signatures(secrets: Iterable[str], message_id: str, timestamp_s: int, payload: str) -> str:
    """The `webhook-signature` header: one signature for each secret that is valid now."""
    content = f"{message_id}.{timestamp_s}.{payload}".encode()
    keys = (b64decode(secret.removeprefix(SECRET_PREFIX)) for secret in secrets)
    return " ".join(f"v1,{b64encode(hmac.digest(key, content, 'sha256')).decode()}" for key in keys)
