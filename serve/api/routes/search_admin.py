"""What the merchant does about search: says which words mean the same, and sees what nobody found."""

from starlette.responses import Response

from engine.document import DocumentView, Look, Put
from engine.kernel import Rejected
from engine.search_synonyms import SEARCH_SYNONYMS, THE_SYNONYMS, SearchSynonyms

from ...search.query_log import Noted
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import DEFAULT_PAGE
from ..cursors import Limit
from ..openapi import body_problems, header, problems
from ..preconditions import IfMatch, required_version, version_tag
from ..problems import refused
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
    reply = await shop.client.send(SEARCH_SYNONYMS.name, THE_SYNONYMS, Look())
    return _shown(reply if isinstance(reply, DocumentView) else DocumentView(THE_SYNONYMS, 0, None))


@router.put(
    "/v1/admin/search/synonyms", response_model=Synonyms, responses={200: _TAGGED, **body_problems(401, 403, 412)}
)
async def put_synonyms(synonyms: SynonymsIn, shop: TheShop, if_match: IfMatch = None) -> Response:
    """Replace them; they count from the next search on, and nothing is indexed again."""

    async def current_version() -> int:
        known = await shop.client.send(SEARCH_SYNONYMS.name, THE_SYNONYMS, Look())
        return known.version if isinstance(known, DocumentView) else 0

    version = await required_version(if_match, current_version)
    reply = await shop.client.send(SEARCH_SYNONYMS.name, THE_SYNONYMS, Put(synonyms.to_content(), version))
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, DocumentView)
    # Whoever put them searches with them here at once; other processes hear of it from the host.
    shop.tables[SEARCH_SYNONYMS].put(THE_SYNONYMS, reply.version, reply)
    return _shown(reply)


def _shown(view: DocumentView[SearchSynonyms]) -> Response:
    shown = Synonyms.at(view.version, view.content or SearchSynonyms())
    return shaped(shown, headers={"etag": version_tag(view.version)})
