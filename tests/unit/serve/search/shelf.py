"""A small shop's products, as search sees them."""

from typing import Any

from engine.money import Money
from engine.product import ProductView
from serve.search.analysis import analysis_of
from serve.search.document import document_of
from serve.search.generation import Generation, Snapshot
from serve.search.request import Found, SearchRequest
from serve.search.searching import search
from serve.search.synonyms import Synonyms
from serve.search.weights import Weights

ENGLISH = analysis_of("english")


def product(sku: str, title: str, amount: int = 1_999, **fields: Any) -> ProductView:
    values: dict[str, Any] = {
        "version": 1,
        "description": "",
        "category": (),
        "vendor": "",
        "tags": (),
        "images": (),
        "attributes": {},
        **fields,
    }
    return ProductView(sku=sku, title=title, price=Money(amount, "USD"), **values)


class Shelf:
    """Products in an index, and searches of it."""

    def __init__(self, *products: ProductView, sold_out: tuple[str, ...] = ()) -> None:
        self.products = {one.sku: one for one in products}
        generation = Generation(ENGLISH)
        for one in products:
            document = document_of(one, one.sku not in sold_out)
            assert document is not None
            generation.put(document)
        self.snapshot: Snapshot = generation.commit()

    def find(self, text: str = "", synonyms: Synonyms | None = None, **choices: Any) -> Found:
        synonyms = synonyms or Synonyms.common(ENGLISH)
        return search(self.snapshot, synonyms, Weights(), SearchRequest(text, **choices), self.products.get)

    def skus(self, text: str = "", **choices: Any) -> list[str]:
        return list(self.find(text, **choices).skus)
