"""The tree of categories: anyone looks, the merchant arranges."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from engine.category_tree import (
    CATEGORY_TREE,
    TREE_KEY,
    CategoryDone,
    MoveCategory,
    PutCategory,
    RemoveCategory,
    Taxonomy,
)
from engine.category_tree import Category as EngineCategory
from engine.kernel import Command, Rejected
from engine.reasons import Reason

from ...shop import Shop
from ..answers import answer, response_of, shaped
from ..assortment import in_category, taxonomy_of
from ..auth import ADMIN_KEY
from ..bounds import CATALOGUE_KEY_PATTERN, DEFAULT_PAGE
from ..cursors import Cursor, Limit, cursor_after, read_cursor
from ..openapi import body_problems, header, problems
from ..placing import refresh_tree
from ..preconditions import IfNoneMatch, content_tag, is_fresh
from ..problems import ProblemError, refused
from ..product_answer import shown_products
from ..queries import Currency, TheGroups
from ..routing import MerchantRoute, StrictRoute, TheShop, router_of
from ..schemas.assortment import Category, CategoryIn, CategoryMoveIn, CategoryNode, CategoryTree
from ..schemas.catalogue import ProductPage

router = router_of(StrictRoute, "catalogue")
admin_router = router_of(MerchantRoute, "catalogue", "admin", security=ADMIN_KEY)

CategoryPath = Annotated[str, Path(pattern=CATALOGUE_KEY_PATTERN, examples=["wall-clocks"])]
_TAGGED = {"headers": {"ETag": header("What it shows.")}}
_NOT_MODIFIED = {"description": "You have it already.", "headers": {"ETag": header("What it shows.")}}


@router.get("/v1/categories", response_model=CategoryTree, responses={200: _TAGGED, 304: _NOT_MODIFIED, **problems()})
async def list_categories(shop: TheShop, if_none_match: IfNoneMatch = None) -> Response:
    """All categories as a tree, in the merchant's order."""
    body = CategoryTree.model_construct(categories=_below(taxonomy_of(shop), "")).model_dump_json().encode()
    headers = {"etag": content_tag(body), "cache-control": "no-cache"}
    if is_fresh(if_none_match, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return response_of(answer(200, body, headers=headers.items()))


@router.get("/v1/categories/{category_id}", response_model=Category, responses=problems(404))
async def look_category(category_id: CategoryPath, shop: TheShop) -> Response:
    """A category with the way to it and what is right below it."""
    tree = taxonomy_of(shop)
    return shaped(Category.of(_category(tree, category_id), tree))


@router.get("/v1/categories/{category_id}/products", response_model=ProductPage, responses=problems(404))
async def list_products_of_category(
    category_id: CategoryPath,
    shop: TheShop,
    groups: TheGroups,
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = "",
    currency: Currency = "",
) -> Response:
    """Products in the category or below it, by their SKU. A page may be short of `limit` before the end."""
    _category(taxonomy_of(shop), category_id)
    found = in_category(shop, category_id, read_cursor(cursor), limit)
    next_cursor = cursor_after(found.after) if found.after is not None else None
    return shaped(
        ProductPage(items=await shown_products(shop, found.products, currency, groups), next_cursor=next_cursor)
    )


@admin_router.put(
    "/v1/admin/categories/{category_id}", response_model=Category, responses=body_problems(401, 403, 404, 409)
)
async def put_category(category_id: CategoryPath, category: CategoryIn, shop: TheShop) -> Response:
    """Create the category, last among its siblings, or change it. A ring is refused."""
    return await _arranged(shop, PutCategory(category.to_engine(category_id)))


@admin_router.post(
    "/v1/admin/categories/{category_id}/move", response_model=Category, responses=body_problems(401, 403, 404, 409)
)
async def move_category(category_id: CategoryPath, move: CategoryMoveIn, shop: TheShop) -> Response:
    """Put the category, with all below it, somewhere else: below a parent, before a sibling. A ring is refused."""
    return await _arranged(shop, MoveCategory(category_id, move.parent, move.before))


@admin_router.delete("/v1/admin/categories/{category_id}", status_code=204, responses=problems(401, 403, 404, 409, 412))
async def remove_category(category_id: CategoryPath, shop: TheShop) -> Response:
    """Remove a category with nothing below it. Its products stay, and are in their other categories only."""
    await _arrange(shop, RemoveCategory(category_id))
    return Response(status_code=204)


async def _arranged(shop: Shop, command: Command) -> Response:
    category = await _arrange(shop, command)
    assert category is not None, "only what is removed is gone"
    return shaped(Category.of(category, taxonomy_of(shop)))


async def _arrange(shop: Shop, command: Command) -> EngineCategory | None:
    reply = await shop.client.send(CATEGORY_TREE.name, TREE_KEY, command)
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, CategoryDone)
    await refresh_tree(shop, reply.version)
    return reply.category


def _category(tree: Taxonomy, category_id: str) -> EngineCategory:
    category = tree.by_id.get(category_id)
    if category is None:
        raise ProblemError(Reason.NOT_FOUND)
    return category


def _below(tree: Taxonomy, parent: str) -> list[CategoryNode]:
    return [
        CategoryNode.model_construct(id=category.id, name=category.name, children=_below(tree, category.id))
        for category in tree.children.get(parent, ())
    ]
