"""Passwords: argon2id, hashed beside the event loop by a few threads; too many at once are refused."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar, TypeVarTuple

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from actors.errors import Overloaded

WORKERS = 2
"""Each hash takes 64 MiB and, on the four threads of RFC 9106's second choice, a core or more for tens of ms."""
MOST_WAITING = 64


Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Checked(NamedTuple):
    """Whether the password was right, and if so its hash by newer parameters where it has older ones."""

    right: bool
    rehashed: str = ""


class Passwords:
    """Hashes and checks. A check takes its time whether there is a hash to check against or not."""

    def __init__(self, hasher: PasswordHasher | None = None, *, most_waiting: int = MOST_WAITING) -> None:
        self._hasher = hasher or PasswordHasher()
        self._most_waiting = most_waiting
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="argon2")
        self._under_way = 0
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        """Raises actors.errors.Overloaded."""
        return await self._run(self._hash, password)

    async def check(self, stored: str, password: str) -> Checked:
        """Whether the password has this hash; without one it never has. Raises actors.errors.Overloaded."""
        return await self._run(self._check, stored, password)

    async def _run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        if self._under_way >= WORKERS + self._most_waiting:
            raise Overloaded("too many passwords are being checked")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._under_way -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def _check(self, stored: str, password: str) -> Checked:
        if not stored:
            if not self._nobodys:
                self._nobodys = self._hasher.hash(secrets.token_urlsafe(16))
            self._verifies(self._nobodys, password)
            return Checked(False)
        if not self._verifies(stored, password):
            return Checked(False)
        outdated = self._hasher.check_needs_rehash(stored)
        return Checked(True, self._hasher.hash(password) if outdated else "")

    def _verifies(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False
