"""What is derived from the catalogue as it changes: the tree for readers, which page a SKU is on, which products are in
what. Reading it costs no command."""

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Any

from sortedcontainers import SortedList

from engine.category_tree import Categories, Taxonomy
from engine.family import FamilyPut, Variant
from engine.product import ProductView

Facet = tuple[str, str]
"""What a product is found by: such as ("tag", "retro"), ("vendor", "Tick & Sons"), ("category", "clocks")."""


class CategoryTree:
    """The tree of categories, as it is now."""

    def __init__(self) -> None:
        self.taxonomy = Taxonomy()

    def changed(self, _key: str, _before: Categories | None, after: Categories | None) -> None:
        self.taxonomy = Taxonomy(after.all if after is not None else ())


class Pages:
    """Which family a SKU is a variant of. If several families show it, the one with the first handle is its page."""

    def __init__(self) -> None:
        self._of_sku: dict[str, dict[str, Variant]] = {}

    def of(self, sku: str) -> tuple[str, Variant] | None:
        """The family's handle, and the SKU as a variant of it."""
        found = self._of_sku.get(sku)
        if not found:
            return None
        handle = min(found)
        return handle, found[handle]

    def changed(self, key: str, before: FamilyPut | None, after: FamilyPut | None) -> None:
        for variant in before.variants if before and not before.moved_to else ():
            pages = self._of_sku[variant.sku]
            del pages[key]
            if not pages:
                del self._of_sku[variant.sku]
        for variant in after.variants if after and not after.moved_to else ():
            self._of_sku.setdefault(variant.sku, {})[key] = variant


class Facets:
    """SKUs by facet, in ascending order. Of products on sale: whoever tells of one says what it was before."""

    def __init__(self) -> None:
        self._skus: dict[Facet, Any] = {}

    def changed(self, sku: str, before: ProductView | None, after: ProductView | None) -> None:
        """The product's facets were those of the one, and are those of the other; None: it isn't on sale."""
        old, new = facets_of(before), facets_of(after)
        if old == new:
            return
        for facet in old - new:
            skus = self._skus[facet]
            skus.remove(sku)
            if not skus:
                del self._skus[facet]
        for facet in new - old:
            if facet not in self._skus:
                self._skus[facet] = SortedList()
            self._skus[facet].add(sku)

    def after(self, facets: Iterable[Facet], sku: str) -> Iterator[str]:
        """SKUs greater than `sku` that have one of the facets, in ascending order, each once."""
        lists = [found for facet in dict.fromkeys(facets) if (found := self._skus.get(facet)) is not None]
        last = None
        for found in merge(*(skus.irange(sku, inclusive=(False, False)) for skus in lists)):
            if found != last:
                yield found
            last = found

    def count(self, facet: Facet) -> int:
        """How many SKUs have the facet."""
        return len(self._skus.get(facet, ()))


def facets_of(product: ProductView | None) -> set[Facet]:
    """What the product is found by."""
    if product is None:
        return set()
    facets = {("tag", tag) for tag in product.tags} | {("category", category) for category in product.categories}
    if product.vendor:
        facets.add(("vendor", product.vendor))
    return facets
