"""Recommendations for whoever asks, and the merchant's rules for them."""

from typing import Annotated, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from engine.document import DocumentView
from engine.recommendation_rules import RECOMMENDATION_RULES, THE_RULES, RecommendationRules

from ..answers import answer, response_of, shaped
from ..auth import ADMIN_KEY
from ..behaviour import objects
from ..bounds import (
    ACCOUNT_ID_PATTERN,
    ANONYMOUS_ID_PATTERN,
    CART_ID_PATTERN,
    MARKET_PATTERN,
    MAX_RECOMMENDATIONS,
    SKU_PATTERN,
)
from ..documents import look_only_document, put_only_document
from ..openapi import body_problems, header, problems
from ..preconditions import IfMatch, version_tag
from ..queries import Currency
from ..recommendations import DEFAULT_LIMIT, Wanted, recommend
from ..routing import MerchantRoute, StrictRoute, ThePrincipal, TheShop, router_of
from ..schemas.recommendations import RecommendationRulesIn, RecommendationRulesOut, Recommended, ServedModels

router = router_of(StrictRoute, "recommendations")
admin_router = router_of(MerchantRoute, "recommendations", "admin", security=ADMIN_KEY)

_TAGGED = {"headers": {"ETag": header("Its version.")}}

Customer = Annotated[
    str | None,
    Query(
        pattern=ACCOUNT_ID_PATTERN,
        description="An account's id: your own, which a token says anyway, or for the staff.",
    ),
]
AnonymousId = Annotated[
    str | None, Query(pattern=ANONYMOUS_ID_PATTERN, description="The browser or app, as its events name it.")
]
Session = Annotated[
    str | None,
    Query(
        pattern=ANONYMOUS_ID_PATTERN,
        description="One visit, as its events name it: only that counts. Alone it stands for `anonymous_id`.",
    ),
]


@router.get("/v1/recommendations", response_model=Recommended, responses=problems(401, 403, 404, 410))
async def recommend_products(
    request: Request,
    principal: ThePrincipal,
    shop: TheShop,
    placement: Annotated[
        Literal["home", "product", "cart", "checkout"], Query(description="Where they are shown.")
    ] = "home",
    limit: Annotated[int, Query(ge=1, le=MAX_RECOMMENDATIONS, description="Items.")] = DEFAULT_LIMIT,
    customer: Customer = None,
    anonymous_id: AnonymousId = None,
    session: Session = None,
    cart: Annotated[str | None, Query(pattern=CART_ID_PATTERN, description="What goes with what is in it.")] = None,
    sku: Annotated[str | None, Query(pattern=SKU_PATTERN, description="The product whose page it is.")] = None,
    market: Annotated[
        str | None, Query(pattern=MARKET_PATTERN, description="Whose model answers, if it has one.")
    ] = None,
    currency: Currency = "",
) -> Response:
    """What somebody may like: in stock, and with a reason each. What the visitor did a moment ago counts. It is always
    answered: without a model, with what is popular."""
    wanted = Wanted(
        placement,
        limit,
        customer or "",
        anonymous_id or "",
        session or "",
        cart or "",
        sku or "",
        market or "",
        currency,
    )
    return response_of(await recommend(shop, wanted, principal, unlinked=objects(request.headers)))


@admin_router.get("/v1/admin/recommendations/serving", response_model=ServedModels, responses=problems(401, 403))
async def look_served_models(shop: TheShop) -> Response:
    """What serves here now, by market, and what the process that answers this has counted since its start."""
    if shop.recommender is not None:
        return response_of(answer(200, await shop.recommender.serving()))
    return shaped(ServedModels.of(shop.recommendations.asking, shop.recommendations.figures))


@admin_router.get(
    "/v1/admin/recommendations/rules",
    response_model=RecommendationRulesOut,
    responses={200: _TAGGED, **problems(401, 403)},
)
async def look_recommendation_rules(shop: TheShop) -> Response:
    """The rules, by placement."""
    return _shown(await look_only_document(shop, RECOMMENDATION_RULES, THE_RULES))


@admin_router.put(
    "/v1/admin/recommendations/rules",
    response_model=RecommendationRulesOut,
    responses={200: _TAGGED, **body_problems(401, 403, 412)},
)
async def put_recommendation_rules(rules: RecommendationRulesIn, shop: TheShop, if_match: IfMatch = None) -> Response:
    """Replace them; they count within a moment."""
    return _shown(await put_only_document(shop, RECOMMENDATION_RULES, THE_RULES, rules.to_content(), if_match))


def _shown(view: DocumentView[RecommendationRules]) -> Response:
    shown = RecommendationRulesOut.at(view.version, view.content or RecommendationRules())
    return shaped(shown, headers={"etag": version_tag(view.version)})
