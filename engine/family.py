"""Product families: one page for SKUs that differ in options, such as colour and size; key is the address's handle.

Each variant is a SKU, with a price, a stock and a life of its own; the family says which there are and what tells them
apart. It decides that no two have the same options.
"""

from .document import document_kind
from .kernel import Event, Instant, Message, Rejected, invalid
from .publication import Stage, Status, fault_of_window, stage_at

MOST_OPTIONS = 5

MOST_VALUES = 250
"""Of one option."""

MOST_VARIANTS = 2_000

MOST_ITEMS = 250
"""Tags, images or categories."""

LONGEST_TEXT = 500
"""Characters of a title, a name, a value."""

LONGEST_DESCRIPTION = 100_000
"""Characters."""


class Option(Message, frozen=True):
    """What variants differ in, and in which order its values are shown."""

    name: str
    values: tuple[str, ...]


class Variant(Message, frozen=True):
    """A SKU and its value of each option, in the order of the options."""

    sku: str
    values: tuple[str, ...]


class FamilyPut(Event, frozen=True):
    """The page is now this. One that has `moved_to` is nothing but the way to its new handle."""

    title: str
    options: tuple[Option, ...] = ()
    variants: tuple[Variant, ...] = ()
    description: str = ""
    vendor: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    image_alts: tuple[str, ...] = ()
    seo_title: str = ""
    seo_description: str = ""
    status: str = Status.ACTIVE
    publish_at: Instant = 0
    unpublish_at: Instant = 0
    moved_to: str = ""


def is_shown(family: FamilyPut, now: Instant) -> bool:
    """Whether shoppers see the page at `now`."""
    return stage_at(family.status, family.publish_at, family.unpublish_at, now) is Stage.PUBLISHED


def _misshapen(key: str, family: FamilyPut, _now: Instant) -> Rejected | None:
    if not 0 < len(family.title) <= LONGEST_TEXT:
        return invalid("title", f"have 1 to {LONGEST_TEXT} characters")
    if family.moved_to == key:
        return invalid("moved_to", "be another handle")
    if len(family.description) > LONGEST_DESCRIPTION:
        return invalid("description", f"have at most {LONGEST_DESCRIPTION} characters")
    if max(len(family.vendor), len(family.seo_title), len(family.seo_description)) > LONGEST_TEXT:
        return invalid("seo_title", f"have at most {LONGEST_TEXT} characters, like vendor and seo_description")
    for field in ("categories", "tags", "images", "image_alts"):
        if len(getattr(family, field)) > MOST_ITEMS:
            return invalid(field, f"have at most {MOST_ITEMS} items")
    if fault := fault_of_window(family.status, family.publish_at, family.unpublish_at):
        return invalid(*fault)
    return _unfit_options(family.options) or _unfit_variants(family)


def _unfit_options(options: tuple[Option, ...]) -> Rejected | None:
    if len(options) > MOST_OPTIONS or len({option.name for option in options}) < len(options):
        return invalid("options", f"be at most {MOST_OPTIONS}, each name once")
    for option in options:
        if not 0 < len(option.values) <= MOST_VALUES or len(set(option.values)) < len(option.values):
            return invalid("options", f"have 1 to {MOST_VALUES} values, each once")
        if not all(0 < len(text) <= LONGEST_TEXT for text in (option.name, *option.values)):
            return invalid("options", f"have texts of 1 to {LONGEST_TEXT} characters")
    return None


def _unfit_variants(family: FamilyPut) -> Rejected | None:
    if len(family.variants) > MOST_VARIANTS:
        return invalid("variants", f"be at most {MOST_VARIANTS}")
    skus = {variant.sku for variant in family.variants}
    if len(skus) < len(family.variants) or "" in skus:
        return invalid("variants", "name each SKU once")
    if len({variant.values for variant in family.variants}) < len(family.variants):
        return invalid("variants", "differ in their options")
    for variant in family.variants:
        if len(variant.values) != len(family.options):
            return invalid("variants", "have one value of each option")
        if not all(value in option.values for value, option in zip(variant.values, family.options, strict=True)):
            return invalid("variants", "have values that their options have")
    return None


FAMILY = document_kind("family", FamilyPut, _misshapen)
