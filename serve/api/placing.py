"""Where a product goes in the tree: into the categories that it names, else into the one at the end of its path."""

from asyncio import gather
from collections.abc import Iterable

import msgspec

from engine.category_tree import CATEGORY_TREE, TREE_KEY, CategoryDone, EnsurePath
from engine.document import DocumentView, Look
from engine.product import PutProduct

from ..shop import Shop
from .assortment import taxonomy_of
from .schemas.catalogue import ProductIn

Path = tuple[str, ...]


async def command_of(shop: Shop, product: ProductIn, if_version: int | None = None) -> PutProduct:
    """The command that the product asks for, with its categories."""
    await ensure_paths(shop, [product])
    return placed(shop, product, if_version)


def placed(shop: Shop, product: ProductIn, if_version: int | None = None) -> PutProduct:
    """As `command_of`, for a product whose path was ensured."""
    command = product.to_command(if_version)
    if (path := _path_of(product)) and (category := taxonomy_of(shop).id_at(path)):
        return msgspec.structs.replace(command, categories=(category,))
    return command


async def ensure_paths(shop: Shop, products: Iterable[ProductIn]) -> None:
    """See that the paths of these products are in the tree. A full one leaves them as they are: as texts."""
    tree = taxonomy_of(shop)
    missing = {path for product in products if (path := _path_of(product)) and tree.id_at(path) is None}
    if not missing:
        return
    replies = await gather(
        *(shop.client.send(CATEGORY_TREE.name, TREE_KEY, EnsurePath(path)) for path in sorted(missing))
    )
    versions = [reply.version for reply in replies if isinstance(reply, CategoryDone)]
    if versions:
        await refresh_tree(shop, max(versions))


async def refresh_tree(shop: Shop, version: int) -> None:
    """Whoever changed the tree sees it here at once; other processes hear of it from its host."""
    known = shop.tables[CATEGORY_TREE].view(TREE_KEY)
    if known is None or known.version < version:
        told = await shop.client.send(CATEGORY_TREE.name, TREE_KEY, Look())
        if isinstance(told, DocumentView):
            shop.tables[CATEGORY_TREE].put(TREE_KEY, told.version, told)


def _path_of(product: ProductIn) -> Path:
    """The path that says where it goes: whoever names categories, be it none, means them."""
    return tuple(product.category) if product.categories is None and all(product.category) else ()
