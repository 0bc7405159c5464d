"""What docs/catalogue.md shows is what works: its requests are sent, in their order."""

import json
import re
from pathlib import Path

from .shopfront import Shopfront

PAGE = Path(__file__).parents[3] / "docs" / "catalogue.md"
REQUEST = re.compile(r"^(GET|PUT|POST|DELETE) (/\S+)\n((?:[{ ].*\n)+)", re.MULTILINE)
"""A line of method and path, and the lines of its body."""
SHOWN = 13


def test_the_requests_of_the_page_are_answered(shop: Shopfront) -> None:
    requests = REQUEST.findall(PAGE.read_text())
    assert len(requests) == SHOWN
    for method, path, body in requests:
        answer = shop.request(method, path, json=json.loads(body), admin=True)
        assert answer.status_code in (200, 201), f"{method} {path}: {answer.text}"
    family = shop.get("/v1/families/retro-alarm-clock").json()
    assert [variant["options"]["Colour"] for variant in family["variants"]] == ["red", "blue"]
    assert [item["sku"] for item in shop.get("/v1/collections/retro/products").json()["items"]] == ["RETRO-CLOCK"]
    assert [item["sku"] for item in shop.get("/v1/categories/gifts/products").json()["items"]] == ["RETRO-CLOCK"]
    ada = shop.token("acc_ada")
    found = shop.get("/v1/products/RETRO-CLOCK?currency=EUR", headers=ada).json()
    assert found["price"] == {"amount": 1599, "currency": "EUR"}
