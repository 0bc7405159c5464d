"""Who may come in: tokens, scopes, and orders that open to their own account only."""

import pytest

from engine.keyring import PROPAGATION_MS
from serve.access.signing import LOOK_AGAIN_MS, SigningKeys
from serve.identity import order_id_of

from .shopfront import SECRET, Shopfront, keyed, kind_of, order_body

ADA = "acc_ada"
BOB = "acc_bob"
PRODUCT = {"title": "Retro", "price": {"amount": 1999, "currency": "USD"}}


def buy_as(shop: Shopfront, who: dict[str, str], sku: str = "RETRO-CLOCK", key: str = "key-1") -> dict[str, str]:
    answer = shop.post("/v1/orders", json=order_body((sku, 1)), headers={**keyed(key), **who})
    assert answer.status_code == 201, answer.text
    placed: dict[str, str] = answer.json()
    return placed


@pytest.mark.parametrize(
    ("scopes", "status"),
    [(["customer"], 403), (["support"], 403), (["merchant"], 201), (["admin"], 201), (["customer", "merchant"], 201)],
)
def test_a_scope_opens_what_it_includes(shop: Shopfront, scopes: list[str], status: int) -> None:
    answer = shop.put("/v1/products/RETRO-CLOCK", json=PRODUCT, headers=shop.token(ADA, *scopes))
    assert answer.status_code == status
    if status == 403:
        assert kind_of(answer) == "forbidden"
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_token_of_another_shop_or_a_changed_one_opens_nothing(shop: Shopfront) -> None:
    good = shop.token(ADA, "admin")["Authorization"]
    with Shopfront() as other:
        foreign = other.token(ADA, "admin")["Authorization"]
    head, body, signature = good.split(".")
    changed = [f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body[:-2]}.{signature}"]
    for wrong in (foreign, *changed, "Bearer a.b.c", "Bearer x"):
        answer = shop.put("/v1/products/RETRO-CLOCK", json=PRODUCT, headers={"Authorization": wrong})
        assert (answer.status_code, kind_of(answer)) == (401, "unauthorized")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_expires(shop: Shopfront) -> None:
    who = shop.token(ADA, "merchant")
    assert shop.put("/v1/products/RETRO-CLOCK", json=PRODUCT, headers=who).status_code == 201
    shop.clock.advance(shop.settings.access_token_s * 1_000)
    assert shop.put("/v1/products/RETRO-CLOCK", json=PRODUCT, headers=who).status_code == 401


def test_a_rotated_key_goes_on_verifying_what_it_signed(shop: Shopfront) -> None:
    before = shop.token(ADA, "merchant")
    shop.run(shop.access.keys.rotate("second"))
    assert shop.kid_of(shop.token(ADA)) == shop.kid_of(before)
    shop.clock.advance(PROPAGATION_MS)
    after = shop.token(ADA, "merchant")
    assert shop.kid_of(after) == "second"
    shop.access.tokens.forget()
    for who in (before, after):
        assert shop.put("/v1/products/RETRO-CLOCK", json=PRODUCT, headers=who).status_code in (200, 201)


def test_a_revoked_key_ends_its_tokens(shop: Shopfront) -> None:
    before = shop.token(ADA, "merchant")
    assert shop.put("/v1/products/RETRO-CLOCK", json=PRODUCT, headers=before).status_code == 201
    # As another replica would: this one hears of it when it looks again.
    other = SigningKeys(shop.client, SECRET, shop.clock)
    shop.run(other.rotate("second", revoke=True))
    shop.clock.advance(LOOK_AGAIN_MS)
    assert shop.put("/v1/products/RETRO-CLOCK", json=PRODUCT, headers=before).status_code == 401


def test_an_order_opens_to_its_own_account_and_no_other(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    path = f"/v1/orders/{buy_as(shop, shop.token(ADA))['id']}"
    assert shop.get(path, headers=shop.token(ADA)).status_code == 200
    assert shop.get(path, headers=shop.token("acc_helper", "support")).status_code == 200
    for method, asked in (("GET", path), ("POST", f"{path}/cancel")):
        stranger = shop.request(method, asked, headers=shop.token(BOB))
        assert (stranger.status_code, kind_of(stranger)) == (404, "not-found")
    assert shop.post(f"{path}/cancel", headers=shop.token(ADA)).json()["status"] == "cancelled"


def test_equal_keys_of_two_customers_never_meet(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    placed = [buy_as(shop, who) for who in (shop.token(ADA), shop.token(BOB), {})]
    assert len({order["id"] for order in placed}) == 3
    assert placed[2]["id"] == order_id_of(SECRET, "key-1")
    assert buy_as(shop, shop.token(ADA)) == placed[0]
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 7


def test_a_limit_per_customer_counts_the_account(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    assert shop.request("PATCH", "/v1/stock/RETRO-CLOCK/policy", json={"customer_limit": 1}, admin=True).is_success
    buy_as(shop, shop.token(ADA))
    buy_as(shop, shop.token(BOB))
    body = order_body(("RETRO-CLOCK", 1), email="another@example.org")
    again = shop.post("/v1/orders", json=body, headers={**keyed("key-2"), **shop.token(ADA)})
    assert kind_of(again) == "customer-limit"


def test_the_front_knows_a_token_and_refuses_a_wrong_one() -> None:
    with Shopfront(front=True) as shop:
        shop.sell("RETRO-CLOCK")
        ada = shop.token(ADA)
        placed = buy_as(shop, ada)
        # The second time the token is known, and the front itself answers.
        assert buy_as(shop, ada) == placed
        assert shop.get(f"/v1/orders/{placed['id']}", headers=ada).status_code == 200
        headers = keyed("key-2", Authorization="Bearer nonsense")
        wrong = shop.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=headers)
        assert (wrong.status_code, kind_of(wrong)) == (401, "unauthorized")


def test_a_cart_is_bought_for_the_account(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    cart = shop.cart_with(("RETRO-CLOCK", 1))
    body = {"email": "ada@example.org", "payment": {"method": "sandbox", "token": "tok_ok"}}
    bought = shop.post(f"{cart}/checkout", json=body, headers={**keyed("key-1"), **shop.token(ADA)})
    assert shop.get(bought.headers["location"], headers=shop.token(ADA)).status_code == 200
    assert shop.get(bought.headers["location"], headers=shop.token(BOB)).status_code == 404
