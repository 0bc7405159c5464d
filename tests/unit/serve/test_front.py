"""The lean way and the application answer the same: it can only be faster, never different."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.front import Front
from serve.ingress import Door, FrontFirst

from .shopfront import Shopfront, order_body

ORDER = json.dumps(order_body(("RETRO-CLOCK", 1))).encode()
JSON = {"Content-Type": "application/json"}
OF_PAGES = ("x-frame-options", "referrer-policy", "cross-origin-resource-policy", "content-security-policy")
"""Headers that the lean way leaves out: its answers never are a page."""

REQUESTS: list[tuple[str, bytes, Mapping[str, str] | list[tuple[str, str]]]] = [
    ("the common form", ORDER, {**JSON, "Idempotency-Key": "a"}),
    ("a retry", ORDER, {**JSON, "Idempotency-Key": "a"}),
    ("the same key for something else", ORDER.replace(b"1}", b"2}"), {**JSON, "Idempotency-Key": "a"}),
    ("more than there is", ORDER.replace(b"1}", b"99}"), {**JSON, "Idempotency-Key": "b"}),
    ("a charset", ORDER, {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": "c"}),
    ("another media type", ORDER, {"Content-Type": "text/plain", "Idempotency-Key": "d"}),
    ("no key", ORDER, JSON),
    ("an empty key", ORDER, {**JSON, "Idempotency-Key": ""}),
    ("two keys", ORDER, [*JSON.items(), ("Idempotency-Key", "x"), ("Idempotency-Key", "y")]),
    ("a key that is too long", ORDER, {**JSON, "Idempotency-Key": "k" * 256}),
    ("broken JSON", b'{"lines": [', {**JSON, "Idempotency-Key": "e"}),
    ("no JSON at all", b"", {**JSON, "Idempotency-Key": "f"}),
    ("not UTF-8", b'{"email": "\xff"}', {**JSON, "Idempotency-Key": "g"}),
    ("an unknown field", ORDER[:-1] + b', "coupon": "X"}', {**JSON, "Idempotency-Key": "h"}),
    ("a quantity of zero", ORDER.replace(b"1}", b"0}"), {**JSON, "Idempotency-Key": "i"}),
    ("a quantity as text", ORDER.replace(b"1}", b'"1"}'), {**JSON, "Idempotency-Key": "j"}),
    ("a quantity as a float", ORDER.replace(b"1}", b"1.5}"), {**JSON, "Idempotency-Key": "k"}),
    ("an unknown SKU", ORDER.replace(b"RETRO", b"WRONG"), {**JSON, "Idempotency-Key": "l"}),
    ("a declined card", ORDER.replace(b"tok_ok", b"tok_declined"), {**JSON, "Idempotency-Key": "m"}),
    ("no wait", ORDER, {**JSON, "Idempotency-Key": "n", "Prefer": "respond-async"}),
    ("a body that is too large", b" " * 70_000 + ORDER, {**JSON, "Idempotency-Key": "o"}),
    ("deep nesting", b"[" * 60_000, {**JSON, "Idempotency-Key": "p"}),
    ("a huge number", ORDER.replace(b"1}", b"1" * 400 + b"}"), {**JSON, "Idempotency-Key": "q"}),
]


def seen(response: httpx.Response) -> tuple[int, dict[str, str], Any]:
    headers = dict(response.headers)
    assert headers.pop("x-request-id")
    for name in OF_PAGES:
        headers.pop(name, None)
    return response.status_code, headers, response.content


@pytest.mark.parametrize(("body", "headers"), [request[1:] for request in REQUESTS], ids=[r[0] for r in REQUESTS])
def test_both_ways_answer_the_same(body: bytes, headers: Mapping[str, str] | list[tuple[str, str]]) -> None:
    answers = []
    for front in (True, False):
        with Shopfront(front=front) as shop:
            shop.sell("RETRO-CLOCK", quantity=5)
            if dict(headers).get("Idempotency-Key") == "a":
                shop.buy(("RETRO-CLOCK", 1), key="a")
            answers.append(seen(shop.post("/v1/orders", content=body, headers=headers)))
    assert answers[0] == answers[1]


def test_a_sign_of_life_is_the_same_both_ways() -> None:
    answers = []
    for front in (True, False):
        with Shopfront(front=front) as shop:
            answers.append(seen(shop.get("/healthz")))
    assert answers[0] == answers[1]


def test_a_query_on_the_purchase_is_refused_both_ways() -> None:
    for front in (True, False):
        with Shopfront(front=front) as shop:
            shop.sell("RETRO-CLOCK")
            response = shop.post("/v1/orders?x=1", content=ORDER, headers={**JSON, "Idempotency-Key": "a"})
            assert response.status_code == 422


def test_a_request_id_of_the_client_is_kept_and_an_odd_one_is_not() -> None:
    with Shopfront(front=True) as shop:
        shop.sell("RETRO-CLOCK")
        assert shop.buy(("RETRO-CLOCK", 1), **{"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
        assert shop.buy(("RETRO-CLOCK", 1), **{"X-Request-Id": "a\tb"}).headers["x-request-id"] != "a\tb"


def test_a_sample_of_the_purchases_takes_serves_way() -> None:
    ways = []

    async def serves_way(scope: Scope, receive: Receive, send: Send) -> None:
        ways.append("serve")

    class CountingFront:
        def takes(self, scope: Scope) -> bool:
            return True

        async def __call__(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
            ways.append("front")

    first = FrontFirst(serves_way, Door(cast(Front, CountingFront())), sample_every=3)
    for _ in range(6):
        asyncio.run(first({"type": "http"}, cast(Receive, None), cast(Send, None)))
    assert ways == ["front", "front", "serve"] * 2
