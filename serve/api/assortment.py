"""Pages of products that belong together: in a category, in a collection. Bounded work for each page, however rare
what belongs there is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from engine.category_tree import CATEGORY_TREE, Taxonomy
from engine.collection import CollectionPut, belongs
from engine.product import ProductView

from ..assortment import CategoryTree, Facet
from ..shop import Shop

MOST_EXAMINED = 2_000
"""Products that are looked at for one page; what is left of the page then is for the next."""


class Found(NamedTuple):
    """Products, and the cursor's key that the next page begins after; None at the end."""

    products: list[ProductView]
    after: str | None


def taxonomy_of(shop: Shop) -> Taxonomy:
    """The tree of categories, as it is now."""
    return shop.tables[CATEGORY_TREE].follower(CategoryTree).taxonomy


def in_category(shop: Shop, category_id: str, after: str, limit: int) -> Found:
    """Products on sale in the category or below it, by their SKU."""
    facets = [("category", id) for id in taxonomy_of(shop).within(category_id)]
    return _page(shop, shop.catalogue.facets.after(facets, after), limit, lambda product: True)


def in_collection(shop: Shop, collection: CollectionPut, after: str, limit: int) -> Found:
    """Products on sale in the collection: picked ones in their order, others by their SKU."""
    if not collection.rules:
        return _picked(shop, collection.skus, after, limit)
    tree = taxonomy_of(shop)
    candidates = _candidates(shop, collection, tree, after)
    return _page(shop, candidates, limit, lambda product: belongs(collection, product, tree))


def _page(shop: Shop, skus: Iterator[str], limit: int, accept: Callable[[ProductView], bool]) -> Found:
    found: list[ProductView] = []
    last = ""
    for sku in islice(skus, MOST_EXAMINED):
        if len(found) == limit:
            return Found(found, last)
        last = sku
        product = shop.catalogue.product(sku)
        if product is not None and product.visible and accept(product):
            found.append(product)
    return Found(found, last if next(skus, None) is not None else None)


def _picked(shop: Shop, skus: Sequence[str], after: str, limit: int) -> Found:
    found: list[ProductView] = []
    # The cursor has both the place and the SKU there: one that was taken out or moved since loses nobody their place.
    place, _, sku = after.partition(":")
    start = skus.index(sku) + 1 if sku in skus else int(place) if place.isdecimal() and sku else 0
    for number in range(start, len(skus)):
        if len(found) == limit:
            return Found(found, f"{number - 1}:{skus[number - 1]}")
        product = shop.catalogue.product(skus[number])
        if product is not None and product.visible:
            found.append(product)
    return Found(found, None)


def _candidates(shop: Shop, collection: CollectionPut, tree: Taxonomy, after: str) -> Iterator[str]:
    """SKUs that the rules may choose: from an index where one narrows them down, else all."""
    narrow = [list(_facets(rule.field, rule.value, tree)) for rule in collection.rules if rule.operator == "is"]
    facets = shop.catalogue.facets
    if collection.match_any and len(narrow) == len(collection.rules):
        return facets.after([facet for one in narrow for facet in one], after)
    if narrow and not collection.match_any:
        return facets.after(min(narrow, key=lambda one: sum(map(facets.count, one))), after)
    return shop.catalogue.skus_after(after)


def _facets(field: str, value: str, tree: Taxonomy) -> Iterable[Facet]:
    return [("category", id) for id in tree.within(value)] if field == "category" else [(field, value)]
