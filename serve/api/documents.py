"""The routes of documents that the merchant puts: one list, look, put and remove for every kind of them.

A resource brings its kind and its contract; what only it knows (a public view, a search) has routes of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field, create_model
from starlette.responses import Response

from engine.document import DocumentView, Look, Put, Remove
from engine.kernel import Command, Kind
from engine.reasons import Reason

from ..shop import Shop
from .answers import shaped
from .auth import ADMIN_KEY
from .bounds import DEFAULT_PAGE
from .cursors import Cursor, Limit, cursor_after, read_cursor
from .openapi import body_problems, header, problems
from .preconditions import IfMatch, IfNoneMatch, required_version, version_of, version_tag
from .problems import ProblemError
from .routing import MerchantRoute, StrictRoute, TheShop, router_of
from .schemas.common import Input, Output
from .sending import answered, view_of


@dataclass(frozen=True)
class Resource:
    """A kind of documents as the API shows it.

    `content_in` is a pydantic `Input` with `to_content()`, `content_out` an `Output` made by
    `content_out.of(key, version, content)`.
    """

    kind: Kind
    singular: str
    plural: str
    path: str
    """Such as `/v1/admin/categories`."""
    content_in: type[Input]
    content_out: type[Output]
    key_pattern: str
    key_example: str
    tag: str
    route_class: type[StrictRoute] = MerchantRoute
    content_of: Callable[[Shop, Any], Any] = lambda _shop, body: body.to_content()
    """Of a request's model, where that needs the shop; it may raise ProblemError."""
    show: Callable[[DocumentView[Any]], Output] | None = None
    """The answer's model, where that needs more than the content."""


def document_routes(resource: Resource) -> APIRouter:
    """List, look, put, remove; each operation is called by what it does: `list_categories`, `put_category`."""
    router = router_of(resource.route_class, resource.tag, "admin", security=ADMIN_KEY)
    _add_reading(router, resource)
    _add_writing(router, resource)
    return router


def _key_path(resource: Resource) -> Any:
    return Annotated[
        str, Path(pattern=resource.key_pattern, examples=[resource.key_example], description="Its key, for good.")
    ]


_TAGGED = {"headers": {"ETag": header("Its version.")}}


def _add_reading(router: APIRouter, resource: Resource) -> None:
    kind, shown, key_path = resource.kind, resource.content_out, _key_path(resource)
    page_model: type[Output] = create_model(
        f"{resource.content_out.__name__}Page",
        __base__=Output,
        __doc__=f"{resource.plural.capitalize()} in ascending order of their key.",
        items=(list[shown], ...),  # type: ignore[valid-type]
        next_cursor=(str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")),
    )

    async def list_documents(shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "") -> Response:
        # One more than asked for tells whether there is a next page.
        found = shop.tables[kind].page(read_cursor(cursor), limit + 1)
        next_cursor = cursor_after(found[limit - 1].key) if len(found) > limit else None
        items = [_shown(resource, view) for view in found[:limit]]
        return shaped(page_model.model_construct(items=items, next_cursor=next_cursor))

    async def look_document(key: key_path, shop: TheShop) -> Response:  # type: ignore[valid-type]
        view = await _send(shop, kind, key, Look())
        if view.content is None:
            raise ProblemError(Reason.NOT_FOUND)
        return shaped(_shown(resource, view), headers={"etag": version_tag(view.version)})

    router.add_api_route(
        resource.path,
        list_documents,
        name=f"list_{resource.plural.replace(' ', '_')}",
        description=f"{resource.plural.capitalize()} in ascending order of their key.",
        response_model=page_model,
        responses=problems(401, 403),
        methods=["GET"],
    )
    router.add_api_route(
        resource.path + "/{key}",
        look_document,
        name=f"look_{resource.singular.replace(' ', '_')}",
        description=f"The {resource.singular}.",
        response_model=shown,
        responses={200: _TAGGED, **problems(401, 403, 404)},
        methods=["GET"],
    )


def _add_writing(router: APIRouter, resource: Resource) -> None:
    kind, shown, content_in, key_path = resource.kind, resource.content_out, resource.content_in, _key_path(resource)

    async def put_document(
        key: key_path,  # type: ignore[valid-type]
        body: content_in,  # type: ignore[valid-type]
        shop: TheShop,
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        version = await _required(shop, kind, key, if_match, if_none_match)
        was_there = shop.tables[kind].view(key) is not None
        view = await _send(shop, kind, key, Put(resource.content_of(shop, body), version))
        # Whoever put it reads it here at once; other processes hear of it from its host.
        shop.tables[kind].put(key, view.version, view)
        headers = {"etag": version_tag(view.version)}
        if was_there:
            return shaped(_shown(resource, view), headers=headers)
        return shaped(_shown(resource, view), 201, {**headers, "location": f"{resource.path}/{key}"})

    async def remove_document(key: key_path, shop: TheShop, if_match: IfMatch = None) -> Response:  # type: ignore[valid-type]
        version = await _required(shop, kind, key, if_match)
        view = await _send(shop, kind, key, Remove(version))
        if view.version:
            shop.tables[kind].put(key, view.version, view)
        return Response(status_code=204)

    created = {"model": shown, "description": "Created.", **_TAGGED}
    router.add_api_route(
        resource.path + "/{key}",
        put_document,
        name=f"put_{resource.singular.replace(' ', '_')}",
        description=f"Create the {resource.singular}, or replace it as a whole.",
        response_model=shown,
        responses={200: _TAGGED, 201: created, **body_problems(401, 403, 404, 409, 412)},
        methods=["PUT"],
    )
    router.add_api_route(
        resource.path + "/{key}",
        remove_document,
        name=f"remove_{resource.singular.replace(' ', '_')}",
        description=f"Remove the {resource.singular}; one that isn't there is away already.",
        status_code=204,
        responses=problems(401, 403, 404, 409, 412),
        methods=["DELETE"],
    )


async def _required(
    shop: Shop, kind: Kind, key: str, if_match: str | None, if_none_match: str | None = None
) -> int | None:
    return await required_version(if_match, version_of(_there, shop, kind, key), if_none_match)


async def _there(shop: Shop, kind: Kind, key: str) -> DocumentView[Any] | None:
    # Of one that was removed there is a view, too.
    view = await view_of(shop, kind.name, key, Look(), DocumentView)
    return view if view is not None and view.content is not None else None


async def _send(shop: Shop, kind: Kind, key: str, command: Command) -> DocumentView[Any]:
    return await answered(shop, kind.name, key, command, DocumentView)


def _shown(resource: Resource, view: DocumentView[Any]) -> Output:
    if resource.show is not None:
        return resource.show(view)
    made: Output = resource.content_out.of(view.key, view.version, view.content)  # type: ignore[attr-defined]
    return made


async def look_only_document(shop: Shop, kind: Kind, key: str) -> DocumentView[Any]:
    """The one document of a kind that has no other; version 0 while nobody has put it."""
    return await view_of(shop, kind.name, key, Look(), DocumentView) or DocumentView(key, 0, None)


async def put_only_document(shop: Shop, kind: Kind, key: str, content: Any, if_match: str | None) -> DocumentView[Any]:
    """Replace it by content of its kind. Raises ProblemError, actors.errors.Unavailable."""
    version = await required_version(if_match, version_of(look_only_document, shop, kind, key))
    view: DocumentView[Any] = await answered(shop, kind.name, key, Put(content, version), DocumentView)
    # This process uses it at once; others hear of it from the host.
    shop.tables[kind].put(key, view.version, view)
    return view
