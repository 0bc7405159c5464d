"""Accounts over HTTP: from an address that nobody has shown to be theirs to an erasure."""

import pytest

from engine.handle import ATTEMPTS_WINDOW_MS, MOST_ATTEMPTS, MOST_MAILS

from .shopfront import Shopfront, keyed, kind_of, order_body
from .visitor import PASSWORD, Visitor


@pytest.fixture
def ada(shop: Shopfront) -> Visitor:
    return Visitor(shop).registered()


def test_a_link_in_a_mail_opens_the_account(shop: Shopfront) -> None:
    ada = Visitor(shop)
    assert ada.register(profile={"name": "Ada"}).json() == {"status": "mail-sent"}
    assert kind_of(ada.log_in()) == "invalid-grant"
    # However often it is opened.
    assert [ada.open_link("verify-email").status_code for _ in range(2)] == [204, 204]
    assert ada.log_in().status_code == 200
    me = ada.get("/v1/me").json()
    assert (me["email"], me["profile"]["name"], me["roles"]) == ("ada@example.org", "Ada", [])
    assert me["id"].startswith("acc_")


def test_of_two_registrations_of_one_address_the_first_that_is_confirmed_counts(shop: Shopfront) -> None:
    first, second = Visitor(shop), Visitor(shop, password="another long password")
    first.register()
    link = first.link_token("verify-email")
    second.register()
    assert second.open_link("verify-email").status_code == 204
    late = shop.post("/v1/auth/verify-email", json={"token": link})
    assert (late.status_code, kind_of(late)) == (403, "login-refused")
    assert second.log_in().status_code == 200
    assert kind_of(first.log_in()) == "invalid-grant"


def test_two_links_of_one_address_at_once_open_one_account(shop: Shopfront) -> None:
    ada = Visitor(shop)
    links = []
    for _ in range(2):
        ada.register()
        links.append(ada.link_token("verify-email"))
    answers = shop.at_once([("POST", "/v1/auth/verify-email", {"json": {"token": link}}) for link in links])
    assert sorted(answer.status_code for answer in answers) == [204, 403]


def test_nobody_learns_which_addresses_have_accounts(shop: Shopfront, ada: Visitor) -> None:
    nobody = Visitor(shop, "nobody@example.org")
    registered = [Visitor(shop, email).register() for email in ("ada@example.org", "bob@example.org")]
    asked = [shop.post("/v1/auth/password-reset", json={"email": who.email}) for who in (ada, nobody)]
    tried = [Visitor(shop, email, "a wrong password").log_in() for email in ("ada@example.org", "nobody@example.org")]
    for one, other in (registered, asked, tried):
        assert (one.status_code, one.json()) == (other.status_code, other.json())
    last = [(mail.to, mail.subject) for mail in shop.mails()[1:]]
    assert sorted(last) == [
        ("ada@example.org", "A new password for Doorbuster"),
        ("ada@example.org", "You have an account at Doorbuster already"),
        ("bob@example.org", "Confirm your address for Doorbuster"),
    ]


def test_an_address_is_one_however_it_is_spelled(shop: Shopfront, ada: Visitor) -> None:
    assert Visitor(shop, "ADA@Example.org").log_in().status_code == 200


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_attempts_are_limited_for_every_address_alike(shop: Shopfront, ada: Visitor, email: str) -> None:
    tries = [
        ("POST", "/v1/auth/token", {"data": {"grant_type": "password", "username": email, "password": "wrong"}})
    ] * (MOST_ATTEMPTS + 3)
    statuses = [answer.status_code for answer in shop.at_once(tries)]
    assert (statuses.count(400), statuses.count(429)) == (MOST_ATTEMPTS, 3)
    refused = Visitor(shop, email).log_in()
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many_attempts")
    assert int(refused.headers["retry-after"]) > 0
    shop.clock.advance(ATTEMPTS_WINDOW_MS)
    assert ada.log_in().status_code == 200


