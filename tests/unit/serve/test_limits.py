"""How often somebody may ask, what answers say of it, and which other sites may."""

import pytest

from serve.limits import LocalLimiter, Policy, Taken

from .shopfront import Clock, Shopfront, SmallSettings, keyed, kind_of, order_body

LOGINS = Policy("auth", 3, 60)


async def taken(limiter: LocalLimiter, clients: list[str]) -> list[Taken]:
    return [await limiter.take(LOGINS, client) for client in clients]


def test_a_bucket_refills_steadily(shop: Shopfront) -> None:
    clock = Clock()
    limiter = LocalLimiter(clock)
    first = shop.run(taken(limiter, ["ada"] * 4))
    assert [(each.allowed, each.remaining) for each in first] == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert first[3].reset_s == 20
    # Somebody else's is full.
    assert shop.run(limiter.take(LOGINS, "bob")).allowed
    clock.advance(20_000)
    assert [each.allowed for each in shop.run(taken(limiter, ["ada"] * 2))] == [True, False]
    clock.advance(600_000)
    assert [each.allowed for each in shop.run(taken(limiter, ["ada"] * 4))] == [True, True, True, False]


def test_answers_tell_what_is_left() -> None:
    with Shopfront(settings=SmallSettings(auth_per_minute=2)) as shop:
        body = {"grant_type": "password", "username": "ada@example.org", "password": "wrong"}
        first, second, third = (shop.post("/v1/auth/token", data=body) for _ in range(3))
        assert first.headers["ratelimit-policy"] == '"auth";q=2;w=60'
        assert (first.status_code, first.headers["ratelimit"]) == (400, '"auth";r=1;t=30')
        assert second.headers["ratelimit"] == '"auth";r=0;t=60'
        assert (third.status_code, kind_of(third)) == (429, "too-many-requests")
        assert third.headers["retry-after"] == "30"
        # Whatever else the shop does isn't counted with it.
        assert "ratelimit" not in shop.get("/v1/products").headers
        assert shop.get("/v1/products").status_code == 200


def test_the_whole_api_can_be_limited_but_not_the_lean_purchase() -> None:
    with Shopfront(settings=SmallSettings(api_per_minute=5), front=True) as shop:
        shop.sell("RETRO-CLOCK", quantity=9)
        statuses = [shop.get("/v1/products").status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        bought = shop.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=keyed("key-1"))
        assert bought.status_code == 201


@pytest.mark.parametrize(
    ("trusted", "forwarded", "told_apart"),
    [
        (1, ["10.0.0.1", "10.0.0.2"], True),
        # Whoever comes straight to us may write what they like.
        (0, ["10.0.0.1", "10.0.0.2"], False),
        # Only what our own proxy wrote is believed.
        (1, ["1.1.1.1, 10.0.0.9", "2.2.2.2, 10.0.0.9"], False),
    ],
)
def test_addresses_are_those_that_proxies_vouch_for(trusted: int, forwarded: list[str], told_apart: bool) -> None:
    with Shopfront(settings=SmallSettings(auth_per_minute=1, trusted_proxies=trusted)) as shop:
        statuses = [
            shop.post("/v1/auth/revoke", data={"token": "x"}, headers={"X-Forwarded-For": each}).status_code
            for each in forwarded
        ]
    assert statuses == ([200, 200] if told_apart else [200, 429])


def test_no_other_site_may_read_answers_unless_it_is_named() -> None:
    origin = {"Origin": "https://shop.example"}
    with Shopfront() as shop:
        assert "access-control-allow-origin" not in shop.get("/v1/products", headers=origin).headers
    with Shopfront(settings=SmallSettings(cors_origins="https://shop.example"), front=True) as shop:
        assert shop.get("/v1/products", headers=origin).headers["access-control-allow-origin"] == origin["Origin"]
        other = shop.get("/v1/products", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        shop.sell("RETRO-CLOCK")
        bought = shop.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=keyed("key-1", **origin))
        assert bought.headers["access-control-allow-origin"] == origin["Origin"]
        asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        preflight = shop.preflight("/v1/orders", asked)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, origin["Origin"])
        assert "access-control-allow-credentials" not in preflight.headers
