"""What it costs to tell whose an access token is: `python -m serve.measure.tokens`."""

import asyncio
import os
import secrets
import time

from engine.kernel import Command, Reply
from engine.keyring import KEYRING, KeyringView

from ..access.principal import Kind
from ..access.signing import SigningKeys
from ..access.tokens import AccessTokens

ROUNDS = 2_000


class OneKeyring:
    """A keyring in memory."""

    def __init__(self) -> None:
        self._state = KEYRING.new("access-tokens")

    async def send(self, kind: str, key: str, command: Command) -> Reply:
        outcome = KEYRING.decide(self._state, command, now())
        for event in outcome.events:  # type: ignore[union-attr]
            KEYRING.apply(self._state, event)
        answer = outcome.answer  # type: ignore[union-attr]
        assert isinstance(answer, KeyringView)
        return answer


def now() -> int:
    return time.time_ns() // 1_000_000


async def measured() -> tuple[float, float]:
    """Microseconds of the first look at a token, and of every later one."""
    keys = SigningKeys(OneKeyring(), os.urandom(32), now)
    tokens = AccessTokens(keys, now, lambda: secrets.token_urlsafe(16), issuer="https://shop.example", lifetime_s=600)
    issued = [await tokens.issue(Kind.CUSTOMER, f"acc_{number}", ["customer"]) for number in range(ROUNDS)]
    began = time.perf_counter()
    for token in issued:
        assert await tokens.read(token)
    first = time.perf_counter() - began
    began = time.perf_counter()
    for token in issued:
        assert tokens.known(token)
    known = time.perf_counter() - began
    return first / ROUNDS * 1e6, known / ROUNDS * 1e6


if __name__ == "__main__":
    first, known = asyncio.run(measured())
    print(f"verified for the first time: {first:.0f} us; known already: {known:.2f} us")
