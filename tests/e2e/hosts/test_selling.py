"""A shop whose hosts are actors of their own, with two replicas before them: the same promises as with one process."""

import asyncio
import itertools
import os
import signal

import aiohttp
import pytest

from loadtest.buyer import CONFIRMED, Attempt
from loadtest.processes import answers_ok
from loadtest.rush import put_on_sale, rush
from loadtest.shop import order_body

from ..running import RunningShop
from ..test_running import all_there, buy_many

PURCHASES = 500
UNITS = 450
KILL_AFTER = 150

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def hosts_of(shop: RunningShop) -> list[int]:
    return sorted(pid for pid, command in shop.processes().items() if command.startswith("ray::HostActor"))


def test_300_buyers_for_100_units_buy_exactly_100(hosts_shop: RunningShop) -> None:
    result = asyncio.run(rush(hosts_shop.api))
    assert result.exact(), str(result)


def test_300_carts_of_three_skus_in_opposing_order_buy_all_lines_or_none(hosts_shop: RunningShop) -> None:
    result = asyncio.run(rush(hosts_shop.api, carts=True))
    assert result.exact(), str(result)


def test_one_key_sent_50_times_at_once_places_one_order(hosts_shop: RunningShop) -> None:
    (sku,) = put_on_sale(hosts_shop.api, ("RETRO-CLOCK",), 100)
    headers = {"Idempotency-Key": f"once-{sku}"}

    async def ask(session: aiohttp.ClientSession) -> tuple[int, bytes]:
        async with session.post(f"{hosts_shop.url}/v1/orders", json=order_body([sku]), headers=headers) as answer:
            return answer.status, await answer.read()

    async def main() -> list[tuple[int, bytes]]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:
            return await asyncio.gather(*(ask(session) for _ in range(50)))

    answers = asyncio.run(main())
    assert {status for status, _ in answers} == {201}
    assert len({body for _, body in answers}) == 1
    assert hosts_shop.api.stock(sku).on_hand == 99


def test_a_host_killed_in_the_middle_of_500_purchases_loses_and_doubles_nothing(hosts_shop: RunningShop) -> None:
    (sku,) = put_on_sale(hosts_shop.api, ("RETRO-CLOCK",), UNITS)
    before = hosts_of(hosts_shop)
    assert len(before) == 2
    told: list[Attempt] = []

    async def main() -> list[float]:
        buying = asyncio.create_task(buy_many(hosts_shop, sku, PURCHASES, told))
        while len(told) < KILL_AFTER:
            await asyncio.sleep(0.01)
        os.kill(before[0], signal.SIGKILL)
        return await buying

    ended = asyncio.run(main())
    confirmed = [attempt for attempt in told if attempt.status == CONFIRMED]
    assert len(told) == PURCHASES
    assert len(confirmed) == len({attempt.order_id for attempt in confirmed}) == UNITS
    assert asyncio.run(all_there(hosts_shop, confirmed[::5]))
    stock = hosts_shop.api.stock(sku)
    assert (stock.on_hand, stock.reserved) == (0, 0)
    assert answers_ok(f"{hosts_shop.url}/readyz")
    print(f"purchases stalled {max(after - earlier for earlier, after in itertools.pairwise(ended)):.1f} s")