def test_mails_are_limited(shop: Shopfront) -> None:
    answers = [Visitor(shop).register() for _ in range(MOST_MAILS + 1)]
    assert [answer.status_code for answer in answers] == [202] * MOST_MAILS + [429]
    assert len(shop.mails()) == MOST_MAILS


def test_a_session_goes_on_until_its_token_is_used_twice(shop: Shopfront, ada: Visitor) -> None:
    first = ada.tokens["refresh_token"]
    assert ada.refresh().status_code == 200
    second = ada.tokens["refresh_token"]
    # The answer was lost: the retry gets the same successor.
    assert ada.refresh(first).json()["refresh_token"] == second
    assert ada.refresh(second).status_code == 200
    shop.clock.advance(60_000)
    stolen = ada.refresh(first)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert ada.refresh().status_code == 400


@pytest.mark.parametrize("token", ["refresh_token", "access_token"])
def test_a_revoked_session_cannot_be_refreshed(ada: Visitor, token: str) -> None:
    for _ in range(2):
        assert ada.shop.post("/v1/auth/revoke", data={"token": ada.tokens[token]}).status_code == 200
    assert ada.refresh().status_code == 400


def test_what_is_no_token_is_revoked_without_a_word(shop: Shopfront) -> None:
    assert shop.post("/v1/auth/revoke", data={"token": "nonsense", "token_type_hint": "refresh_token"}).json() == {}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "nonsense"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "acc_x~y~z"}, "invalid_grant"),
        ({"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}, "invalid_client"),
        (
            {"grant_type": "password", "username": "ada@example.org", "password": PASSWORD, "scope": "admin"},
            "invalid_scope",
        ),
    ],
)
def test_errors_are_those_of_oauth(shop: Shopfront, ada: Visitor, form: dict[str, str], error: str) -> None:
    answer = shop.post("/v1/auth/token", data=form)
    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b'{"grant_type":"password"}', "application/json", 415),
        (b"grant_type=password&grant_type=password", "application/x-www-form-urlencoded", 400),
        (b"grant_type=%ff", "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 422),
    ],
)
def test_a_token_request_is_a_form(shop: Shopfront, content: bytes, media_type: str, status: int) -> None:
    answer = shop.post("/v1/auth/token", content=content, headers={"Content-Type": media_type})
    assert answer.status_code == status


def test_logged_out_here_and_everywhere(shop: Shopfront, ada: Visitor) -> None:
    phone = Visitor(shop)
    phone.log_in()
    sessions = ada.get("/v1/me/sessions").json()["items"]
    assert sorted(session["current"] for session in sessions) == [False, True]
    other = next(session["id"] for session in sessions if not session["current"])
    assert len(ada.request("DELETE", f"/v1/me/sessions/{other}").json()["items"]) == 1
    assert phone.refresh().status_code == 400
    assert ada.request("DELETE", "/v1/me/sessions").json()["items"] == []
    assert ada.refresh().status_code == 400


def test_a_forgotten_password_is_replaced_once(shop: Shopfront, ada: Visitor) -> None:
    shop.post("/v1/auth/password-reset", json={"email": ada.email})
    token = ada.link_token("reset-password")
    assert ada.open_link("reset-password", password="a brand new password").status_code == 204
    assert ada.refresh().status_code == 400
    again = shop.post("/v1/auth/password", json={"token": token, "password": "yet another password"})
    assert kind_of(again) == "login-refused"
    assert ada.log_in().status_code == 400
    ada.password = "a brand new password"
    assert ada.log_in().status_code == 200
    assert shop.mails()[-1].subject == "Your password at Doorbuster was changed"


def test_a_link_ends(shop: Shopfront, ada: Visitor) -> None:
    shop.post("/v1/auth/password-reset", json={"email": ada.email})
    shop.clock.advance(30 * 60_000)
    assert ada.open_link("reset-password", password="a brand new password").status_code == 403


