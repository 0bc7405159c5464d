"""Outgoing webhooks over HTTP: what happens in the shop reaches those who want it, once, and signed."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from engine.webhook import PostWebhook
from serve.feed.guard import TargetError, checked_url, target_of
from serve.feed.webhooks import WebhookConsumer

from .shopfront import Shopfront

CLOCK = "RETRO-CLOCK"
URL = "https://example.org/hooks"
LOW = 5


@pytest.fixture
def feed(shop: Shopfront) -> WebhookConsumer:
    """What is recorded from here on is told."""
    consumer = WebhookConsumer(shop.shop, LOW)
    shop.read_feed(consumer)
    return consumer


def put(shop: Shopfront, key: str = "erp", *events: str, url: str = URL) -> Any:
    return shop.put(f"/v1/admin/webhooks/{key}", json={"url": url, "events": list(events)}, admin=True)


def types_of(posts: list[PostWebhook]) -> list[str]:
    return [json.loads(post.payload)["type"] for post in posts]


def post(shop: Shopfront, path: str, body: Any = None) -> Any:
    return shop.post(f"/v1/admin/{path}", json=body, admin=True)


def test_an_order_that_is_confirmed_and_cancelled_is_told_once_each_and_signed(
    shop: Shopfront, feed: WebhookConsumer
) -> None:
    secret = put(shop, "erp", "order.confirmed", "order.cancelled", "refund.created").json()["secret"]
    shop.sell(CLOCK)
    bought = shop.buy((CLOCK, 2)).json()
    shop.post(f"/v1/orders/{bought['id']}/cancel", headers={"Authorization": f"Bearer {bought['access_token']}"})
    shop.read_feed(feed)
    assert types_of(shop.webhooks.posts) == ["order.confirmed", "order.cancelled", "refund.created"]
    first = shop.webhooks.posts[0]
    signed_at = datetime.fromtimestamp(first.timestamp_s, UTC)
    assert first.signatures == Webhook(secret).sign(first.message_id, signed_at, first.payload)
    data = json.loads(first.payload)["data"]
    assert (data["order_id"], data["lines"]) == (bought["id"], [{"sku": CLOCK, "quantity": 2}])
    assert data["total"] == {"amount": 3998, "currency": "USD"}
    # Whoever takes the feed over may read some of it again.
    again = WebhookConsumer(shop.shop, LOW)
    again.name = "another"
    shop.read_feed(again)
    assert len({post.message_id for post in shop.webhooks.posts}) == len(shop.webhooks.posts) == 3


def test_only_what_is_wanted_is_sent_and_only_from_then_on(shop: Shopfront, feed: WebhookConsumer) -> None:
    shop.sell(CLOCK)
    shop.buy((CLOCK, 1), key="before")
    shop.clock.advance(1_000)
    put(shop, "all")
    put(shop, "products", "product.updated")
    shop.buy((CLOCK, 1), key="after")
    shop.sell("LAVA-LAMP")
    shop.read_feed(feed)
    sent = [(post.endpoint, json.loads(post.payload)["type"]) for post in shop.webhooks.posts]
    assert sorted(sent) == [
        ("all", "order.confirmed"),
        ("all", "product.updated"),
        ("products", "product.updated"),
    ]


def test_stock_is_told_when_it_gets_low_out_and_back(shop: Shopfront, feed: WebhookConsumer) -> None:
    put(shop, "erp", "stock.low", "stock.out", "stock.back")
    shop.sell(CLOCK, quantity=8)
    shop.read_feed(feed)
    for number, quantity in enumerate((2, 2, 4)):
        shop.buy((CLOCK, quantity), key=f"key-{number}")
        shop.read_feed(feed)
    shop.post(f"/v1/stock/{CLOCK}/receipts", json={"quantity": 50}, admin=True)
    shop.read_feed(feed)
    assert types_of(shop.webhooks.posts) == ["stock.low", "stock.out", "stock.back"]
    data = json.loads(shop.webhooks.posts[0].payload)["data"]
    assert data == {"sku": CLOCK, "location": "default", "available": 4}


def test_a_test_event_is_sent_logged_and_sent_again(shop: Shopfront) -> None:
    put(shop)
    shop.webhooks.statuses = [500]
    begun = post(shop, "webhooks/erp/test")
    assert begun.status_code == 202
    message_id = begun.json()["id"]
    found = shop.get(f"/v1/admin/webhook-deliveries/{message_id}", admin=True).json()
    assert (found["status"], found["attempts"][0]["status"], found["event_type"]) == ("pending", 500, "webhook.test")
    log = shop.get("/v1/admin/webhooks/erp/deliveries", admin=True).json()["items"]
    assert [(item["id"], item["outcome"], item["status"]) for item in log] == [(message_id, "retrying", 500)]
    assert post(shop, f"webhook-deliveries/{message_id}/replay").status_code == 202
    assert shop.get(f"/v1/admin/webhook-deliveries/{message_id}", admin=True).json()["status"] == "delivered"
    assert [post.message_id for post in shop.webhooks.posts] == [message_id] * 2


def test_what_was_given_up_is_replayed_at_once(shop: Shopfront) -> None:
    put(shop)
    shop.webhooks.statuses = [410]
    post(shop, "webhooks/erp/test")
    assert shop.get("/v1/admin/webhooks/erp", admin=True).json()["disabled"] == "gone"
    assert post(shop, "webhooks/erp/enable").json()["disabled"] == ""
    post(shop, "webhooks/erp/test")
    assert post(shop, "webhooks/erp/replay").json() == {"deliveries": 1}
    outcomes = [item["outcome"] for item in shop.get("/v1/admin/webhooks/erp/deliveries", admin=True).json()["items"]]
    assert outcomes == ["delivered", "delivered"]
    assert post(shop, "webhooks/erp/replay", {"outcome": "all"}).json() == {"deliveries": 2}


def test_secrets_are_shown_once_and_rotated(shop: Shopfront) -> None:
    created = put(shop)
    assert (created.status_code, created.json()["secret"][:6]) == (201, "whsec_")
    assert put(shop, "erp", "order.confirmed").json()["secret"] is None
    assert shop.get("/v1/admin/webhooks/erp", admin=True).json()["secret"] is None
    rotated = post(shop, "webhooks/erp/rotate", {"keep_hours": 1}).json()["secret"]
    assert rotated not in (None, created.json()["secret"])
    post(shop, "webhooks/erp/test")
    assert len(shop.webhooks.posts[-1].signatures.split()) == 2
    shop.clock.advance(2 * 3_600_000)
    post(shop, "webhooks/erp/test")
    assert len(shop.webhooks.posts[-1].signatures.split()) == 1


def test_endpoints_are_listed_changed_by_version_and_removed(shop: Shopfront) -> None:
    tag = put(shop).headers["etag"]
    changed = shop.put("/v1/admin/webhooks/erp", json={"url": URL + "/2"}, admin=True, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["url"]) == (200, URL + "/2")
    stale = shop.put("/v1/admin/webhooks/erp", json={"url": URL + "/3"}, admin=True, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert [item["key"] for item in shop.get("/v1/admin/webhooks", admin=True).json()["items"]] == ["erp"]
    for _ in range(2):
        assert shop.delete("/v1/admin/webhooks/erp", admin=True).status_code == 204
    assert shop.get("/v1/admin/webhooks/erp", admin=True).status_code == 404
    assert put(shop).status_code == 201


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hooks",
        "https://localhost/hooks",
        "https://127.0.0.1/hooks",
        "https://[::1]/hooks",
        "https://[::ffff:10.0.0.1]/",
        "https://10.0.0.8/hooks",
        "https://169.254.169.254/latest/meta-data",
        "https://user:password@example.org/",
        "https://printer.local/",
        "https://0x7f000001/",
        "ftp://example.org/",
        "https://example.org:99999/",
        "no url",
    ],
)
def test_an_endpoint_is_on_the_public_internet(shop: Shopfront, url: str) -> None:
    answer = put(shop, url=url)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/url")


@pytest.mark.parametrize(
    ("addresses", "allowed"),
    [
        (["93.184.215.14"], True),
        (["10.0.0.8"], False),
        (["93.184.215.14", "169.254.169.254"], False),
        (["fd00::8"], False),
        (["fe80::1%eth0"], False),
        (["::ffff:127.0.0.1"], False),
    ],
)
def test_a_public_name_that_leads_into_the_shops_own_network_is_no_target(
    addresses: list[str], allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_up(_host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    asking = target_of("https://hooks.example.org/in?a=1", private=False)
    if allowed:
        # Where the look-up led is where it goes, whatever the name says a moment later.
        assert asyncio.run(asking) == (f"https://{addresses[0]}:443/in?a=1", "hooks.example.org", "hooks.example.org")
    else:
        with pytest.raises(TargetError):
            asyncio.run(asking)


def test_trials_may_use_private_addresses() -> None:
    assert checked_url("http://localhost:9000/hooks", private=True).port == 9_000
    with pytest.raises(TargetError):
        checked_url("ftp://localhost/", private=True)


def test_webhooks_are_for_the_merchant(shop: Shopfront) -> None:
    assert shop.put("/v1/admin/webhooks/erp", json={"url": URL}).status_code == 401
    assert shop.get("/v1/admin/webhook-events").status_code == 401
    assert shop.get("/v1/admin/webhook-events", admin=True).json()["items"][0]["type"] == "order.confirmed"
    missing = "msg_" + "0" * 32
    assert shop.get(f"/v1/admin/webhook-deliveries/{missing}", admin=True).status_code == 404
    for path in ("test", "replay", "rotate", "enable"):
        assert post(shop, f"webhooks/nobody/{path}").status_code == 404
