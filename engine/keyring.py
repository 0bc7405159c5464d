"""The keys that access tokens are signed with: one keyring for the whole shop, so that all replicas agree.

Everyone may verify with every key; the newest one that has become active signs. A private key is sealed by whoever
made it: the keyring keeps it and can't read it.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Outcome, Rejected, invalid
from .reasons import Reason

ACCESS_TOKENS = "access-tokens"
"""The key of the shop's one keyring."""

PROPAGATION_MS = 120_000
"""A new key signs this much after it was added: twice as long as a replica may go without looking."""

LONGEST_TOKEN_MS = 3_600_000
"""No token lives longer: so long a key that signs no more still verifies."""

MOST_KEYS = 16
"""Keys that can verify at a time."""

LONGEST_TEXT = 512
"""Characters of a key or of its name."""


class EnsureKey(Command, frozen=True):
    """Add the key if there is none at all; of many replicas that start at once, one key is kept."""

    kid: str
    public: str
    sealed: str


class RotateKey(Command, frozen=True):
    """Add a key that signs from a little later on; again with its name: no change.

    With `revoke` it signs at once, and tokens of the keys before it are not taken any more.
    """

    kid: str
    public: str
    sealed: str
    revoke: bool = False


class LookKeys(Command, frozen=True):
    """Read the keyring."""


class SigningKey(Answer, frozen=True):
    """`public` and `sealed` are the halves of the key; it signs from `active_at` until the next one is active."""

    kid: str
    public: str
    sealed: str
    active_at: Instant


class KeyAdded(Event, frozen=True):
    key: SigningKey
    at: Instant
    revoke: bool = False


class KeyringView(Answer, frozen=True):
    """The keys that can be verified with, in the order in which they sign."""

    keys: tuple[SigningKey, ...]


class Keyring(msgspec.Struct, array_like=True, gc=False):
    """The state of a keyring."""

    name: str
    keys: list[SigningKey] = []


def _ensure(keyring: Keyring, command: EnsureKey, now: Instant) -> Outcome:
    if keyring.keys:
        return Accepted((), view(keyring, now))
    if refusal := _misshapen(command):
        return refusal
    key = SigningKey(command.kid, command.public, command.sealed, now)
    return Accepted((KeyAdded(key, now),), KeyringView((key,)))


def _rotate(keyring: Keyring, command: RotateKey, now: Instant) -> Outcome:
    if any(key.kid == command.kid for key in keyring.keys):
        return Accepted((), view(keyring, now))
    if refusal := _misshapen(command):
        return refusal
    live = () if command.revoke else _verifying(keyring.keys, now)
    if len(live) >= MOST_KEYS:
        return Rejected(Reason.TOO_MANY, {"limit": MOST_KEYS})
    active_at = now if command.revoke or not live else now + PROPAGATION_MS
    key = SigningKey(command.kid, command.public, command.sealed, active_at)
    return Accepted((KeyAdded(key, now, command.revoke),), KeyringView((*live, key)))


def _look(keyring: Keyring, _command: LookKeys, now: Instant) -> Outcome:
    return Accepted((), view(keyring, now))


def _misshapen(command: EnsureKey | RotateKey) -> Rejected | None:
    for field in ("kid", "public", "sealed"):
        if not 0 < len(getattr(command, field)) <= LONGEST_TEXT:
            return invalid(field, f"have 1 to {LONGEST_TEXT} characters")
    return None


def _verifying(keys: list[SigningKey], now: Instant) -> tuple[SigningKey, ...]:
    """The keys whose tokens may still be alive: all that sign, and those whose successor hasn't signed for long."""
    superseded = pairwise(keys)
    return (*(key for key, next_key in superseded if now < next_key.active_at + LONGEST_TOKEN_MS), *keys[-1:])


_DECISIONS: dict[type[Command], Callable[[Keyring, Any, Instant], Outcome]] = {
    EnsureKey: _ensure,
    RotateKey: _rotate,
    LookKeys: _look,
}


def decide(keyring: Keyring, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](keyring, command, now)


def apply(keyring: Keyring, event: KeyAdded) -> None:
    """The key is the keyring's newest; those that can't be needed any more have gone."""
    keyring.keys = [] if event.revoke else list(_verifying(keyring.keys, event.at))
    keyring.keys.append(event.key)


def view(keyring: Keyring, now: Instant) -> KeyringView:
    """The keyring as the world sees it."""
    return KeyringView(_verifying(keyring.keys, now))


KEYRING = Kind(
    name="keyring",
    new=Keyring,
    decide=decide,
    apply=apply,
    commands=EnsureKey | RotateKey | LookKeys,
    events=KeyAdded,
    answers=KeyringView,
    state=Keyring,
)
