"""Streams of a running shop, through HAProxy and Serve."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from loadtest.shop import order_body

from .running import RunningShop

pytestmark = pytest.mark.e2e

TIMEOUT_S = 20.0


class Heard(NamedTuple):
    name: str
    data: Any
    id: str


@contextmanager
def listening(shop: RunningShop, path: str, **headers: str) -> Iterator[Iterator[Heard]]:
    """The events of a stream, one after the other."""
    with httpx.stream("GET", shop.url + path, headers=headers, trust_env=False, timeout=TIMEOUT_S) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-request-id"]
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Heard]:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
            continue
        if "event" in fields:
            yield Heard(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
        fields = {}


def on_sale(shop: RunningShop, units: int) -> str:
    sku = f"RETRO-CLOCK-{secrets.token_hex(4)}"
    shop.api.put_product(sku, "Retro clock")
    shop.api.receive(sku, units)
    return sku


def buy(shop: RunningShop, sku: str) -> dict[str, Any]:
    answer = httpx.post(
        f"{shop.url}/v1/orders",
        json=order_body([sku]),
        headers={"Idempotency-Key": secrets.token_hex(8)},
        trust_env=False,
        timeout=TIMEOUT_S,
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_purchase_is_heard_of_by_all_who_watch_and_by_who_comes_back(shop: RunningShop) -> None:
    sku = on_sale(shop, 5)
    path = f"/v1/stock/stream?sku={sku}"
    with listening(shop, path) as ann, listening(shop, path) as bob:
        first, _ = next(ann), next(bob)
        assert first.data["available"] == 5
        buy(shop, sku)
        assert [next(each).data["available"] for each in (ann, bob)] == [4, 4]
    buy(shop, sku)
    with listening(shop, path, **{"Last-Event-ID": first.id}) as again:
        assert next(again).data["available"] == 3


def test_an_order_is_followed_and_taken_up_where_it_was_left(shop: RunningShop) -> None:
    placed = buy(shop, on_sale(shop, 1))
    path, token = f"/v1/orders/{placed['id']}", f"Bearer {placed['access_token']}"
    with listening(shop, f"{path}/stream", Authorization=token) as stream:
        last = next(heard for heard in stream if heard.name == "order")
        assert last.data["status"] == "confirmed"
    cancelled = httpx.post(
        f"{shop.url}{path}/cancel", headers={"Authorization": token}, trust_env=False, timeout=TIMEOUT_S
    )
    assert cancelled.status_code == 200
    resumed = {"Authorization": token, "Last-Event-ID": last.id}
    with listening(shop, f"{path}/stream", **resumed) as stream:
        heard = next(stream)
        assert (heard.name, heard.data["items"][0]["what"]) == ("timeline", "cancelled")
        assert int(heard.id) > int(last.id)
        assert next(each for each in stream if each.name == "order").data["status"] == "cancelled"
