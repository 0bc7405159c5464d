"""The keys of access tokens: one first key, and a rotation that nobody notices."""

import pytest

from engine.kernel import Rejected
from engine.keyring import (
    ACCESS_TOKENS,
    LONGEST_TOKEN_MS,
    MOST_KEYS,
    PROPAGATION_MS,
    EnsureKey,
    Keyring,
    KeyringView,
    LookKeys,
    RotateKey,
    apply,
    decide,
)
from engine.reasons import Reason

START = 1_800_000_000_000


def send(keyring: Keyring, command: EnsureKey | RotateKey | LookKeys, now: int = START) -> list[str]:
    """The names of the keys afterwards."""
    outcome = decide(keyring, command, now)
    assert not isinstance(outcome, Rejected)
    for event in outcome.events:
        apply(keyring, event)  # type: ignore[arg-type]
    assert isinstance(outcome.answer, KeyringView)
    looked = decide(keyring, LookKeys(), now)
    assert outcome.answer == looked.answer  # type: ignore[union-attr]
    return [key.kid for key in outcome.answer.keys]


@pytest.fixture
def keyring() -> Keyring:
    made = Keyring(ACCESS_TOKENS)
    assert send(made, EnsureKey("first", "public", "sealed")) == ["first"]
    return made


def test_of_two_first_keys_one_is_kept(keyring: Keyring) -> None:
    assert send(keyring, EnsureKey("other", "public", "sealed")) == ["first"]


def test_a_new_key_signs_once_everyone_can_know_it(keyring: Keyring) -> None:
    assert send(keyring, RotateKey("second", "public", "sealed")) == ["first", "second"]
    assert [key.active_at for key in keyring.keys] == [START, START + PROPAGATION_MS]


def test_a_retried_rotation_changes_nothing(keyring: Keyring) -> None:
    assert send(keyring, RotateKey("second", "public", "sealed")) == ["first", "second"]
    assert send(keyring, RotateKey("second", "another", "sealed")) == ["first", "second"]


def test_an_old_key_verifies_until_its_last_token_has_expired(keyring: Keyring) -> None:
    send(keyring, RotateKey("second", "public", "sealed"))
    end = START + PROPAGATION_MS + LONGEST_TOKEN_MS
    assert send(keyring, LookKeys(), end - 1) == ["first", "second"]
    assert send(keyring, LookKeys(), end) == ["second"]
    assert send(keyring, RotateKey("third", "public", "sealed"), end) == ["second", "third"]


def test_a_revoking_rotation_ends_the_keys_before_it_at_once(keyring: Keyring) -> None:
    assert send(keyring, RotateKey("second", "public", "sealed", revoke=True)) == ["second"]
    assert keyring.keys[0].active_at == START


def test_a_keyring_is_bounded(keyring: Keyring) -> None:
    for number in range(1, MOST_KEYS):
        send(keyring, RotateKey(f"key-{number}", "public", "sealed"))
    refused = decide(keyring, RotateKey("one-too-many", "public", "sealed"), START)
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.TOO_MANY


def test_a_key_without_a_name_is_no_key(keyring: Keyring) -> None:
    refused = decide(keyring, RotateKey("", "public", "sealed"), START)
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.INVALID_COMMAND
