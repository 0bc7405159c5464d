"""A shop whose journal is a Redis that is killed while it sells: what buyers hear, and what is there afterwards."""

import asyncio
import secrets
import signal
import time
from collections import Counter
from collections.abc import Iterator

import aiohttp
import pytest

from loadtest.buyer import CONFIRMED, Attempt, buy, settle
from loadtest.processes import answers_ok
from loadtest.redis_program import find_redis_server
from loadtest.rush import put_on_sale
from loadtest.shop import ADMIN_KEY_FILE, order_body, read_admin_key

from ..redis_server import NO_SERVER, RedisServer
from .running import RunningShop
from .test_running import all_there

UNITS = 100_000
AT_ONCE = 16
SOLD_BEFORE = 150
AWAY_S = 4.0
LONGEST_ANSWER_S = 6.0
"""Two seconds of trying on, and what a machine that does much else adds to them."""
BACK_WITHIN_S = 30.0
UNAVAILABLE = 503

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_redis_server() is None, reason=NO_SERVER),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("server") / "redis").start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def redis_shop(tmp_path_factory: pytest.TempPathFactory, server: RedisServer) -> Iterator[RunningShop]:
    running = RunningShop(tmp_path_factory.mktemp("redis-shop"), "--demo-products", "0", "--journal", server.url)
    running.start()
    yield running
    running.close()


class Buyers:
    """Buy until told to stop; whoever isn't told how it ended asks again with the same key."""

    def __init__(self, shop: RunningShop, sku: str) -> None:
        self.shop = shop
        self.body = order_body([sku])
        self.open = True
        self.confirmed: list[Attempt] = []
        self.confirmed_at: list[float] = []
        self.refusals: Counter[str] = Counter()
        self.longest_s = 0.0
        self.problems: list[tuple[str, str | None]] = []

    async def run(self) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
            await asyncio.gather(*(self._one(session) for _ in range(AT_ONCE)))

    async def _one(self, session: aiohttp.ClientSession) -> None:
        key = secrets.token_hex(8)
        while self.open:
            began = time.monotonic()
            headers = {"Idempotency-Key": key}
            async with session.post(f"{self.shop.url}/v1/orders", json=self.body, headers=headers) as answer:
                told = await answer.json()
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            if answer.status == CONFIRMED:
                self.confirmed.append(
                    Attempt(key, "/v1/orders", self.body, CONFIRMED, told["id"], told["access_token"])
                )
                self.confirmed_at.append(time.monotonic())
                key = secrets.token_hex(8)
                continue
            self.refusals[f"{answer.status} {told['type']}"] += 1
            self.problems.append((answer.content_type, answer.headers.get("Retry-After")))
            assert answer.status == UNAVAILABLE, told
            await asyncio.sleep(0.1)
        # The last one may or may not have happened: its key tells.
        last = await settle(session, self.shop.url, Attempt(key, "/v1/orders", self.body), 30)
        self.confirmed.append(last)


def test_redis_is_killed_while_the_shop_sells(redis_shop: RunningShop, server: RedisServer) -> None:
    (sku,) = put_on_sale(redis_shop.api, ("RETRO-CLOCK",), UNITS)
    buyers = Buyers(redis_shop, sku)
    admin = {"Authorization": f"Bearer {read_admin_key(redis_shop.data / ADMIN_KEY_FILE)}"}

    async def until_sold_after(instant: float) -> None:
        deadline = time.monotonic() + BACK_WITHIN_S
        while not buyers.confirmed_at or buyers.confirmed_at[-1] < instant:
            assert time.monotonic() < deadline, f"the shop did not come back: {buyers.refusals}"
            await asyncio.sleep(0.02)

    async def main() -> tuple[float, float]:
        buying = asyncio.create_task(buyers.run())
        while len(buyers.confirmed) < SOLD_BEFORE:
            await asyncio.sleep(0.01)
            assert not buying.done(), buying.exception()
        await asyncio.to_thread(server.kill)
        killed_at = time.monotonic()
        await asyncio.sleep(AWAY_S)
        assert await asyncio.to_thread(answers_ok, f"{redis_shop.url}/healthz")
        # Whoever comes now is told at once, and not after having waited: also who only wants to look.
        at_once = [await told_within(redis_shop, path) for path in ("/v1/orders", f"/v1/stock/{sku}/history")]
        assert {status for status, _ in at_once} == {UNAVAILABLE}
        assert at_once[0][1] < 1, "the journal is known to be away"
        await asyncio.to_thread(server.start)
        back_at = time.monotonic()
        await until_sold_after(back_at)
        again_at = next(at for at in buyers.confirmed_at if at > back_at)
        await asyncio.sleep(0.5)
        buyers.open = False
        await buying
        return again_at - back_at, again_at - max(at for at in buyers.confirmed_at if at < killed_at)

    async def told_within(shop: RunningShop, path: str) -> tuple[int, float]:
        began = time.monotonic()
        async with aiohttp.ClientSession() as session:
            if path == "/v1/orders":
                status = (await buy(session, shop.url, path, buyers.body, secrets.token_hex(8))).status
            else:
                async with session.get(shop.url + path, headers=admin) as answer:
                    status = answer.status
        return status, time.monotonic() - began

    resumed_s, stalled_s = asyncio.run(main())
    print(
        f"sold again {resumed_s:.2f} s after Redis was back, stalled {stalled_s:.1f} s; the longest wait for an answer "
        f"was {buyers.longest_s:.1f} s; refusals: {dict(buyers.refusals)}"
    )
    assert buyers.refusals.total() > AT_ONCE
    assert set(buyers.problems) == {("application/problem+json", "1")}
    assert buyers.longest_s < LONGEST_ANSWER_S
    orders = {attempt.order_id for attempt in buyers.confirmed}
    assert len(orders) == len(buyers.confirmed)
    assert asyncio.run(all_there(redis_shop, buyers.confirmed))
    stock = redis_shop.api.stock(sku)
    assert (UNITS - stock.on_hand, stock.reserved) == (len(orders), 0)


def test_ctrl_c_leaves_no_process_and_no_port(redis_shop: RunningShop) -> None:
    redis_shop.leaves_nothing_after(signal.SIGINT)
