"""Walks all routes of the shop with every role. A route that isn't classified here fails, and so does an object of
somebody else's that opens."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from fastapi.routing import APIRoute

from serve.access.principal import STAFF, Scope
from serve.api import routing

from .shopfront import Shopfront, keyed, kind_of, order_body
from .visitor import Visitor

NEEDS: dict[type[APIRoute], Scope] = {
    routing.CustomerRoute: Scope.CUSTOMER,
    routing.CustomerLoginRoute: Scope.CUSTOMER,
    routing.SupportRoute: Scope.SUPPORT,
    routing.MerchantRoute: Scope.MERCHANT,
    routing.ImportRoute: Scope.MERCHANT,
    routing.AdminRoute: Scope.ADMIN,
}
"""What opens the routes of each class."""

OWNED = {routing.OrderRoute: "order_id", routing.CartRoute: "cart_id"}
"""Classes whose routes open to an object's owner, and the parameter that names the object."""

OPEN = """
    GET /healthz, GET /readyz, GET /v1/ping, GET /problems/{name}, GET /openapi.json,
    GET /docs, GET /docs/start.js, GET /docs/swagger-ui-bundle.js, GET /docs/swagger-ui.css,
    GET /docs/favicon-32x32.png,
    GET /.well-known/jwks.json, GET /.well-known/oauth-authorization-server,
    POST /v1/accounts, POST /v1/auth/verify-email, POST /v1/auth/change-email,
    POST /v1/auth/password-reset, POST /v1/auth/password,
    POST /v1/auth/token, POST /v1/auth/revoke, GET /v1/auth/oidc/{provider}, GET /v1/auth/oidc/{provider}/callback,
    GET /v1/products, GET /v1/products/{sku}, GET /v1/stock/{sku},
    GET /v1/categories, GET /v1/categories/{category_id}, GET /v1/categories/{category_id}/products,
    GET /v1/collections, GET /v1/collections/{handle}, GET /v1/collections/{handle}/products,
    GET /v1/families, GET /v1/families/{handle},
    GET /v1/search, GET /v1/search/suggest,
    GET /v1/sales, GET /v1/sales/{sale}, POST /v1/sales/{sale}/line, GET /v1/sales/{sale}/line/{ticket},
    GET /v1/sales/{sale}/line/{ticket}/stream, GET /v1/stock/stream, GET /v1/products/{sku}/availability,
    POST /v1/carts, POST /v1/orders, POST /v1/quote, POST /v1/gift-cards/balance, POST /v1/webhooks/{provider},
    POST /v1/events, GET /v1/recommendations
"""
"""Open to everybody. Who adds a route here says that nobody's secrets are behind it: a sale's line opens by its signed
ticket, a gift card by its code, a webhook by its signature. Events can be told by everybody and are read by
none but the customer whose they are. Recommendations for a customer open to that one and the staff, those for a
customer's cart to its owner: tests/unit/serve/recommendations/test_recommendations.py."""

EXAMPLES = {"order_id": "ord_" + "0" * 32, "cart_id": "cart_0123456789", "account_id": "acc_nobody"}


class Walked(NamedTuple):
    method: str
    path: str
    cls: type

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, **objects: str) -> str:
        """The path with something in the place of each parameter."""
        return re.sub(
            r"\{(\w+)(:\w+)?\}", lambda found: objects.get(found[1]) or EXAMPLES.get(found[1], "nothing"), self.path
        )


def routes_of(shop: Shopfront) -> Iterator[Walked]:
    for route in shop.app.routes:
        for method in sorted(route.methods - {"HEAD"}):  # type: ignore[attr-defined]
            yield Walked(method, route.path, type(route))  # type: ignore[attr-defined]


def has_owner(route: Walked) -> bool:
    return route.cls in OWNED and f"{{{OWNED[route.cls]}}}" in route.path


@pytest.fixture(scope="module")
def shop() -> Iterator[Shopfront]:
    with Shopfront() as front:
        yield front


def test_every_route_is_classified(shop: Shopfront) -> None:
    open_to_all = {name.strip() for name in OPEN.replace("\n", " ").split(",")}
    unknown = [
        route.name
        for route in routes_of(shop)
        if route.cls not in NEEDS and not has_owner(route) and route.name not in open_to_all
    ]
    assert not unknown, f"give these a class of routing.py, or say above that they are open to everybody: {unknown}"


@pytest.mark.parametrize(("cls", "parameter"), OWNED.items(), ids=lambda value: str(getattr(value, "__name__", value)))
def test_routes_of_an_object_know_its_owner(shop: Shopfront, cls: type, parameter: str) -> None:
    careless = [
        route.name for route in routes_of(shop) if f"{{{parameter}}}" in route.path and route.cls not in (*NEEDS, cls)
    ]
    assert not careless


def admitted(scope: Scope, holder: str) -> bool:
    """Whether somebody with this scope may use a route that needs another."""
    return holder == scope or (holder in STAFF and scope in STAFF and STAFF.index(Scope(holder)) >= STAFF.index(scope))


@pytest.mark.parametrize("holder", ["nobody", "a wrong token", *Scope])
def test_every_role_gets_as_far_as_it_may(shop: Shopfront, holder: str) -> None:
    without = {"nobody": {}, "a wrong token": {"Authorization": "Bearer wrong"}}
    headers = without[holder] if holder in without else shop.token("acc_walker", holder)
    for route in routes_of(shop):
        scope = NEEDS.get(route.cls)
        if scope is None:
            continue
        answer = shop.request(route.method, route.url(), headers=headers)
        told = f"{route.name} for {holder}: {answer.status_code} {answer.text}"
        if holder in without:
            assert answer.status_code == 401, told
            assert answer.headers["www-authenticate"].startswith("Bearer "), told
        elif admitted(scope, holder):
            assert answer.status_code not in (401, 403) or kind_of(answer) == "login-refused", told
            assert answer.status_code < 500, told
        else:
            assert (answer.status_code, kind_of(answer)) == (403, "forbidden"), told


def test_somebody_elses_object_looks_like_none(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    ada = Visitor(shop, "ada@example.org").registered()
    bob = Visitor(shop, "bob@example.org").registered()
    placed = ada.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=keyed("key-1")).json()
    objects = {"order_id": placed["id"], "cart_id": ada.get("/v1/me/cart").json()["id"]}
    walked = 0
    for route in routes_of(shop):
        if not has_owner(route):
            continue
        walked += 1
        path = route.url(**objects)
        assert shop.request(route.method, path).status_code == 401, route.name
        answer = bob.request(route.method, path)
        assert (answer.status_code, kind_of(answer)) == (404, "not-found"), route.name
    assert walked > 8
    assert ada.get(f"/v1/orders/{placed['id']}").json()["status"] == "confirmed"


def test_what_is_mine_is_found_by_who_i_am_and_by_nothing_else(shop: Shopfront) -> None:
    ada = Visitor(shop, "carla@example.org").registered()
    bob = Visitor(shop, "dora@example.org").registered()
    home = {"name": "Carla", "line1": "1 High Street", "city": "Leeds", "country": "GB"}
    ada.request("PUT", "/v1/me/addresses/home", json=home)
    session = ada.get("/v1/me/sessions").json()["items"][0]["id"]
    assert bob.request("DELETE", "/v1/me/addresses/home").status_code == 200
    assert bob.request("DELETE", f"/v1/me/sessions/{session}").status_code == 200
    assert set(ada.get("/v1/me/addresses").json()["addresses"]) == {"home"}
    assert ada.refresh().status_code == 200
