"""The demo catalogue is the same everywhere, and fit for the API that it goes through."""

import hashlib
import json

from serve.demo import HERO, rows


def test_the_catalogue_is_the_same_on_every_machine() -> None:
    digest = hashlib.sha256(json.dumps(list(rows(500)), sort_keys=True).encode()).hexdigest()
    assert digest == "ac2beaa1b92bcc4ebcd6742a1372da142da3fae2ef38369b728a94f2f990df47"


def test_skus_are_unique_and_the_clock_comes_first() -> None:
    skus = [row["sku"] for row in rows(2_000)]
    assert skus[0] == HERO
    assert len(set(skus)) == len(skus) == 2_000


def test_a_longer_catalogue_begins_with_the_shorter_one() -> None:
    assert list(rows(20)) == list(rows(500))[:20]


def test_no_products_are_asked_for_by_zero() -> None:
    assert list(rows(0)) == []


def test_everything_can_be_bought() -> None:
    for row in rows(500):
        assert row["quantity"] > 0
        assert row["price"]["amount"] > 0
