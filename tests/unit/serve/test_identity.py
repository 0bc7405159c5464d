"""Names made from secrets."""

import re

from serve.api.bounds import CART_ID_PATTERN, ORDER_ID_PATTERN
from serve.identity import access_token_of, fingerprint_of, is_same, order_id_of, receipt_id_of, successor_cart_id_of

SECRET, OTHER = bytes(32), bytes(range(32))


def test_a_key_makes_one_order_id_that_only_the_secret_tells() -> None:
    assert order_id_of(SECRET, "key") == order_id_of(SECRET, "key")
    assert len({order_id_of(SECRET, "key"), order_id_of(OTHER, "key"), order_id_of(SECRET, "key2")}) == 3
    assert re.match(ORDER_ID_PATTERN, order_id_of(SECRET, "key"))


def test_every_purpose_has_names_of_its_own() -> None:
    order_id = order_id_of(SECRET, "key")
    assert access_token_of(SECRET, order_id) != access_token_of(OTHER, order_id)
    assert order_id_of(SECRET, order_id).removeprefix("ord_") not in access_token_of(SECRET, order_id)
    assert receipt_id_of("RETRO-CLOCK", "key") != receipt_id_of("BRASS-LAMP", "key")


def test_a_bought_cart_has_one_successor() -> None:
    successor = successor_cart_id_of(SECRET, "cart_a", "ord_1")
    assert re.match(CART_ID_PATTERN, successor)
    assert successor == successor_cart_id_of(SECRET, "cart_a", "ord_1")
    assert successor != successor_cart_id_of(SECRET, "cart_a", "ord_2")


def test_a_fingerprint_tells_requests_apart() -> None:
    told = {fingerprint_of(route, cart, body) for route in "ab" for cart in "cd" for body in ({"q": 1}, {"q": 2})}
    assert len(told) == 8


def test_secrets_of_any_text_are_compared() -> None:
    assert is_same("schlüssel", "schlüssel")
    assert not is_same("schlüssel", "key")
