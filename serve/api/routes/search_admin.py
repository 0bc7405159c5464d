"""What the merchant does about search: says which words mean the same, and sees what nobody found."""

from starlette.responses import Response

from engine.document import DocumentView
from engine.search_synonyms import SEARCH_SYNONYMS, THE_SYNONYMS, SearchSynonyms

from ...search.query_log import Noted
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import DEFAULT_PAGE
from ..cursors import Limit
from ..documents import look_only_document, put_only_document
from ..openapi import body_problems, header, problems
from ..preconditions import IfMatch, version_tag
from ..routing import MerchantRoute, TheShop, router_of
from ..schemas.search import NotedSearch, NotedSearches, Synonyms, SynonymsIn

router = router_of(MerchantRoute, "search", "admin", security=ADMIN_KEY)

_TAGGED = {"headers": {"ETag": header("Its version.")}}


@router.get("/v1/admin/search/queries", response_model=NotedSearches, responses=problems(401, 403))
async def list_noted_searches(shop: TheShop, kind: Noted = Noted.ZERO_RESULTS, limit: Limit = DEFAULT_PAGE) -> Response:
    """What people looked for without finding anything, or what took long, the most frequent first."""
    log = await shop.search.reporter.most_frequent(kind, limit)
    items = [NotedSearch.of(question) for question in log.noted]
    return shaped(NotedSearches.model_construct(searches=log.searches, items=items))


@router.post(
    "/v1/admin/search/rebuild",
    status_code=202,
    response_class=Response,
    responses={202: {"description": "Begun."}, **problems(401, 403)},
)
async def rebuild_search(shop: TheShop) -> Response:
    """Make the index of this replica anew, from the catalogue; the old one answers until then."""
    shop.search.rebuild()
    return Response(status_code=202)


@router.get("/v1/admin/search/synonyms", response_model=Synonyms, responses={200: _TAGGED, **problems(401, 403)})
async def look_synonyms(shop: TheShop) -> Response:
    """Words that mean the same in this shop."""
    return _shown(await look_only_document(shop, SEARCH_SYNONYMS, THE_SYNONYMS))


@router.put(
    "/v1/admin/search/synonyms", response_model=Synonyms, responses={200: _TAGGED, **body_problems(401, 403, 412)}
)
async def put_synonyms(synonyms: SynonymsIn, shop: TheShop, if_match: IfMatch = None) -> Response:
    """Replace them; they count from the next search on, and nothing is indexed again."""
    return _shown(await put_only_document(shop, SEARCH_SYNONYMS, THE_SYNONYMS, synonyms.to_content(), if_match))


def _shown(view: DocumentView[SearchSynonyms]) -> Response:
    shown = Synonyms.at(view.version, view.content or SearchSynonyms())
    return shaped(shown, headers={"etag": version_tag(view.version)})
