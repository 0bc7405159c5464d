"""However often others are told of a change, late or never: nobody is shown what ended more than a second ago."""

import asyncio
from random import Random

import pytest

from serve.cache.cache import BETWEEN_MS, FRESH_MS, Cache, Made
from serve.cache.shared import SharedLevel

CLOCK = "RETRO-CLOCK"
STEPS = 2_000


class Truth:
    """What the shop says by its own clock: a version, and when each of them ended."""

    def __init__(self) -> None:
        self.ms = 1_000_000
        self.version = 1
        self.ended_at: dict[int, int] = {}

    def change(self) -> None:
        self.ended_at[self.version] = self.ms
        self.version += 1

    def outdated_ms(self, version: int) -> int:
        return self.ms - self.ended_at.get(version, self.ms)


class Shelf(SharedLevel):
    """The shared level without its server: what is put there is found at once, until its time is over."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.kept: dict[str, tuple[int, bytes]] = {}
        self.found = 0

    async def get(self, key: str) -> bytes | None:
        until, value = self.kept.get(key, (0, b""))
        self.found += self.truth.ms < until
        return value if self.truth.ms < until else None

    def put(self, key: str, value: bytes, for_ms: int) -> None:
        self.kept[key] = (self.truth.ms + for_ms, value)


class Replica:
    """One of those that share a level."""

    def __init__(self, truth: Truth, shelf: Shelf) -> None:
        self.truth = truth
        self.known = 1
        self.made = 0
        self.cache: Cache[int] = Cache(
            int, 10_000, lambda: truth.ms, versions_of=lambda _name: (self.known, 0), shared=shelf
        )

    def hear(self, *, price: bool) -> None:
        """The host tells this replica what is so now."""
        self.known = self.truth.version
        (self.cache.product_told if price else self.cache.stock_told)(CLOCK)

    async def ask(self, key: str) -> int:
        return await self.cache.get(key, self._make, share=True)

    async def _make(self) -> Made[int]:
        self.made += 1
        version = self.truth.version
        await asyncio.sleep(0)
        return Made(version, 100, frozenset({CLOCK}))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_shown_for_more_than_a_second_after_it_ended(seed: int) -> None:
    async def story() -> None:
        choice, truth = Random(seed), Truth()
        shelf = Shelf(truth)
        replicas = [Replica(truth, shelf) for _ in range(2)]
        outdated = []
        for _ in range(STEPS):
            truth.ms += choice.choice((0, 1, 5, 20, 100, 400))
            if choice.random() < 0.2:
                truth.change()
            # What a host tells comes late, and may never come.
            if choice.random() < 0.1:
                choice.choice(replicas).hear(price=choice.random() < 0.5)
            shown = await choice.choice(replicas).ask(choice.choice(("list", "search", "product")))
            outdated.append(truth.outdated_ms(shown))
        assert max(outdated) <= FRESH_MS
        assert max(outdated) > BETWEEN_MS, "something was shown that had changed, or this tries nothing"
        assert shelf.found > 0
        assert sum(replica.made for replica in replicas) < STEPS / 2

    asyncio.run(story())


def test_who_was_told_shows_nothing_older_even_if_another_replica_still_shares_it() -> None:
    async def story() -> None:
        truth = Truth()
        shelf = Shelf(truth)
        one, other = Replica(truth, shelf), Replica(truth, shelf)
        assert (await one.ask("list"), await other.ask("list")) == (1, 1)
        assert (one.made, other.made) == (1, 0)
        truth.change()
        one.hear(price=True)
        assert (await one.ask("list"), await other.ask("list")) == (2, 1)
        # One that was never told: a second after it was made it is made anew, and what it made is not begun again.
        truth.ms += FRESH_MS
        assert await other.ask("list") == 2

    asyncio.run(story())
