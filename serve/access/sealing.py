"""Texts that only this shop can read or make: AES-GCM under a key derived from the shop's secret, one per purpose."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_BYTES = 32


class Seal:
    """Seals for one purpose: what was sealed for another is not opened."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        key = blake2b(purpose.encode(), key=secret, digest_size=KEY_BYTES, person=b"seal").digest()
        self._cipher = AESGCM(key)

    def close(self, content: bytes, nonce: bytes) -> str:
        """The content sealed; `nonce` must be `NONCE_BYTES` that were never used before: random ones."""
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, content, None)).decode().rstrip("=")

    def open(self, sealed: str) -> bytes | None:
        """The content, or None if this shop did not seal it for this purpose."""
        try:
            raw = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None)
        except (Base64Error, InvalidTag, ValueError):
            return None