def test_a_link_of_one_kind_opens_nothing_else(shop: Shopfront, ada: Visitor) -> None:
    shop.post("/v1/auth/password-reset", json={"email": ada.email})
    token = ada.link_token("reset-password")
    assert shop.post("/v1/auth/verify-email", json={"token": token}).status_code == 403
    assert shop.post("/v1/auth/verify-email", json={"token": token[:-2]}).status_code == 403


def test_a_new_password_keeps_this_session_only(shop: Shopfront, ada: Visitor) -> None:
    phone = Visitor(shop)
    phone.log_in()
    body = {"old_password": PASSWORD, "password": "a brand new password"}
    assert ada.post("/v1/me/password", json={**body, "old_password": "wrong"}).status_code == 403
    assert ada.post("/v1/me/password", json=body).status_code == 204
    assert (phone.refresh().status_code, ada.refresh().status_code) == (400, 200)


def test_profile_preferences_and_addresses(ada: Visitor) -> None:
    home = {"name": "Ada", "line1": "12 St James's Square", "city": "London", "country": "GB"}
    assert ada.request("PUT", "/v1/me/profile", json={"name": "Countess"}).json()["profile"]["name"] == "Countess"
    kept = ada.request("PUT", "/v1/me/preferences", json={"preferences": {"newsletter": "no"}}).json()
    assert kept["preferences"] == {"newsletter": "no"}
    put = ada.request("PUT", "/v1/me/addresses/home", json=home).json()["addresses"]
    assert put["home"]["city"] == "London"
    assert ada.get("/v1/me/addresses").json()["addresses"] == put
    assert ada.request("DELETE", "/v1/me/addresses/home").json()["addresses"] == {}
    assert ada.request("PUT", "/v1/me/addresses/home", json={**home, "country": "uk"}).status_code == 422


def test_orders_are_listed_in_pages(ada: Visitor) -> None:
    ada.shop.sell("RETRO-CLOCK", quantity=5)
    placed = []
    for number in range(3):
        ada.shop.clock.advance(1_000)
        answer = ada.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=keyed(f"key-{number}"))
        placed.append(answer.json()["id"])
    ada.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1), token="tok_declined"), headers=keyed("declined"))
    first = ada.get("/v1/me/orders?limit=2").json()
    rest = ada.get(f"/v1/me/orders?limit=2&cursor={first['next_cursor']}").json()
    assert [order["id"] for order in first["items"] + rest["items"]] == placed[::-1]
    assert rest["next_cursor"] is None


def with_totp(ada: Visitor) -> tuple[str, list[str]]:
    enrolled = ada.post("/v1/me/totp", json={"password": PASSWORD}).json()
    assert enrolled["uri"].startswith("otpauth://totp/Doorbuster:ada%40example.org")
    codes = ada.post("/v1/me/totp/confirm", json={"code": ada.code(enrolled["secret"])}).json()["codes"]
    ada.shop.clock.advance(30_000)
    return enrolled["secret"], codes


def test_a_second_factor_is_asked_for_after_the_password(ada: Visitor) -> None:
    secret, _ = with_totp(ada)
    assert ada.log_in(password="wrong").json()["error"] == "invalid_grant"
    assert ada.log_in().json()["error"] == "mfa_required"
    assert ada.log_in(otp="000000").json()["error"] == "invalid_grant"
    code = ada.code(secret)
    assert ada.log_in(otp=code).status_code == 200
    # Somebody has seen it being typed.
    assert ada.log_in(otp=code).json()["error"] == "invalid_grant"
    assert ada.get("/v1/me").json()["second_factor"] is True


def test_a_code_is_taken_once_of_many_at_the_same_time(ada: Visitor) -> None:
    secret, _ = with_totp(ada)
    form = {"grant_type": "password", "username": ada.email, "password": PASSWORD, "otp": ada.code(secret)}
    answers = ada.shop.at_once([("POST", "/v1/auth/token", {"data": form})] * 5)
    assert [answer.status_code for answer in answers].count(200) == 1


