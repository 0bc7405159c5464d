"""The contract of search."""

from typing import Annotated

from pydantic import Field

from engine.search_log import NotedQuestion
from engine.search_synonyms import LONGEST_TERM, MOST_GROUPS, MOST_WORDS_OF_A_GROUP, SearchSynonyms

from ...search.facets import COUNTED_EXACTLY
from ...search.request import Bucket, Facet, Range
from ..answers import timestamp
from .catalogue import Product
from .common import Input, Output, Timestamp

ESTIMATED = f"Of more than {COUNTED_EXACTLY:,} products a part of at least 2,500 was counted, and told for all."


class FacetValue(Output):
    """A value and how many of the products found have it."""

    value: str
    count: Annotated[int, Field(ge=0)]

    @classmethod
    def of(cls, bucket: Bucket) -> "FacetValue":
        return cls.model_construct(value=bucket.value, count=bucket.count)


class FacetRange(Output):
    """How many of the products found lie from `least` up to, but without, `most`; null is no bound."""

    least: float | None
    most: float | None
    count: Annotated[int, Field(ge=0)]

    @classmethod
    def of(cls, found: Range) -> "FacetRange":
        return cls.model_construct(least=found.least, most=found.most, count=found.count)


class SearchFacet(Output):
    """What the products found are like in one respect. Its own choice doesn't narrow it, so it can be changed."""

    name: Annotated[str, Field(examples=["vendor", "attribute:colour"])]
    values: Annotated[list[FacetValue], Field(description="The most frequent first.")]
    ranges: list[FacetRange]
    least: float | None
    most: float | None
    estimated: Annotated[bool, Field(description=ESTIMATED)]

    @classmethod
    def of(cls, facet: Facet) -> "SearchFacet":
        return cls.model_construct(
            name=facet.name,
            values=[FacetValue.of(bucket) for bucket in facet.buckets],
            ranges=[FacetRange.of(found) for found in facet.ranges],
            least=facet.least,
            most=facet.most,
            estimated=facet.estimated,
        )


class Highlights(Output):
    """Safe HTML: the texts are escaped, and what was looked for stands in `<mark>`. Empty where nothing matches."""

    title: str
    description: str


class SearchHit(Output):
    """A product that was found."""

    product: Product
    highlights: Highlights


class SearchResults(Output):
    """Products in the order that was asked for."""

    items: list[SearchHit]
    total: Annotated[int, Field(ge=0, description="Of all pages.")]
    facets: list[SearchFacet]
    corrected: Annotated[
        dict[str, str], Field(description="Words that no product has, and those that were looked for instead.")
    ]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


class Suggestion(Output):
    """A product to go to at once."""

    sku: str
    title: str


class Suggestions(Output):
    """What the typed text may become."""

    texts: Annotated[list[str], Field(description="Whole questions, the most frequent words first.")]
    products: list[Suggestion]


class NotedSearch(Output):
    """Something that people looked for."""

    q: str
    times: Annotated[int, Field(ge=1)]
    last_at: Timestamp
    slowest_ms: Annotated[float, Field(ge=0)]

    @classmethod
    def of(cls, noted: NotedQuestion) -> "NotedSearch":
        return cls.model_construct(
            q=noted.text,
            times=noted.times,
            last_at=timestamp(noted.last_at),
            slowest_ms=round(noted.slowest_us / 1_000, 1),
        )


class NotedSearches(Output):
    """What all replicas noted, the others up to a minute ago: searches in all, and questions by how often."""

    searches: Annotated[int, Field(ge=0)]
    items: list[NotedSearch]


Word = Annotated[str, Field(min_length=1, max_length=LONGEST_TERM)]
Words = Annotated[list[Word], Field(min_length=1, max_length=MOST_WORDS_OF_A_GROUP - 1)]


class SynonymsIn(Input):
    """Words that mean the same in this shop. They count from the next search on."""

    groups: Annotated[
        list[Annotated[list[Word], Field(min_length=2, max_length=MOST_WORDS_OF_A_GROUP)]],
        Field(max_length=MOST_GROUPS, examples=[[["fleece", "fleece jacket"]]], description="In all directions."),
    ] = []
    one_way: Annotated[
        dict[Word, Words],
        Field(max_length=MOST_GROUPS, examples=[{"footwear": ["shoes", "boots"]}], description="Only as written."),
    ] = {}
    common: Annotated[bool, Field(description="Whether words that mean the same in any shop count, too.")] = True

    def to_content(self) -> SearchSynonyms:
        groups = tuple(tuple(group) for group in self.groups)
        return SearchSynonyms(groups, {word: tuple(others) for word, others in self.one_way.items()}, self.common)


class Synonyms(SynonymsIn, Output):
    """Words that mean the same in this shop, at a version."""

    version: Annotated[int, Field(ge=0, description="0 before they were first put.")]

    @classmethod
    def at(cls, version: int, content: SearchSynonyms) -> "Synonyms":
        return cls.model_construct(
            groups=[list(group) for group in content.groups],
            one_way={word: list(others) for word, others in content.one_way.items()},
            common=content.common,
            version=version,
        )
