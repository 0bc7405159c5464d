"""Finding products: anyone asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from ...search.cursor import DEEPEST, cursor_of, offset_of
from ...search.errors import BadCursor, Busy, NotIndexed
from ...search.highlighting import highlighted
from ...search.request import Found, SearchRequest, Sort
from ...shop import Shop
from ..answers import shaped
from ..bounds import DEFAULT_PAGE, MAX_AMOUNT, MAX_LABEL_LENGTH
from ..choices import attribute_choices
from ..cursors import Cursor, Limit
from ..openapi import problems
from ..problems import ProblemError
from ..product_answer import shown_products
from ..queries import Currency, TheGroups
from ..routing import StrictRoute, TheShop, router_of
from ..schemas.catalogue import Product
from ..schemas.common import Label
from ..schemas.search import (
    Highlights,
    SearchFacet,
    SearchHit,
    SearchResults,
    Suggestion,
    Suggestions,
)

router = router_of(StrictRoute, "search")

MAX_QUESTION_LENGTH = 500
"""Characters."""
MAX_CHOICES = 5
"""Values of one kind that are chosen."""
MAX_ATTRIBUTES = 8
MAX_ATTRIBUTE_LENGTH = 120
MAX_CATEGORIES = 4
MAX_PATH_LENGTH = 300
"""Characters of a chosen category's path. HAProxy reads 16 KB of an address; a character can take 12 of them."""
FACET_PATTERN = rf"^(category|vendor|price|availability|attributes|attribute:.{{1,{MAX_LABEL_LENGTH}}})$"

Question = Annotated[str, Query(max_length=MAX_QUESTION_LENGTH, description="What is looked for; empty to browse.")]
Amount = Annotated[int | None, Query(ge=0, le=MAX_AMOUNT, description="Minor units of the product's own price.")]
Categories = Annotated[
    list[Annotated[str, Field(max_length=MAX_PATH_LENGTH)]],
    Query(
        max_length=MAX_CATEGORIES,
        default_factory=list,
        description="One of these paths, such as `Home > Clocks`, or below it.",
    ),
]
Vendors = Annotated[list[Label], Query(max_length=MAX_CHOICES, default_factory=list, description="One of these.")]
Attributes = Annotated[
    list[Annotated[str, Field(max_length=MAX_ATTRIBUTE_LENGTH)]],
    Query(
        max_length=MAX_ATTRIBUTES,
        default_factory=list,
        description="`colour:red` (again for another value of it), or figures from to: `weight_g:100..500`.",
    ),
]
Facets = Annotated[
    list[Annotated[str, Field(pattern=FACET_PATTERN)]],
    Query(
        max_length=MAX_CHOICES,
        default_factory=list,
        description="What to count; `attributes` are those that tell most.",
    ),
]


@router.get("/v1/search", response_model=SearchResults, responses=problems())
async def search_products(
    *,
    shop: TheShop,
    groups: TheGroups,
    q: Question = "",
    category: Categories,
    vendor: Vendors,
    attribute: Attributes,
    price_min: Amount = None,
    price_max: Amount = None,
    in_stock: Annotated[bool | None, Query(description="Only what can be bought now, or only what can't.")] = None,
    facet: Facets,
    sort: Sort = Sort.RELEVANCE,
    currency: Currency = "",
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = "",
) -> Response:
    """Products that match every word, then, if these are few, those that match some. Sold out ones are found, too."""
    values, figures = attribute_choices(attribute)
    request = SearchRequest(
        text=q,
        categories=tuple(category),
        vendors=tuple(vendor),
        attributes=values,
        figures=figures,
        price_min=price_min,
        price_max=price_max,
        # Figures of different currencies can't be compared.
        currency=currency if price_min is not None or price_max is not None or "price" in sort else "",
        in_stock=in_stock,
        facets=tuple(facet),
        sort=sort,
        limit=limit,
    )
    async with _searching():
        request = replace(request, offset=offset_of(shop.secret, _identity(request), cursor))
        found = await shop.search.find(request)
    return shaped(
        SearchResults.model_construct(
            items=await _hits(shop, found, currency, groups),
            total=found.total,
            facets=[SearchFacet.of(one) for one in found.facets],
            corrected=found.corrected,
            next_cursor=_next_cursor(shop, request, found),
        )
    )


@router.get("/v1/search/suggest", response_model=Suggestions, responses=problems())
async def suggest_products(
    shop: TheShop,
    q: Annotated[str, Query(max_length=MAX_QUESTION_LENGTH, description="What was typed so far.")],
    limit: Annotated[int, Query(ge=1, le=20, description="Texts, and as many products.")] = 8,
) -> Response:
    """Completions of the last word that products have with the words before it, and products to go to at once."""
    async with _searching():
        suggested = await shop.search.suggest(q, limit)
    products = [product for sku in suggested.skus if (product := shop.catalogue.product(sku)) is not None]
    shown = [Suggestion.model_construct(sku=one.sku, title=one.title) for one in products if one.visible]
    return shaped(Suggestions.model_construct(texts=list(suggested.texts), products=shown))


@asynccontextmanager
async def _searching() -> AsyncIterator[None]:
    """What keeps a search from being answered, as a problem."""
    try:
        yield
    except NotIndexed as error:
        raise _later("not-ready", "The search index is being built.", error.retry_after_s) from error
    except Busy as error:
        raise _later("overloaded", "", error.retry_after_s) from error
    except BadCursor as error:
        detail = "This is no cursor of this search: take `next_cursor` of the page before, and change nothing else."
        errors = [{"in": "query", "name": "cursor", "detail": detail}]
        raise ProblemError("invalid-request", detail, {"errors": errors}) from error


def _later(name: str, detail: str, retry_after_s: int) -> ProblemError:
    return ProblemError(name, detail, headers={"retry-after": str(retry_after_s)})


async def _hits(shop: Shop, found: Found, currency: str, groups: tuple[str, ...]) -> list[SearchHit]:
    # What was taken out of the shop this very moment is in the index for another.
    known = (shop.catalogue.product(sku) for sku in found.skus)
    shown = await shown_products(shop, [one for one in known if one is not None and one.visible], currency, groups)
    return [
        SearchHit.model_construct(product=product, highlights=_highlights(shop, product, found)) for product in shown
    ]


def _highlights(shop: Shop, product: Product, found: Found) -> Highlights:
    title, description = (
        highlighted(shop.search.analysis, text, found.stems) for text in (product.title, product.description)
    )
    return Highlights.model_construct(title=title, description=description)


def _next_cursor(shop: Shop, request: SearchRequest, found: Found) -> str | None:
    following = request.offset + request.limit
    if following >= min(found.total, DEEPEST):
        return None
    return cursor_of(shop.secret, _identity(request), following)


def _identity(request: SearchRequest) -> str:
    """What must stay the same from page to page."""
    return repr(replace(request, offset=0, limit=0, facets=()))
