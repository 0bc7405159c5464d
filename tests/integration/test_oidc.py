"""Logging in at another provider, against a real OpenID Connect server."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from oidc_provider_mock import User
from pydantic import SecretStr

from tests.unit.serve.shopfront import Shopfront, SmallSettings
from tests.unit.serve.visitor import Visitor

# The server of these tests runs in this process and says so on its own account.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

USERS = [
    User(sub="ada-1", claims={"email": "ada@example.org", "email_verified": True, "name": "Ada"}),
    User(sub="eve-1", claims={"email": "ada@example.org", "email_verified": False}),
]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread(user_claims=USERS, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def shop(issuer: str) -> Iterator[Shopfront]:
    provider = SimpleNamespace(
        issuer=issuer,
        client_id="doorbuster",
        client_secret=SecretStr("hunter2"),
        scopes="openid email profile",
        trusts_email=True,
    )
    with Shopfront(settings=SmallSettings(oidc_providers={"mock": provider})) as front:
        yield front


def at_the_provider(shop: Shopfront, user: str) -> tuple[str, str]:
    """Begin a login, log in over there, and come back: the callback's path and the browser's cookie."""
    away = shop.get("/v1/auth/oidc/mock")
    assert away.status_code == 302
    cookie = away.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"]
    assert asked["state"]
    back = httpx.post(away.headers["location"], data={"sub": user}, trust_env=False)
    assert back.status_code == 302, back.text
    location = urlsplit(back.headers["location"])
    return f"{location.path}?{location.query}", re.split(r"[;]", cookie)[0]


def come_back(shop: Shopfront, path: str, cookie: str) -> httpx.Response:
    # The test's own client keeps cookies; the browser is whoever sends this one.
    shop.forget_cookies()
    return shop.get(path, headers={"Cookie": cookie})


def log_in(shop: Shopfront, user: str) -> httpx.Response:
    return come_back(shop, *at_the_provider(shop, user))


def account_id(shop: Shopfront, logged_in: httpx.Response) -> str:
    header = {"Authorization": f"Bearer {logged_in.json()['access_token']}"}
    found: str = shop.get("/v1/me", headers=header).json()["id"]
    return found


def test_whoever_logs_in_over_there_has_an_account_here(shop: Shopfront) -> None:
    first = log_in(shop, "ada-1")
    assert first.status_code == 200, first.text
    me = shop.get("/v1/me", headers={"Authorization": f"Bearer {first.json()['access_token']}"}).json()
    assert (me["email"], me["profile"]["name"], me["providers"]) == ("ada@example.org", "Ada", ["mock"])
    assert account_id(shop, log_in(shop, "ada-1")) == me["id"]


def test_an_account_of_the_same_address_is_the_same_account(shop: Shopfront) -> None:
    ada = Visitor(shop).registered()
    tokens = log_in(shop, "ada-1").json()
    assert (
        shop.get("/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()["id"] == ada.account_id
    )


def test_an_address_that_nobody_has_verified_is_not_believed(shop: Shopfront) -> None:
    Visitor(shop).registered()
    refused = log_in(shop, "eve-1")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_login_belongs_to_the_browser_that_began_it(shop: Shopfront) -> None:
    path, cookie = at_the_provider(shop, "ada-1")
    _, other_cookie = at_the_provider(shop, "ada-1")
    shop.forget_cookies()
    assert shop.get(path).status_code == 400
    assert come_back(shop, path, other_cookie).status_code == 400
    assert come_back(shop, path.replace("state=", "state=x"), cookie).status_code == 400
    assert come_back(shop, path, cookie).status_code == 200
    # A code is good once.
    assert come_back(shop, path, cookie).status_code == 400


def test_a_login_that_took_too_long_begins_anew(shop: Shopfront) -> None:
    path, cookie = at_the_provider(shop, "ada-1")
    shop.clock.advance(600_000)
    assert come_back(shop, path, cookie).status_code == 400


def test_there_are_only_the_providers_that_were_configured(shop: Shopfront) -> None:
    assert shop.get("/v1/auth/oidc/other").status_code == 404


def test_an_erased_account_lets_its_identity_go(shop: Shopfront) -> None:
    tokens = log_in(shop, "ada-1").json()
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    before = shop.get("/v1/me", headers=header).json()["id"]
    assert shop.post("/v1/me/erasure", json={}, headers=header).status_code == 204
    assert account_id(shop, log_in(shop, "ada-1")) != before
