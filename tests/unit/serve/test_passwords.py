"""Passwords: right or wrong, renewed where they were hashed by older parameters, and never too many at once."""

import asyncio

import pytest
from argon2 import PasswordHasher

from actors.errors import Overloaded
from serve.accounts.passwords import WORKERS, Passwords

OLD = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NEW = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)


def test_a_password_is_right_or_wrong() -> None:
    async def check() -> list[bool]:
        passwords = Passwords(OLD)
        stored = await passwords.hash("correct horse")
        assert stored.startswith("$argon2id$")
        return [
            (await passwords.check(*given)).right
            for given in ((stored, "correct horse"), (stored, "wrong"), ("", "wrong"), ("nonsense", "wrong"))
        ]

    assert asyncio.run(check()) == [True, False, False, False]


def test_a_hash_of_older_parameters_is_renewed() -> None:
    async def check() -> None:
        stored = OLD.hash("correct horse")
        checked = await Passwords(NEW).check(stored, "correct horse")
        assert checked.right
        again = await Passwords(NEW).check(checked.rehashed, "correct horse")
        assert (again.right, again.rehashed) == (True, "")
        assert (await Passwords(NEW).check(stored, "wrong")).rehashed == ""

    asyncio.run(check())


def test_too_many_at_once_are_refused() -> None:
    async def flood() -> list[object]:
        passwords = Passwords(OLD, most_waiting=3)
        return list(await asyncio.gather(*(passwords.hash("x") for _ in range(WORKERS + 5)), return_exceptions=True))

    refused = [each for each in asyncio.run(flood()) if isinstance(each, Overloaded)]
    assert len(refused) == 2
    with pytest.raises(Overloaded):
        raise refused[0]