def test_recovery_codes_replace_the_second_factor_once_each(ada: Visitor) -> None:
    _, codes = with_totp(ada)
    assert ada.log_in(otp=codes[0]).status_code == 200
    assert ada.log_in(otp=codes[0]).json()["error"] == "invalid_grant"
    assert ada.get("/v1/me").json()["recovery_codes_left"] == len(codes) - 1
    assert ada.post("/v1/me/totp/disable", json={"code": codes[1]}).json()["second_factor"] is False
    assert ada.log_in().status_code == 200


def test_an_erased_account_leaves_orders_that_are_nobodys(shop: Shopfront, ada: Visitor) -> None:
    shop.sell("RETRO-CLOCK")
    placed = ada.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=keyed("key-1")).json()
    assert ada.post("/v1/me/erasure", json={"password": "wrong"}).status_code == 403
    assert ada.post("/v1/me/erasure", json={"password": PASSWORD}).status_code == 204
    assert ada.get("/v1/me").status_code == 404
    assert ada.refresh().status_code == 400
    assert ada.log_in().status_code == 400
    order = shop.get(f"/v1/orders/{placed['id']}", admin=True).json()
    assert (order["email"], order["status"], order["total"]) == ("", "confirmed", placed["total"])
    # The address is free again.
    assert Visitor(shop).registered().get("/v1/me/orders").json()["items"] == []


def test_the_staff_are_accounts_with_roles(shop: Shopfront, ada: Visitor) -> None:
    path = f"/v1/admin/accounts/{ada.account_id}"
    assert shop.get("/v1/admin/accounts?email=ADA@example.org", admin=True).json()["id"] == ada.account_id
    assert ada.get(path).status_code == 403
    assert shop.put(f"{path}/roles", json={"roles": ["support"]}, admin=True).json()["roles"] == ["support"]
    assert ada.refresh().status_code == 400
    assert ada.log_in().json()["scope"] == "customer support"
    assert ada.get(path).status_code == 200
    assert ada.request("PUT", f"{path}/roles", json={"roles": ["admin"]}).status_code == 403
    assert ada.log_in(scope="customer").json()["scope"] == "customer"
    assert ada.refresh().json()["scope"] == "customer"


def test_a_machine_has_a_key_of_its_own(shop: Shopfront) -> None:
    body = {"name": "warehouse", "scopes": ["merchant"], "days": 1}
    made = shop.post("/v1/admin/api-keys", json=body, admin=True).json()
    product = {"title": "Retro", "price": {"amount": 1999, "currency": "USD"}}
    bearer = {"Authorization": f"Bearer {made['key']}"}
    assert shop.put("/v1/products/RETRO-CLOCK", json=product, headers=bearer).status_code == 201
    credentials = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["client_secret"]}
    token = shop.post("/v1/auth/token", data=credentials).json()
    assert (token["scope"], token["refresh_token"]) == ("merchant support", None)
    basic = shop.post("/v1/auth/token", data={"grant_type": "client_credentials"}, headers=basic_auth(made))
    assert basic.status_code == 200
    listed = shop.get("/v1/admin/api-keys", admin=True).json()["items"]
    assert [(key["name"], key["created_by"]) for key in listed] == [("warehouse", "admin-key")]
    assert made["client_secret"] not in str(listed)
    assert shop.delete(f"/v1/admin/api-keys/{made['id']}", admin=True).status_code == 204
    shop.clock.advance(5_000)
    assert shop.put("/v1/products/RETRO-CLOCK", json=product, headers=bearer).status_code == 401


def basic_auth(made: dict[str, str]) -> dict[str, str]:
    from base64 import b64encode

    return {"Authorization": "Basic " + b64encode(f"{made['id']}:{made['client_secret']}".encode()).decode()}


