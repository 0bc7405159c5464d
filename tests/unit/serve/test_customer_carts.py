"""A customer's cart: one on all devices, nobody else's, and a guest's merged into it once."""

import pytest

from .shopfront import EMAIL, Shopfront, keyed, kind_of
from .visitor import Visitor

CHECKOUT = {"email": EMAIL, "payment": {"method": "sandbox", "token": "tok_ok"}}


@pytest.fixture
def ada(shop: Shopfront) -> Visitor:
    shop.sell("RETRO-CLOCK", quantity=50)
    shop.sell("DESK-LAMP", quantity=50)
    return Visitor(shop).registered()


def own_cart(who: Visitor) -> tuple[str, dict[str, int]]:
    cart = who.get("/v1/me/cart").json()
    return f"/v1/carts/{cart['id']}", {line["sku"]: line["quantity"] for line in cart["lines"]}


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def test_the_cart_is_the_same_on_all_devices_and_nobody_elses(shop: Shopfront, ada: Visitor) -> None:
    path, _ = own_cart(ada)
    line = {"sku": "RETRO-CLOCK", "quantity": 2}
    assert ada.post(f"{path}/lines", json=line).status_code == 200
    phone = Visitor(shop)
    phone.log_in()
    assert own_cart(phone) == (path, {"RETRO-CLOCK": 2})
    bob = Visitor(shop, "bob@example.org").registered()
    for method, asked, options in (
        ("GET", path, {}),
        ("POST", f"{path}/lines", {"json": line}),
        ("DELETE", f"{path}/lines", {}),
        ("POST", f"{path}/checkout", {"json": CHECKOUT, "headers": keyed("key-1")}),
    ):
        assert shop.request(method, asked, **options).status_code == 401
        stranger = bob.request(method, asked, **options)
        assert (stranger.status_code, kind_of(stranger)) == (404, "not-found")
    assert own_cart(ada)[1] == {"RETRO-CLOCK": 2}


def test_a_guests_cart_is_merged_once(shop: Shopfront, ada: Visitor) -> None:
    path, _ = own_cart(ada)
    ada.post(f"{path}/lines", json={"sku": "RETRO-CLOCK", "quantity": 1})
    guest = shop.cart_with(("RETRO-CLOCK", 2), ("DESK-LAMP", 1))
    for _ in range(3):
        merged = ada.post("/v1/me/cart/merge", json={"cart_id": id_of(guest)})
        assert merged.status_code == 200
        assert own_cart(ada) == (path, {"RETRO-CLOCK": 3, "DESK-LAMP": 1})
    gone = shop.get(guest)
    assert (gone.status_code, kind_of(gone)) == (410, "cart-merged")
    bob = Visitor(shop, "bob@example.org").registered()
    assert kind_of(bob.post("/v1/me/cart/merge", json={"cart_id": id_of(guest)})) == "cart-merged"


def test_two_customers_who_merge_one_cart_at_once_do_not_both_get_it(shop: Shopfront, ada: Visitor) -> None:
    bob = Visitor(shop, "bob@example.org").registered()
    guest = shop.cart_with(("RETRO-CLOCK", 2))
    body = {"cart_id": id_of(guest)}
    answers = shop.at_once([("POST", "/v1/me/cart/merge", {"json": body, "headers": who.header}) for who in (ada, bob)])
    assert sorted(answer.status_code for answer in answers) == [200, 410]
    assert sorted((own_cart(ada)[1], own_cart(bob)[1]), key=len) == [{}, {"RETRO-CLOCK": 2}]


def test_logging_in_merges(shop: Shopfront, ada: Visitor) -> None:
    guest = shop.cart_with(("DESK-LAMP", 4))
    assert ada.log_in(cart_id=id_of(guest)).status_code == 200
    assert own_cart(ada)[1] == {"DESK-LAMP": 4}
    # Whatever is wrong with the cart, the login works.
    assert ada.log_in(cart_id="cart_nonsense-00").status_code == 200


def test_a_cart_that_is_being_bought_is_not_merged(shop: Shopfront, ada: Visitor) -> None:
    guest = shop.cart_with(("DESK-LAMP", 1))
    assert shop.check_out(guest).status_code == 201
    assert kind_of(ada.post("/v1/me/cart/merge", json={"cart_id": id_of(guest)})) == "cart-sealed"


def test_after_a_purchase_the_customer_has_a_new_cart(shop: Shopfront, ada: Visitor) -> None:
    path, _ = own_cart(ada)
    ada.post(f"{path}/lines", json={"sku": "RETRO-CLOCK", "quantity": 2})
    assert ada.post(f"{path}/checkout", json=CHECKOUT, headers=keyed("key-1")).status_code == 201
    added = ada.post(f"{path}/lines", json={"sku": "DESK-LAMP", "quantity": 1})
    assert added.status_code == 201
    new, lines = own_cart(ada)
    assert (new, lines) == (added.headers["location"], {"DESK-LAMP": 1})
    assert shop.get(new).status_code == 401


def test_a_cart_that_lay_idle_is_replaced(shop: Shopfront, ada: Visitor) -> None:
    path, _ = own_cart(ada)
    ada.post(f"{path}/lines", json={"sku": "RETRO-CLOCK", "quantity": 2})
    shop.clock.advance(31 * 86_400_000)
    assert ada.log_in().status_code == 200
    new, lines = own_cart(ada)
    assert new != path
    assert lines == {}


def test_somebody_elses_cart_cannot_be_merged(shop: Shopfront, ada: Visitor) -> None:
    bob = Visitor(shop, "bob@example.org").registered()
    path, _ = own_cart(ada)
    answer = bob.post("/v1/me/cart/merge", json={"cart_id": id_of(path)})
    assert (answer.status_code, kind_of(answer)) == (404, "not-found")
