"""Bundles over HTTP: they are as available as their scarcest component, and two lines that need one are summed."""

import pytest

from .shopfront import Shopfront, keyed, kind_of, order_body


@pytest.fixture(autouse=True)
def a_set_of_a_clock_and_two_bells(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=5)
    shop.sell("BELL", quantity=7)
    components = [{"sku": "RETRO-CLOCK", "quantity": 1}, {"sku": "BELL", "quantity": 2}]
    shop.sell("CLOCK-SET", quantity=0, amount=4999, components=components)


def available(shop: Shopfront, sku: str) -> int:
    units: int = shop.get(f"/v1/products/{sku}").json()["availability"]["available"]
    return units


def test_a_bundle_is_as_available_as_its_scarcest_component(shop: Shopfront) -> None:
    assert available(shop, "CLOCK-SET") == 3
    assert shop.buy(("BELL", 4)).status_code == 201
    assert available(shop, "CLOCK-SET") == 1


def test_buying_a_bundle_takes_its_components(shop: Shopfront) -> None:
    bought = shop.buy(("CLOCK-SET", 2))
    assert (bought.status_code, bought.json()["total"]["amount"]) == (201, 9998)
    assert [line["sku"] for line in bought.json()["lines"]] == ["CLOCK-SET"]
    assert (shop.stock("RETRO-CLOCK")["on_hand"], shop.stock("BELL")["on_hand"]) == (3, 3)
    assert shop.buy(("CLOCK-SET", 2)).content == bought.content


def test_two_lines_that_need_one_component_are_summed(shop: Shopfront) -> None:
    """medusa#16502: each line alone could be had, both together not."""
    refused = shop.buy(("BELL", 2), ("CLOCK-SET", 3))
    assert (refused.status_code, kind_of(refused)) == (409, "insufficient-stock")
    assert [line["sku"] for line in refused.json()["lines"]] == ["BELL"]
    assert (shop.stock("BELL")["reserved"], shop.stock("RETRO-CLOCK")["reserved"]) == (0, 0)
    assert shop.buy(("BELL", 1), ("CLOCK-SET", 3), key="fits").status_code == 201
    assert shop.stock("BELL")["on_hand"] == 0


def test_a_declined_bundle_gives_its_components_back(shop: Shopfront) -> None:
    assert shop.buy(("CLOCK-SET", 3), token="tok_declined").status_code == 402
    assert (available(shop, "BELL"), available(shop, "RETRO-CLOCK")) == (7, 5)


def test_a_cart_with_a_bundle_is_bought_with_its_components(shop: Shopfront) -> None:
    cart = shop.cart_with(("CLOCK-SET", 1), ("RETRO-CLOCK", 2))
    assert shop.check_out(cart).status_code == 201
    assert (shop.stock("RETRO-CLOCK")["on_hand"], shop.stock("BELL")["on_hand"]) == (2, 5)


def test_a_component_may_be_sold_in_bundles_only(shop: Shopfront) -> None:
    shop.sell("BELL", quantity=0, status="draft")
    assert kind_of(shop.buy(("BELL", 1))) == "product-unavailable"
    assert shop.buy(("CLOCK-SET", 1), key="set").status_code == 201


def test_thirty_buyers_of_bundles_and_components_never_oversell(shop: Shopfront) -> None:
    orders = [order_body(("CLOCK-SET", 1)) if number % 2 else order_body(("BELL", 1)) for number in range(30)]
    answers = shop.at_once(
        [("POST", "/v1/orders", {"json": order, "headers": keyed(f"k{n}")}) for n, order in enumerate(orders)]
    )
    bought = [answer.json()["lines"][0]["sku"] for answer in answers if answer.status_code == 201]
    taken = bought.count("BELL") + 2 * bought.count("CLOCK-SET")
    assert shop.stock("BELL") | {"on_hand": 7 - taken, "reserved": 0} == shop.stock("BELL")
    assert taken >= 6
