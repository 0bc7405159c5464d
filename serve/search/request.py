"""What a search asks for and what it finds, in plain values; the HTTP contract is made from them."""

from dataclasses import dataclass, field
from enum import StrEnum


class Sort(StrEnum):
    RELEVANCE = "relevance"
    PRICE = "price"
    PRICE_DESCENDING = "-price"
    NEWEST = "newest"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Between:
    """Figures from `least` to `most`, both included; None is no bound."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question with choices. Values of one facet are alternatives; different facets narrow each other."""

    text: str = ""
    categories: tuple[str, ...] = ()
    """Paths such as `Home > Clocks`; what is below one belongs to it."""
    vendors: tuple[str, ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    figures: tuple[tuple[str, Between], ...] = ()
    price_min: int | None = None
    price_max: int | None = None
    """Minor units."""
    currency: str = ""
    in_stock: bool | None = None
    facets: tuple[str, ...] = ()
    """`category`, `vendor`, `price`, `availability`, `attributes` for the most telling ones, `attribute:NAME`."""
    sort: Sort = Sort.RELEVANCE
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Bucket:
    """A value and how many of the products found have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Range:
    """Figures from `least` up to, but without, `most`; how many products lie there."""

    least: float | None
    most: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """What the products found are like in one respect."""

    name: str
    buckets: tuple[Bucket, ...] = ()
    ranges: tuple[Range, ...] = ()
    least: float | None = None
    most: float | None = None
    estimated: bool = False
    """Counted in a part of the products, and told for all."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of an answer; `skus` are in their order, `total` counts all pages."""

    skus: tuple[str, ...]
    total: int
    facets: tuple[Facet, ...] = ()
    corrected: dict[str, str] = field(default_factory=dict)
    stems: frozenset[str] = frozenset()
    """What a match may consist of: for highlighting."""
