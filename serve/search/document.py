"""What of a product can be found, by which words and facets: the one place that reads a product for search."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.product import ProductView

from .surroundings import NOWHERE, Place

LONGEST_FACET = 100
"""Characters of a value that can be chosen as a facet; longer ones are prose, and only searched."""
LONGEST_ATTRIBUTE = 500
"""Characters of an attribute that are searched."""
CODES = ("barcode", "ean", "gtin", "mpn", "isbn", "upc")
"""Attributes that identify: found by typing them, and no text."""
UNSEARCHED = frozenset({"handle", *CODES})
TYPES = ("type", "product_type", "product type")
"""Attributes in which shops write what a thing is."""

_SEGMENTS = re.compile(
    r"[,;:()\[\]/|\"–—•]|\s-\s|\bf/|\b(?:for|with|without|w/|replaces|and|to|in|of)\b", re.IGNORECASE
)
"""A noun phrase never goes across one of these: "case for phone" is a case."""
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """A product as the index sees it: texts that are searched, and values that are counted, sorted and filtered by."""

    sku: str
    title: str
    body: str
    vendor: str
    types: str
    """What the product is, in the words of categories and types."""
    attribute_text: str
    heads: str
    """The nouns that name the product: the last word of each noun phrase at the front of title and body."""
    codes: tuple[str, ...]
    category: tuple[str, ...]
    """Every step of the paths with those before it: `Home`, `Home > Clocks`."""
    facets: Mapping[str, str | float]
    price: int
    currency: str
    in_stock: bool
    newness: int


def document_of(product: ProductView, in_stock: bool, place: Place = NOWHERE) -> SearchDocument | None:
    """The document of a product, or None if nobody may find it.

    Where it stands in the tree counts, by the names of now; the path that it was put with, where it stands nowhere.
    """
    if not product.visible:
        return None
    texts = [str(value)[:LONGEST_ATTRIBUTE] for name, value in product.attributes.items() if _is_text(name, value)]
    paths = place.categories or (product.category,)
    named = [*product.category, *(name for path in paths for name in path)]
    types = [*named, *(str(product.attributes[name]) for name in TYPES if name in product.attributes)]
    return SearchDocument(
        sku=product.sku,
        title=product.title,
        body=product.description,
        vendor=product.vendor,
        types=" ".join(dict.fromkeys(types)),
        attribute_text=" ".join([*texts, *product.tags, *place.texts]),
        heads=" ".join(heads_of(product.title, product.tags) | heads_of(product.description, product.tags)),
        codes=tuple(_codes(product)),
        category=_steps(paths),
        facets={**place.options, **dict(_facets(product))},
        price=product.price.amount,
        currency=product.price.currency,
        in_stock=in_stock,
        newness=max(product.created_at, product.publish_at),
    )


def heads_of(text: str, modifiers: Iterable[str]) -> set[str]:
    """The words that say what the thing is: those that end a noun phrase in the first segment of the text.

    A figure ends a phrase, and so do colours and the like (`modifiers`) and a capital after a small letter:
    "Acme X1 computer monitor 27 inch" is a monitor, "monitor stand" a stand.
    """
    ending = {word.lower() for modifier in modifiers for word in _WORDS.findall(modifier)}
    heads: set[str] = set()
    before = ""
    for word in _WORDS.findall(_SEGMENTS.split(text, maxsplit=1)[0]):
        ends = word.lower() in ending or any(character.isdigit() for character in word)
        if before and (ends or (word[0].isupper() and before[0].islower())):
            heads.add(before)
        before = "" if ends else word
    if before:
        heads.add(before)
    return heads


def _is_text(name: str, value: Any) -> bool:
    return isinstance(value, str) and name.lower() not in UNSEARCHED and name.lower() not in TYPES


def _codes(product: ProductView) -> Iterable[str]:
    yield product.sku.lower()
    if product.barcode:
        yield product.barcode.lower()
    for name in CODES:
        if value := product.attributes.get(name):
            yield str(value).lower()


def _steps(paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Every step of each path, once."""
    return tuple(dict.fromkeys(" > ".join(path[: depth + 1]) for path in paths for depth in range(len(path))))


def _facets(product: ProductView) -> Iterable[tuple[str, str | float]]:
    for name, value in product.attributes.items():
        if name.lower() in UNSEARCHED:
            continue
        if isinstance(value, bool):
            yield name, "yes" if value else "no"
        elif isinstance(value, int | float):
            yield name, float(value)
        elif isinstance(value, str) and 0 < len(value) <= LONGEST_FACET:
            yield name, value