def test_a_key_of_a_machine_ends(shop: Shopfront) -> None:
    made = shop.post("/v1/admin/api-keys", json={"name": "x", "scopes": ["support"], "days": 1}, admin=True).json()
    bearer = {"Authorization": f"Bearer {made['key']}"}
    assert shop.get("/v1/admin/accounts/acc_nobody", headers=bearer).status_code == 404
    shop.clock.advance(86_400_000)
    assert shop.get("/v1/admin/accounts/acc_nobody", headers=bearer).status_code == 401


def test_signing_keys_are_rotated_without_logging_anyone_out(shop: Shopfront, ada: Visitor) -> None:
    assert len(shop.get("/.well-known/jwks.json").json()["keys"]) == 1
    rotated = shop.post("/v1/admin/signing-keys", json={}, admin=True).json()["keys"]
    assert len(rotated) == 2
    assert all(key["kty"] == "OKP" and "d" not in key for key in rotated)
    assert ada.get("/v1/me").status_code == 200
    shop.clock.advance(200_000)
    assert ada.refresh().status_code == 200
    assert shop.kid_of(ada.header) == rotated[1]["kid"]
    assert ada.get("/v1/me").status_code == 200


def test_a_client_finds_its_way(shop: Shopfront) -> None:
    metadata = shop.get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == "http://shop"
    assert metadata["token_endpoint"] == "http://shop/v1/auth/token"


def test_another_address_counts_once_its_link_was_opened_and_the_old_one_is_told(shop: Shopfront, ada: Visitor) -> None:
    shop.post("/v1/auth/password-reset", json={"email": ada.email})
    reset = ada.link_token("reset-password")
    wrong = ada.post("/v1/me/email", json={"email": "ada@lovelace.example", "password": "a wrong password"})
    assert (wrong.status_code, kind_of(wrong)) == (403, "login-refused")
    asked = ada.post("/v1/me/email", json={"email": "ada@lovelace.example", "password": PASSWORD})
    assert (asked.status_code, asked.json()) == (202, {"status": "mail-sent"})
    assert ada.get("/v1/me").json()["email"] == "ada@example.org"
    moved = Visitor(shop, "ada@lovelace.example")
    assert [moved.open_link("change-email").status_code for _ in range(2)] == [204, 204]
    assert ada.get("/v1/me").json()["email"] == "ada@lovelace.example"
    told = [(mail.to, mail.subject) for mail in shop.mails()[-2:]]
    assert told == [
        ("ada@lovelace.example", "Confirm your new address for Doorbuster"),
        ("ada@example.org", "Your address at Doorbuster was changed"),
    ]
    assert moved.log_in().status_code == 200
    assert kind_of(ada.log_in()) == "invalid-grant"
    late = shop.post("/v1/auth/password", json={"token": reset, "password": "somebody else's password"})
    assert (late.status_code, kind_of(late)) == (403, "login-refused")


def test_nobody_learns_by_asking_for_an_address_whose_it_is(shop: Shopfront, ada: Visitor) -> None:
    bob = Visitor(shop, "bob@example.org").registered()
    asked = bob.post("/v1/me/email", json={"email": ada.email, "password": PASSWORD})
    assert (asked.status_code, asked.json()) == (202, {"status": "mail-sent"})
    assert shop.mails()[-1].subject == "You have an account at Doorbuster already"


def test_of_two_accounts_that_want_one_address_one_gets_it(shop: Shopfront, ada: Visitor) -> None:
    bob, links = Visitor(shop, "bob@example.org").registered(), []
    both = Visitor(shop, "both@example.org")
    for who in (ada, bob):
        who.post("/v1/me/email", json={"email": both.email, "password": PASSWORD})
        links.append(both.link_token("change-email"))
    answers = shop.at_once([("POST", "/v1/auth/change-email", {"json": {"token": link}}) for link in links])
    assert sorted(answer.status_code for answer in answers) == [204, 403]
    assert sorted(who.get("/v1/me").json()["email"] for who in (ada, bob)).count(both.email) == 1
