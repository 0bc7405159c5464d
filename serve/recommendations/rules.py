"""What the merchant's rules make of a list: pinned first, buried last, excluded never, not too many of a category."""

from collections import Counter
from collections.abc import Iterable, Mapping

from engine.product import ProductView
from engine.recommendation_rules import (
    EVERYWHERE,
    RECOMMENDATION_RULES,
    THE_RULES,
    PlacementRules,
    RecommendationRules,
    Selection,
)

from ..tables import Tables

NO_RULES = PlacementRules()


class Chosen:
    """Products that a rule selects."""

    def __init__(self, selection: Selection) -> None:
        self._skus = frozenset(selection.skus)
        self._categories = frozenset(selection.categories)
        self._vendors = frozenset(selection.vendors)
        self.any = bool(self._skus or self._categories or self._vendors)

    def has(self, product: ProductView) -> bool:
        return (
            product.sku in self._skus
            or product.vendor in self._vendors
            or not self._categories.isdisjoint(product.categories)
        )


class Rules:
    """The rules of one placement, ready to be used."""

    def __init__(self, rules: PlacementRules) -> None:
        self.pinned = rules.pin
        self._bury = Chosen(rules.bury)
        self._exclude = Chosen(rules.exclude)
        self._most = rules.most_of_a_category

    def allows(self, product: ProductView) -> bool:
        """Whether it may be shown at all."""
        return not (self._exclude.any and self._exclude.has(product))

    def arranged(self, products: Iterable[ProductView], limit: int) -> list[ProductView]:
        """The first `limit` of them by these rules; what is one too many of its category is left out."""
        kept: list[ProductView] = []
        last: list[ProductView] = []
        counted: Counter[str] = Counter()
        for product in products:
            if self._bury.any and self._bury.has(product):
                last.append(product)
                continue
            if self._most:
                category = category_of(product)
                counted[category] += 1
                if category and counted[category] > self._most:
                    continue
            kept.append(product)
            if len(kept) == limit:
                return kept
        return (kept + last)[:limit]


class RuleBook:
    """The rules of each placement, derived again when the document has changed."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables[RECOMMENDATION_RULES]
        self._seen = -1
        self._placements: dict[str, Rules] = {}
        self._everywhere = Rules(NO_RULES)

    def of(self, placement: str) -> Rules:
        if self._table.changes != self._seen:
            self._seen = self._table.changes
            content: RecommendationRules | None = self._table.get(THE_RULES)
            given: Mapping[str, PlacementRules] = content.placements if content is not None else {}
            self._placements = {name: Rules(rules) for name, rules in given.items()}
            self._everywhere = self._placements.get(EVERYWHERE, Rules(NO_RULES))
        return self._placements.get(placement, self._everywhere)


def category_of(product: ProductView) -> str:
    """The category that a product is counted by: its main one."""
    return product.categories[0] if product.categories else " > ".join(product.category)
