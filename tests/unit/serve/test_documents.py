"""The routes and the table that every kind of documents has."""

from collections.abc import Iterator
from typing import Any, Self

import pytest

from engine.document import DocumentView, document_kind
from engine.kernel import Event
from engine.kinds import KINDS
from serve.api.documents import Resource, document_routes
from serve.api.schemas.common import Input, Label, Output
from serve.tables import Table

from .shopfront import Shopfront, kind_of


class ShelfPut(Event, frozen=True):
    name: str


class ShelfIn(Input):
    name: Label

    def to_content(self) -> ShelfPut:
        return ShelfPut(self.name)


class ShelfOut(Output):
    key: str
    name: str

    @classmethod
    def of(cls, key: str, _version: int, content: ShelfPut) -> Self:
        return cls(key=key, name=content.name)


SHELF = document_kind("shelf", ShelfPut)
SHELVES = Resource(
    SHELF, "shelf", "shelves", "/v1/admin/shelves", ShelfIn, ShelfOut, r"^[a-z0-9-]{1,20}$", "clocks", "catalogue"
)
CLOCKS = "/v1/admin/shelves/clocks"


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    with Shopfront(kinds={**KINDS, "shelf": SHELF}) as front:
        front.app.router.routes.extend(document_routes(SHELVES).routes)
        yield front


def put(shop: Shopfront, path: str = CLOCKS, name: str = "Clocks", **headers: str) -> Any:
    return shop.put(path, json={"name": name}, headers=headers, admin=True)


def test_a_document_is_put_looked_at_replaced_and_removed(shop: Shopfront) -> None:
    created = put(shop)
    assert (created.status_code, created.headers["location"]) == (201, CLOCKS)
    assert shop.get(CLOCKS, admin=True).json() == {"key": "clocks", "name": "Clocks"}
    replaced = put(shop, name="Time", **{"If-Match": created.headers["etag"]})
    assert (replaced.status_code, replaced.json()["name"]) == (200, "Time")
    assert shop.delete(CLOCKS, admin=True).status_code == 204
    assert shop.delete(CLOCKS, admin=True).status_code == 204
    assert kind_of(shop.get(CLOCKS, admin=True)) == "not-found"


def test_of_two_that_replace_the_same_version_one_is_refused(shop: Shopfront) -> None:
    tag = put(shop).headers["etag"]
    assert put(shop, name="Lamps", **{"If-Match": tag}).status_code == 200
    assert kind_of(put(shop, name="Sofas", **{"If-Match": tag})) == "version-conflict"
    assert kind_of(put(shop, name="Sofas", **{"If-None-Match": "*"})) == "version-conflict"


def test_documents_are_listed_in_pages(shop: Shopfront) -> None:
    for name in ("sofas", "clocks", "lamps"):
        put(shop, f"/v1/admin/shelves/{name}", name)
    first = shop.get("/v1/admin/shelves?limit=2", admin=True).json()
    assert [item["key"] for item in first["items"]] == ["clocks", "lamps"]
    rest = shop.get(f"/v1/admin/shelves?limit=2&cursor={first['next_cursor']}", admin=True).json()
    assert ([item["key"] for item in rest["items"]], rest["next_cursor"]) == (["sofas"], None)


def test_only_the_admin_sees_documents(shop: Shopfront) -> None:
    for method, options in (("GET", {}), ("PUT", {"json": {"name": "x"}}), ("DELETE", {})):
        assert shop.request(method, CLOCKS, **options).status_code == 401


def test_a_name_that_no_document_can_have_is_told(shop: Shopfront) -> None:
    assert shop.get("/v1/admin/shelves/No Such", admin=True).status_code == 404
    assert put(shop, "/v1/admin/shelves/No Such").status_code == 422


def test_a_table_never_goes_back() -> None:
    table = Table()
    for version, content in ((2, None), (1, ShelfPut("old"))):
        table.put("clocks", version, DocumentView("clocks", version, content))
    assert (table.get("clocks"), len(table), table.changes) == (None, 0, 1)
    table.put("clocks", 3, DocumentView("clocks", 3, ShelfPut("new")))
    assert list(table.items()) == [("clocks", ShelfPut("new"))]
