"""Keys of machines (`dbk_...`): made here, shown once, and known by their hash from then on."""

import secrets
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from engine.kernel import Instant, Rejected
from engine.machines import REGISTER, AddMachine, Machine, UseMachine

from .principal import Kind, Principal, widened
from .signing import Sender

PREFIX = "dbk_"
KNOWN_FOR_MS = 5_000
"""A key that was good is taken for so long without asking: so long at most does a revoked one go on."""
MOST_KNOWN = 1_000


class MachineKey(NamedTuple):
    """A machine's id, which is its `client_id`, and its secret."""

    machine_id: str
    secret: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.machine_id}_{self.secret}"

    @property
    def hash(self) -> str:
        return blake2b(self.secret.encode(), digest_size=20, person=b"machine").hexdigest()

    @classmethod
    def new(cls) -> "MachineKey":
        return cls(secrets.token_hex(8), secrets.token_hex(24))

    @classmethod
    def read(cls, text: str) -> "MachineKey | None":
        machine_id, _, secret = text.removeprefix(PREFIX).partition("_")
        return cls(machine_id, secret) if text.startswith(PREFIX) and machine_id and secret else None


class MachineKeys:
    """Tells the machine of a key."""

    def __init__(self, client: Sender, now: Callable[[], Instant]) -> None:
        self._client = client
        self._now = now
        self._known: dict[MachineKey, Principal] = {}

    async def add(
        self, name: str, scopes: Sequence[str], *, expires_at: Instant, by: str
    ) -> tuple[MachineKey, Machine] | Rejected:
        """A new machine with its key."""
        key = MachineKey.new()
        added = AddMachine(key.machine_id, name, key.hash, tuple(scopes), expires_at, by)
        reply = await self._client.send("machines", REGISTER, added)
        if isinstance(reply, Rejected):
            return reply
        assert isinstance(reply, Machine)
        return key, reply

    async def identify(self, key: MachineKey) -> Principal | None:
        """The machine of a key, or None."""
        now = self._now()
        known = self._known.get(key)
        if known is not None and now < known.until:
            return known
        reply = await self._client.send("machines", REGISTER, UseMachine(key.machine_id, key.hash))
        if not isinstance(reply, Machine):
            self._known.pop(key, None)
            return None
        until = min(now + KNOWN_FOR_MS, reply.expires_at or now + KNOWN_FOR_MS)
        principal = Principal(Kind.MACHINE, reply.machine_id, widened(reply.scopes), until)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[key] = principal
        return principal
