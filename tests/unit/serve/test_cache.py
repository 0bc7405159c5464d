"""What is made for one is good for others, for a moment; never for longer than a second, and not after a change."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import pytest

from serve.api.answers import HttpAnswer
from serve.cache.cache import BETWEEN_MS, FRESH_MS, HOT, REFRESH_MS, Cache, Made
from serve.cache.memory import Entry, Memory
from serve.cache.pages import Pages
from serve.cache.shared import SharedLevel
from serve.front import Front
from serve.ingress import Door, FrontFirst
from tests.wire import Wire

from .shopfront import Shopfront

CLOCK = "/v1/products/RETRO-CLOCK"


class World:
    """A cache with a clock by hand, and something that takes a while to make."""

    def __init__(self, shared: SharedLevel | None = None, ms: Callable[[], int] | None = None) -> None:
        self.ms = 1_000_000
        self.versions = {"RETRO-CLOCK": (1, 1)}
        self.made = 0
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.cache: Cache[str] = Cache(
            str,
            10_000,
            ms or (lambda: self.ms),
            versions_of=lambda name: self.versions.get(name, (0, 0)),
            shared=shared,
        )

    async def make(self) -> Made[str]:
        self.made += 1
        value = f"value {self.made}"
        await self.may_finish.wait()
        return Made(value, 100, frozenset({"RETRO-CLOCK"}))

    async def ask(self, key: str = "page", **options: Any) -> str:
        return await self.cache.get(key, self.make, **options)


def on_a_loop(test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await test(World())

    asyncio.run(run())


def test_a_value_serves_all_until_a_second_is_over() -> None:
    async def test(world: World) -> None:
        assert await world.ask() == "value 1"
        world.ms += REFRESH_MS - 1
        assert await world.ask() == "value 1"
        assert world.made == 1
        world.ms += FRESH_MS
        assert await world.ask() == "value 2"

    on_a_loop(test)


def test_many_who_ask_at_once_wait_for_one() -> None:
    async def test(world: World) -> None:
        world.may_finish.clear()
        asking = [asyncio.create_task(world.ask()) for _ in range(100)]
        await asyncio.sleep(0)
        asking[0].cancel()
        await asyncio.sleep(0)
        world.may_finish.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert set(answers[1:]) == {"value 1"}
        assert world.cache.counts["joined"] == 99

    on_a_loop(test)


def test_what_is_asked_for_is_made_anew_before_it_ends_and_nobody_waits() -> None:
    async def test(world: World) -> None:
        await world.ask()
        world.ms += REFRESH_MS
        world.may_finish.clear()
        assert [await world.ask() for _ in range(3)] == ["value 1"] * 3
        await asyncio.sleep(0)
        world.may_finish.set()
        await asyncio.sleep(0.001)
        assert await world.ask() == "value 2"
        assert world.cache.counts["refreshed"] == 1

    on_a_loop(test)


def test_a_change_is_seen_by_the_next_who_asks() -> None:
    async def test(world: World) -> None:
        await world.ask()
        world.cache.stock_told("BRASS-LAMP")
        assert await world.ask() == "value 1"
        world.cache.stock_told("RETRO-CLOCK")
        assert await world.ask() == "value 2"

    on_a_loop(test)


def test_a_value_begun_before_a_change_is_not_for_those_after_it() -> None:
    async def test(world: World) -> None:
        world.may_finish.clear()
        asking = asyncio.create_task(world.ask())
        await asyncio.sleep(0)
        world.cache.product_told("RETRO-CLOCK")
        world.may_finish.set()
        assert await asking == "value 1"
        assert await world.ask() == "value 2"

    on_a_loop(test)


def test_what_is_hot_is_not_made_after_every_sale_and_is_old_for_half_a_second_at_most() -> None:
    async def test(world: World) -> None:
        for _ in range(int(HOT) + 1):
            await world.ask()
        seen_at: dict[str, list[int]] = {}
        for _ in range(2_000):
            world.ms += 1
            world.cache.stock_told("RETRO-CLOCK")
            seen_at.setdefault(await world.ask(), []).append(world.ms)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert world.made <= 2_000 / BETWEEN_MS + 2
        assert max(times[-1] - times[0] for times in seen_at.values()) <= 2 * BETWEEN_MS
        # Another price is seen at once, however hot it is.
        last = max(seen_at, key=lambda value: seen_at[value][-1])
        world.cache.product_told("RETRO-CLOCK")
        assert await world.ask() != last

    on_a_loop(test)


def test_an_error_is_told_to_all_who_wait_and_is_not_kept() -> None:
    async def test(world: World) -> None:
        async def fail() -> Made[str]:
            await asyncio.sleep(0)
            raise ConnectionError("away")

        told = await asyncio.gather(*(world.cache.get("page", fail) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in told] == [ConnectionError] * 3
        assert await world.ask() == "value 1"

    on_a_loop(test)


def test_a_document_makes_everything_anew() -> None:
    async def run() -> None:
        world, generation = World(), [1]
        world.cache = Cache(str, 10_000, lambda: world.ms, generation=lambda: generation[0])
        await world.ask()
        generation[0] = 2
        assert await world.ask() == "value 2"

    asyncio.run(run())


# -- memory


def entry(size: int = 100) -> Entry[str]:
    return Entry("value", size, 0, frozenset(), 0)


def test_memory_has_a_bound_and_keeps_what_is_asked_for_again() -> None:
    memory: Memory[str] = Memory(60_000)
    for number in range(10):
        memory.put(f"popular-{number}", entry())
    for _ in range(3):
        for number in range(10):
            assert memory.get(f"popular-{number}")
    for number in range(2_000):  # Somebody walks through everything once.
        memory.put(f"walked-{number}", entry())
        if number % 50 == 0:
            assert all(memory.get(f"popular-{popular}") for popular in range(10))
    assert memory.bytes <= 60_000
    assert memory.evicted > 1_800
    assert all(memory.get(f"popular-{number}") for number in range(10))


def test_what_is_larger_than_all_memory_is_not_kept_and_what_went_is_not_remembered_by_name() -> None:
    memory: Memory[str] = Memory(5_000)
    memory.put("giant", entry(10_000))
    assert memory.get("giant") is None
    for number in range(50):
        memory.put(f"page-{number}", Entry("value", 100, 0, frozenset({f"CLOCK-{number}"}), 0))
    assert sum(bool(memory.depending_on(f"CLOCK-{number}")) for number in range(50)) == len(memory)
    assert len(memory._users) == len(memory)


# -- pages


class CachedShop:
    """A shop whose front shows pages that were made before."""

    def __init__(self, shop: Shopfront) -> None:
        self.shop = shop
        self.cache: Cache[HttpAnswer] = Cache(HttpAnswer, 1_000_000, shop.clock)
        shop.catalogue.listeners.append(self.cache)
        door = Door(Front(shop.shop, Pages(self.cache, shop.app)))
        transport = Wire(FrontFirst(shop.app, door), in_one_piece=True)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://shop", trust_env=False)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.shop.run(self._http.get(path, headers=headers))

    @property
    def made(self) -> int:
        return self.cache.counts["made"]


@pytest.fixture
def cached() -> Iterator[CachedShop]:
    with Shopfront() as shop:
        shop.sell("RETRO-CLOCK", quantity=5)
        shop.sell("BRASS-LAMP", quantity=5)
        yield CachedShop(shop)


def test_a_page_made_before_is_the_page_that_the_application_makes(cached: CachedShop) -> None:
    for path in (CLOCK, "/v1/products?limit=1", "/v1/categories", "/v1/stock/RETRO-CLOCK"):
        told = cached.shop.get(path)
        for _ in range(2):
            shown = cached.get(path)
            assert (shown.status_code, shown.content) == (200, told.content)
            names = {name: value for name, value in shown.headers.items() if name != "x-request-id"}
            assert names == {name: value for name, value in told.headers.items() if name != "x-request-id"}
            assert len(shown.headers.get_list("x-request-id")) == 1
    assert cached.made == 4


def test_a_shopper_sees_the_price_and_the_stock_as_they_are(cached: CachedShop) -> None:
    pages = (CLOCK, "/v1/products", "/v1/stock/RETRO-CLOCK")
    before = [cached.get(path).content for path in pages]
    cached.shop.buy(("RETRO-CLOCK", 1))
    after = [cached.get(path).content for path in pages]
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert cached.get(CLOCK).json()["availability"]["available"] == 4
    cached.shop.sell("RETRO-CLOCK", quantity=0, amount=1)
    assert cached.get(CLOCK).json()["price"]["amount"] == 1
    made = cached.made
    cached.shop.buy(("BRASS-LAMP", 1), key="key-2")
    cached.get(CLOCK)
    assert cached.made == made, "another product's sale is none of this page's business"


def test_who_has_the_page_hears_that_it_is_the_same(cached: CachedShop) -> None:
    tag = cached.get(CLOCK).headers["etag"]
    known = cached.get(CLOCK, **{"If-None-Match": tag})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
    assert "content-length" not in known.headers
    assert cached.get(CLOCK, **{"If-None-Match": '"other"'}).status_code == 200


def test_who_is_known_and_what_is_refused_are_not_made_for_others(cached: CachedShop) -> None:
    member = cached.shop.token("acc_1")
    for _ in range(2):
        assert cached.get(CLOCK, **member).status_code == 200
        assert cached.get("/v1/products/NOTHING-SUCH").status_code == 404
        assert cached.get(f"{CLOCK}?nonsense=1").status_code == 422
    assert cached.cache.counts["memory"] == 0
    assert cached.cache.entries == 0


def test_a_second_that_is_over_ends_every_page(cached: CachedShop) -> None:
    cached.get(CLOCK)
    cached.shop.clock.advance(FRESH_MS)
    cached.get(CLOCK)
    assert cached.made == 2
