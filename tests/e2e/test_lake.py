"""The lake of a running shop: what is sold over HTTP is in its files seconds later, once, whoever is killed."""

import os
import signal
from typing import Any

import httpx

from ml.lake.reading import connect

from .running import RunningShop
from .test_feed import consumers, wait_for

SKU = "LAKE-LAMP"
SOLD = f"SELECT order_id, units, net, category FROM sales WHERE sku = '{SKU}' ORDER BY 1"


def sold(shop: RunningShop) -> list[tuple[Any, ...]]:
    with connect(shop.data / "lake", threads=1) as lake:
        return lake.sql(SOLD).fetchall()


def buy(shop: RunningShop, units: int) -> tuple[Any, ...]:
    """An order, as the lake shall have it."""
    body = {
        "lines": [{"sku": SKU, "quantity": units}],
        "email": "ada@example.org",
        "payment": {"method": "sandbox", "token": "tok_ok"},
    }
    headers = {"Idempotency-Key": f"lake-{units}"}
    answer = httpx.post(f"{shop.url}/v1/orders", json=body, headers=headers, trust_env=False)
    assert answer.status_code == 201, answer.text
    order = answer.json()
    return (order["id"], units, order["total"]["amount"], "")


def test_what_is_sold_is_in_the_lake_once_whoever_is_killed(shop: RunningShop) -> None:
    shop.api.put_product(SKU, "Lamp")
    shop.api.receive(SKU, 20)
    orders = [buy(shop, 1)]
    wait_for(lambda: sold(shop) == sorted(orders), "the first sale")
    for units in (2, 3):
        orders.append(buy(shop, units))
        wait_for(lambda: consumers(shop), "the feed process")
        os.kill(shop.process_of("FeedActor"), signal.SIGKILL)
        orders.append(buy(shop, units + 2))
    wait_for(lambda: sold(shop) == sorted(orders), "every sale once")
