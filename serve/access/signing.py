"""The keys of access tokens as one process holds them: read from the keyring, looked at again now and then."""

import os
from collections.abc import Callable
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from engine.kernel import Command, Instant, Reply
from engine.keyring import ACCESS_TOKENS, PROPAGATION_MS, EnsureKey, KeyringView, RotateKey, SigningKey

from .sealing import NONCE_BYTES, Seal

ALGORITHM = "EdDSA"
LOOK_AGAIN_MS = PROPAGATION_MS // 2
LOOK_FOR_UNKNOWN_MS = 1_000
"""A key that nobody knows is looked for at most this often: made-up names cost the keyring nothing."""

Random = Callable[[int], bytes]


class Sender(Protocol):
    """The way to entities."""

    async def send(self, kind: str, key: str, command: Command) -> Reply: ...


class SigningKeys:
    """Signs and verifies with the keyring's keys; makes the first one where there is none."""

    def __init__(self, client: Sender, secret: bytes, now: Callable[[], Instant], random: Random = os.urandom) -> None:
        self._client = client
        self._seal = Seal(secret, "signing-keys")
        self._now = now
        self._random = random
        self._keys: dict[str, SigningKey] = {}
        self._public: dict[str, Ed25519PublicKey] = {}
        self._private: tuple[str, Ed25519PrivateKey] | None = None
        self._looked_at: Instant = 0
        self._losses = 0

    async def signer(self) -> tuple[str, Ed25519PrivateKey]:
        """Name and private half of the key that signs now."""
        await self._look(LOOK_AGAIN_MS)
        now = self._now()
        active = [key for key in self._keys.values() if key.active_at <= now] or list(self._keys.values())[:1]
        key = active[-1]
        if self._private is None or self._private[0] != key.kid:
            content = self._seal.open(key.sealed)
            assert content is not None, "the keyring's keys were sealed with this shop's secret"
            self._private = (key.kid, Ed25519PrivateKey.from_private_bytes(content))
        return self._private

    async def verifier(self, kid: str) -> Ed25519PublicKey | None:
        """The public half of a key by its name, unless it isn't taken any more."""
        await self._look(LOOK_AGAIN_MS)
        if kid not in self._public:
            await self._look(LOOK_FOR_UNKNOWN_MS)
        return self._public.get(kid)

    async def losses(self) -> int:
        """How often keys have gone, as far as this process knows; it looks again now and then."""
        await self._look(LOOK_AGAIN_MS)
        return self._losses

    async def public_keys(self) -> list[dict[str, Any]]:
        """The public halves as JSON Web Keys."""
        await self._look(LOOK_AGAIN_MS)
        keys = []
        for kid, public in self._public.items():
            jwk: dict[str, Any] = OKPAlgorithm.to_jwk(public, as_dict=True)
            keys.append({**jwk, "kid": kid, "use": "sig", "alg": ALGORITHM})
        return keys

    async def rotate(self, kid: str, *, revoke: bool = False) -> Reply:
        """Add a new key under a name that nothing had; `revoke` ends the ones before it at once."""
        reply = await self._client.send("keyring", ACCESS_TOKENS, RotateKey(kid, *self._new_key(), revoke=revoke))
        if isinstance(reply, KeyringView):
            self._take(reply)
        return reply

    async def _look(self, older_than_ms: int) -> None:
        if self._keys and self._now() - self._looked_at < older_than_ms:
            return
        # Whoever comes first makes the first key; all others hear of that one.
        reply = await self._client.send("keyring", ACCESS_TOKENS, EnsureKey(self._random(9).hex(), *self._new_key()))
        assert isinstance(reply, KeyringView)
        self._take(reply)

    def _take(self, keyring: KeyringView) -> None:
        self._looked_at = self._now()
        if not self._keys.keys() <= {key.kid for key in keyring.keys}:
            self._losses += 1
        self._keys = {key.kid: key for key in keyring.keys}
        self._public = {key.kid: _public_of(key) for key in keyring.keys}

    def _new_key(self) -> tuple[str, str]:
        private = Ed25519PrivateKey.from_private_bytes(self._random(32))
        sealed = self._seal.close(private.private_bytes_raw(), self._random(NONCE_BYTES))
        return private.public_key().public_bytes_raw().hex(), sealed


def _public_of(key: SigningKey) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public))
