"""Collections: products that are shown together, picked by hand or by rules; key is the handle in its address."""

from .category_tree import Taxonomy
from .document import document_kind
from .kernel import Event, Instant, Message, Rejected, invalid
from .product import ProductView
from .publication import Stage, Status, fault_of_window, stage_at

MOST_PICKED = 2_000
"""Products of a collection that are picked by hand."""

MOST_RULES = 50

LONGEST_TEXT = 255
"""Characters of a title, a rule's value, an alternative text."""

LONGEST_DESCRIPTION = 50_000
"""Characters."""

LONGEST_URL = 2_048
"""Characters."""

FIELDS = {
    "tag": ("is", "is-not"),
    "vendor": ("is", "is-not"),
    "category": ("is", "is-not"),
    "price": ("below", "above"),
}
"""What rules look at, and how. A category holds what is below it, too; a price is compared in its currency only."""


class Rule(Message, frozen=True):
    """Such as ("tag", "is", "retro"), or ("price", "below", "USD", 2000): strictly below, in minor units."""

    field: str
    operator: str
    value: str
    amount: int = 0


class CollectionPut(Event, frozen=True):
    """The products of `skus` in this order or, if there are rules, all that fulfil all of them (`match_any`: one)."""

    title: str
    description: str = ""
    image: str = ""
    image_alt: str = ""
    skus: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    match_any: bool = False
    status: str = Status.ACTIVE
    publish_at: Instant = 0
    unpublish_at: Instant = 0


def is_shown(collection: CollectionPut, now: Instant) -> bool:
    """Whether shoppers see it at `now`."""
    return stage_at(collection.status, collection.publish_at, collection.unpublish_at, now) is Stage.PUBLISHED


def belongs(collection: CollectionPut, product: ProductView, tree: Taxonomy) -> bool:
    """Whether the rules choose the product."""
    chosen = (_fulfils(rule, product, tree) for rule in collection.rules)
    return any(chosen) if collection.match_any else all(chosen)


def _fulfils(rule: Rule, product: ProductView, tree: Taxonomy) -> bool:
    if rule.field == "price":
        price = product.price
        if price.currency != rule.value:
            return False
        return price.amount < rule.amount if rule.operator == "below" else price.amount > rule.amount
    if rule.field == "tag":
        holds = rule.value in product.tags
    elif rule.field == "vendor":
        holds = rule.value == product.vendor
    else:
        holds = tree.is_within(product.categories, rule.value)
    return holds is (rule.operator == "is")


def _misshapen(key: str, collection: CollectionPut, _now: Instant) -> Rejected | None:
    if not key or not 0 < len(collection.title) <= LONGEST_TEXT or len(collection.image_alt) > LONGEST_TEXT:
        return invalid("title", f"have 1 to {LONGEST_TEXT} characters")
    if len(collection.description) > LONGEST_DESCRIPTION or len(collection.image) > LONGEST_URL:
        return invalid("description", f"have at most {LONGEST_DESCRIPTION} characters")
    if len(collection.skus) > MOST_PICKED or len(set(collection.skus)) < len(collection.skus):
        return invalid("skus", f"be at most {MOST_PICKED}, each once")
    if len(collection.rules) > MOST_RULES or (collection.rules and collection.skus):
        return invalid("rules", f"be at most {MOST_RULES}, and none beside skus")
    for rule in collection.rules:
        if rule.operator not in FIELDS.get(rule.field, ()):
            return invalid("rules", "look at a known field in a known way")
        if not 0 < len(rule.value) <= LONGEST_TEXT or rule.amount < 0:
            return invalid("rules", f"have a value of 1 to {LONGEST_TEXT} characters and no negative amount")
    if fault := fault_of_window(collection.status, collection.publish_at, collection.unpublish_at):
        return invalid(*fault)
    return None


COLLECTION = document_kind("collection", CollectionPut, _misshapen)
