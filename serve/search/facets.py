"""Counting what the products found are like: one pass over them for all facets without a choice of their own."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tantivy import Query

from engine.product import ProductView

from .document import LONGEST_FACET, UNSEARCHED
from .filters import ATTRIBUTE, restricted
from .generation import Snapshot
from .ranking import Finder, count
from .request import Bucket, Facet, Range
from .schema import PARTS, PRICE_STEPS, WHOLE

BUCKETS = 20
"""Values of a facet, the most frequent first."""
ATTRIBUTES_SHOWN = 6
"""Attributes that are chosen by themselves: those that most of the page's products have."""
MIN_COVERAGE = 0.3
"""An attribute tells little about products of which so few have it."""
COUNTED_EXACTLY = 10_000
"""Products. Of more, the largest part of theirs is counted that holds no more, at least 2,500: 19 of 20 counts are then
within 2 % of all products found. Nobody chooses by the difference, and it would take longer than to find them."""

ProductOf = Callable[[str], ProductView | None]


def expanded(names: Iterable[str], page: Iterable[str], product_of: ProductOf) -> list[str]:
    """The facets that are meant: `attributes` are those that tell most about the page's products."""
    found: list[str] = []
    for name in names:
        found += _telling(page, product_of) if name == "attributes" else [name]
    return list(dict.fromkeys(found))


def counted(
    snapshot: Snapshot, finder: Finder, filters: Mapping[str, Query], names: Sequence[str], total: int
) -> list[Facet]:
    """The facets in the order of `names`. A facet with a choice is counted as if there were none: to choose again."""
    plain = [name for name in names if name not in filters]
    found = _aggregate(snapshot, finder, list(filters.values()), plain, total)
    for name in names:
        if name in filters:
            others = [one for facet, one in filters.items() if facet != name]
            without = count(snapshot.searcher, restricted(finder(WHOLE), others))
            found |= _aggregate(snapshot, finder, others, [name], without)
    return [found[name] for name in names if name in found]


def _telling(page: Iterable[str], product_of: ProductOf) -> list[str]:
    products = [product for sku in page if (product := product_of(sku)) is not None]
    counts = Counter(
        name
        for product in products
        for name, value in product.attributes.items()
        if name.lower() not in UNSEARCHED and not (isinstance(value, str) and len(value) > LONGEST_FACET)
    )
    most = counts.most_common(ATTRIBUTES_SHOWN)
    return [ATTRIBUTE + name for name, count in most if count >= MIN_COVERAGE * len(products)]


def _aggregate(
    snapshot: Snapshot, finder: Finder, filters: Sequence[Query], names: Sequence[str], total: int
) -> dict[str, Facet]:
    asked = {key: body for name in names for key, body in _asked(snapshot, name)}
    if not asked:
        return {name: Facet(name) for name in names}
    part = _part_for(total)
    told = snapshot.searcher.aggregate(restricted(finder(part), filters), asked)
    return {name: _facet(name, told, part) for name in names}


def _part_for(total: int) -> int:
    """The largest part in which no more than may be counted are to be expected."""
    return next((part for part in (WHOLE, *PARTS) if total <= part * COUNTED_EXACTLY), PARTS[-1])


def _asked(snapshot: Snapshot, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if name == "price":
        yield f"{name}|ranges", {"terms": {"field": "price_range", "size": len(PRICE_STEPS) + 1}}
        yield f"{name}|stats", {"stats": {"field": "price"}}
    elif name.startswith(ATTRIBUTE):
        column = snapshot.column_of(name.removeprefix(ATTRIBUTE))
        if column is not None and column.has_texts:
            yield f"{name}|values", {"terms": {"field": f"facets.{column.texts}", "size": BUCKETS}}
        if column is not None and column.has_figures:
            yield f"{name}|stats", {"stats": {"field": f"facets.{column.figures}"}}
    else:
        field = {"vendor": "vendor_name", "availability": "in_stock"}.get(name, name)
        yield f"{name}|values", {"terms": {"field": field, "size": BUCKETS}}


def _facet(name: str, told: Mapping[str, Any], times: int) -> Facet:
    """The facet as the index told of it, its counts so many times: each product counted stands for so many."""

    def estimate(bucket: Mapping[str, Any]) -> int:
        return int(bucket["doc_count"]) * times

    values = told.get(f"{name}|values", {}).get("buckets", ())
    stats = told.get(f"{name}|stats", {})
    ranges = told.get(f"{name}|ranges", {}).get("buckets", ())
    return Facet(
        name,
        tuple(
            Bucket(str(bucket.get("key_as_string", bucket["key"])), estimate(bucket))
            for bucket in values
            if bucket["key"] != ""
        ),
        tuple(
            _price_range(int(bucket["key"]), estimate(bucket)) for bucket in sorted(ranges, key=lambda one: one["key"])
        ),
        stats.get("min"),
        stats.get("max"),
        estimated=times > 1,
    )


def _price_range(number: int, count: int) -> Range:
    least = PRICE_STEPS[number - 1] if number else None
    return Range(least, PRICE_STEPS[number] if number < len(PRICE_STEPS) else None, count)
