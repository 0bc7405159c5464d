"""The main job over HTTP: everyone at once, and never one too many."""

import asyncio
import itertools
import secrets
from typing import Any

import aiohttp
import pytest

from loadtest.line import line
from loadtest.rush import put_on_sale, rush
from loadtest.shop import order_body

from .running import RunningShop

_numbers = itertools.count()


async def post(
    session: aiohttp.ClientSession, shop: RunningShop, body: dict[str, Any], key: str, **headers: str
) -> tuple[int, bytes]:
    async with session.post(f"{shop.url}/v1/orders", json=body, headers={"Idempotency-Key": key, **headers}) as answer:
        return answer.status, await answer.read()


def buy(shop: RunningShop, body: dict[str, Any], key: str = "", **headers: str) -> tuple[int, bytes]:
    async def main() -> tuple[int, bytes]:
        async with aiohttp.ClientSession() as session:
            return await post(session, shop, body, key or secrets.token_hex(8), **headers)

    return asyncio.run(main())


def on_sale(shop: RunningShop, units: int, name: str = "RETRO-CLOCK") -> str:
    return put_on_sale(shop.api, (name,), units)[0]


def test_300_buyers_for_100_units_buy_exactly_100(shop: RunningShop) -> None:
    result = asyncio.run(rush(shop.api))
    assert result.exact(), str(result)


def test_300_carts_of_three_skus_in_opposing_order_buy_all_lines_or_none(shop: RunningShop) -> None:
    result = asyncio.run(rush(shop.api, carts=True))
    assert result.exact(), str(result)


def test_a_line_of_shoppers_and_bots_buys_exactly_the_allotment(shop: RunningShop) -> None:
    result = asyncio.run(line(shop.api, shoppers=60, units=20))
    assert result.exact(), str(result)


def test_one_key_sent_50_times_at_once_places_one_order(shop: RunningShop) -> None:
    sku = on_sale(shop, 100)

    async def main() -> list[tuple[int, bytes]]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:
            return await asyncio.gather(*(post(session, shop, order_body([sku]), f"once-{sku}") for _ in range(50)))

    answers = asyncio.run(main())
    assert {status for status, _ in answers} == {201}
    assert len({body for _, body in answers}) == 1
    assert shop.api.stock(sku).on_hand == 99


def test_a_retry_after_the_last_unit_was_sold_gets_its_first_answer(shop: RunningShop) -> None:
    sku = on_sale(shop, 1)
    first = buy(shop, order_body([sku]), f"last-{sku}")
    assert first[0] == 201
    assert buy(shop, order_body([sku]))[0] == 409
    assert buy(shop, order_body([sku]), f"last-{sku}") == first


def test_a_key_with_another_body_is_refused_even_when_that_is_sold_out(shop: RunningShop) -> None:
    sku, gone = on_sale(shop, 5), on_sale(shop, 1, "GONE-LAMP")
    buy(shop, order_body([gone]))
    assert buy(shop, order_body([sku]), f"key-{sku}")[0] == 201
    assert buy(shop, order_body([sku], quantity=2), f"key-{sku}")[0] == 422
    assert buy(shop, order_body([gone]), f"key-{sku}")[0] == 422


def test_new_stock_is_sold_at_once_after_sold_out(shop: RunningShop) -> None:
    sku = on_sale(shop, 1)
    assert [buy(shop, order_body([sku]))[0] for _ in range(3)] == [201, 409, 409]
    shop.api.receive(sku, 1)
    assert [buy(shop, order_body([sku]))[0] for _ in range(2)] == [201, 409]


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("tok_ok", 201),
        ("tok_declined", 402),
        ("tok_slow", 201),
        ("tok_timeout", 201),
        ("tok_error", 201),
        ("tok_async", 201),
        ("tok_unknown", 402),
    ],
)
def test_every_way_a_payment_can_go_settles_the_order(shop: RunningShop, token: str, status: int) -> None:
    sku = on_sale(shop, 1)
    assert buy(shop, order_body([sku], token=token))[0] == status
    stock = shop.api.stock(sku)
    assert (stock.on_hand, stock.reserved) == ((0, 0) if status == 201 else (1, 0))


def test_whoever_prefers_not_to_wait_gets_202_and_finds_the_order(shop: RunningShop) -> None:
    sku = on_sale(shop, 1)
    key = f"async-{sku}"
    first = buy(shop, order_body([sku]), key, Prefer="respond-async")
    assert first[0] == 202
    assert buy(shop, order_body([sku]), key, Prefer="respond-async") == first
    assert buy(shop, order_body([sku]), key)[0] == 201
