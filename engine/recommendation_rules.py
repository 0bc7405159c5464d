"""What the merchant wants of recommendations, whatever a model says: one document for all placements."""

from .document import document_kind
from .kernel import Event, Instant, Message, Rejected, invalid

THE_RULES = "rules"
"""The document's key: there is one."""
EVERYWHERE = "everywhere"
"""The rules of a placement that has none of its own."""
MOST_PLACEMENTS = 20
MOST_PINNED = 20
MOST_SELECTED = 1_000
"""SKUs, categories or vendors of one selection."""
LONGEST_NAME = 255
"""Characters of each of them."""


class Selection(Message, frozen=True):
    """Products: by SKU, by category (what stands below it is not meant), by vendor."""

    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()


class PlacementRules(Message, frozen=True):
    """The rules of one placement: `pin` comes first in this order, `bury` last, `exclude` never; of a category
    `most_of_a_category` at most (0: no limit), what is pinned aside."""

    pin: tuple[str, ...] = ()
    bury: Selection = Selection()
    exclude: Selection = Selection()
    most_of_a_category: int = 0


class RecommendationRules(Event, frozen=True):
    """The rules by placement; those of `EVERYWHERE` are for all others."""

    placements: dict[str, PlacementRules] = {}


def _check(_key: str, content: RecommendationRules, _now: Instant) -> Rejected | None:
    if len(content.placements) > MOST_PLACEMENTS:
        return invalid("placements", f"be at most {MOST_PLACEMENTS}")
    for rules in content.placements.values():
        if len(rules.pin) > MOST_PINNED or len(set(rules.pin)) < len(rules.pin):
            return invalid("pin", f"be at most {MOST_PINNED}, each SKU once")
        if rules.most_of_a_category < 0:
            return invalid("most_of_a_category", "be 0 or more")
        if refusal := _misshapen(rules.pin, *_groups(rules.bury), *_groups(rules.exclude)):
            return refusal
    return None


def _groups(selection: Selection) -> tuple[tuple[str, ...], ...]:
    return selection.skus, selection.categories, selection.vendors


def _misshapen(*groups: tuple[str, ...]) -> Rejected | None:
    for names in groups:
        if len(names) > MOST_SELECTED:
            return invalid("selection", f"name at most {MOST_SELECTED} of each sort")
        if not all(0 < len(name) <= LONGEST_NAME for name in names):
            return invalid("selection", f"hold names of 1 to {LONGEST_NAME} characters")
    return None


RECOMMENDATION_RULES = document_kind("recommendation-rules", RecommendationRules, _check)
