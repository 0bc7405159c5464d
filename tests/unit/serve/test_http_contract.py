"""What every route has in common: refusals that say what is wrong, headers, HEAD, faults without a trace."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from actors.errors import Overloaded, Unavailable
from engine.kernel import Command, Reply
from engine.reasons import Reason
from serve.api.bounds import IDEMPOTENCY_KEY_PATTERN
from serve.api.problems import PROBLEM_TYPES
from serve.api.requests import decode_order_request
from tests.logged import Logged

from .shopfront import Shopfront, SmallSettings, keyed, kind_of, order_body

JSON = {"Content-Type": "application/json"}


def post_order(shop: Shopfront, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return shop.post("/v1/orders", content=content, headers=keyed("key", **{**JSON, **headers}))


def test_an_unknown_path_is_a_problem(shop: Shopfront) -> None:
    answer = shop.get("/v1/nothing")
    assert (answer.status_code, kind_of(answer)) == (404, "not-found")


@pytest.mark.parametrize("path", ["/v1/products/", "/v1/carts/", "/healthz/"])
def test_a_trailing_slash_is_another_path(shop: Shopfront, path: str) -> None:
    assert shop.get(path).status_code == 404


def test_a_wrong_method_is_told_the_right_ones(shop: Shopfront) -> None:
    answer = shop.post("/v1/products/RETRO-CLOCK")
    assert (answer.status_code, kind_of(answer)) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PUT"
    assert shop.get("/v1/orders").headers["allow"] == "POST"
    assert shop.delete("/v1/admin/products/bulk", admin=True).headers["allow"] == "POST"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"lines": [}',
        b"\xff\xfe",
        b'{"email": "\xff"}',
        '{"email": "a"}'.encode("utf-16"),
        b"NaN",
        b'{"quantity": Infinity}',
        b"1" * 5_000,
        b"[" * 60_000,
        b'{"a": 1} trailing',
    ],
)
def test_what_is_not_json_is_refused(shop: Shopfront, body: bytes) -> None:
    answer = post_order(shop, body)
    assert (answer.status_code, kind_of(answer)) == (400, "malformed-json")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_a_body_of_another_media_type_is_refused(shop: Shopfront, content_type: str) -> None:
    answer = post_order(shop, order_body(("RETRO-CLOCK", 1)), **{"Content-Type": content_type})
    assert (answer.status_code, kind_of(answer)) == (415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"])
def test_json_has_several_names(shop: Shopfront, content_type: str) -> None:
    shop.sell("RETRO-CLOCK")
    assert post_order(shop, order_body(("RETRO-CLOCK", 1)), **{"Content-Type": content_type}).status_code == 201


def test_an_announced_large_body_is_refused_unread(shop: Shopfront) -> None:
    answer = post_order(shop, b"x" * 10_000_000)
    assert (answer.status_code, kind_of(answer)) == (413, "body-too-large")


def test_a_large_body_in_chunks_is_refused_as_soon_as_it_is_too_large() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1_000

    with Shopfront(settings=SmallSettings(max_body_bytes=10_000)) as shop:
        answer = shop.post("/v1/orders", content=endless(), headers=keyed("key", **JSON))
    assert (answer.status_code, kind_of(answer)) == (413, "body-too-large")
    assert read < 20


def test_a_body_in_chunks_is_fine(shop: Shopfront) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in json.dumps(order_body(("RETRO-CLOCK", 1))).encode():
            yield bytes([byte])

    shop.sell("RETRO-CLOCK")
    assert shop.post("/v1/orders", content=pieces(), headers=keyed("key", **JSON)).status_code == 201


ORDER = order_body(("RETRO-CLOCK", 1))


BROKEN_ORDERS = [
    ({**ORDER, "gift": True}, "#/gift"),
    ({**ORDER, "a/b~c": 1}, "#/a~1b~0c"),
    ({**ORDER, "email": "no-at"}, "#/email"),
    ({**ORDER, "email": "a@b@c"}, "#/email"),
    ({**ORDER, "email": "a@b.org\n"}, "#/email"),
    ({**ORDER, "email": "a@" + "b" * 260}, "#/email"),
    ({**ORDER, "email": None}, "#/email"),
    ({**ORDER, "lines": []}, "#/lines"),
    ({**ORDER, "lines": "RETRO-CLOCK"}, "#/lines"),
    ({**ORDER, "lines": ORDER["lines"] * 101}, "#/lines"),
    ({**ORDER, "lines": [{"sku": "RETRO-CLOCK"}]}, "#/lines/0/quantity"),
    ({**ORDER, "lines": [{"sku": "A@B", "quantity": 1}]}, "#/lines/0/sku"),
    ({**ORDER, "lines": [{"sku": "A/B", "quantity": 1}]}, "#/lines/0/sku"),
    ({**ORDER, "lines": [{"sku": "A\n", "quantity": 1}]}, "#/lines/0/sku"),
    ({**ORDER, "lines": [{"sku": "x" * 65, "quantity": 1}]}, "#/lines/0/sku"),
    *(
        ({**ORDER, "lines": [{"sku": "RETRO-CLOCK", "quantity": quantity}]}, "#/lines/0/quantity")
        for quantity in (0, -1, 10_001, 10**30, 1.0, 1.5, "1", True, None, [])
    ),
    ({**ORDER, "payment": {"method": "Barter!", "token": "goat"}}, "#/payment/method"),
    ({**ORDER, "payment": {"method": "sandbox", "token": ""}}, "#/payment/token"),
    ([], "#"),
    (None, "#"),
]


@pytest.mark.parametrize(("body", "pointer"), BROKEN_ORDERS)
def test_a_body_that_breaks_the_contract_is_told_where(shop: Shopfront, body: Any, pointer: str) -> None:
    answer = post_order(shop, body)
    assert (answer.status_code, kind_of(answer)) == (422, "invalid-request")
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(("body", "_pointer"), BROKEN_ORDERS)
def test_the_lean_decoder_refuses_what_the_contract_refuses(body: Any, _pointer: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_order_request(json.dumps(body).encode())


def test_every_fault_of_a_body_is_told(shop: Shopfront) -> None:
    errors = post_order(shop, {"lines": [{"sku": "", "quantity": 0}]}).json()["errors"]
    assert {error["pointer"] for error in errors} == {"#/lines/0/sku", "#/lines/0/quantity", "#/email", "#/payment"}


@pytest.mark.parametrize(
    "path",
    ["/v1/products?limt=5", "/v1/products?limit=0", "/v1/products?limit=101", "/v1/products?limit=x", "/v1/ping?x"],
)
def test_query_parameters_are_held_to_the_contract(shop: Shopfront, path: str) -> None:
    answer = shop.get(path)
    assert (answer.status_code, kind_of(answer)) == (422, "invalid-request")
    assert answer.json()["errors"][0]["in"] == "query"


@pytest.mark.parametrize(
    "path", ["/v1/products/A@B", "/v1/products/%20", "/v1/carts/short", "/v1/carts/cart_../lines", "/v1/stock/A@B"]
)
def test_a_name_that_nothing_can_have_is_not_found(shop: Shopfront, path: str) -> None:
    method = "DELETE" if path.endswith("/lines") else "GET"
    assert shop.request(method, path).status_code == 404


def test_head_answers_like_get_without_a_body(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    seen, headed = shop.get("/v1/products/RETRO-CLOCK"), shop.request("HEAD", "/v1/products/RETRO-CLOCK")
    assert (headed.status_code, headed.content) == (200, b"")
    for name in ("etag", "content-type", "content-length"):
        assert headed.headers[name] == seen.headers[name]
    assert shop.request("HEAD", "/v1/orders").status_code == 405


def test_every_answer_has_security_headers(shop: Shopfront) -> None:
    for answer in (shop.get("/v1/ping"), shop.get("/v1/nothing"), post_order(shop, b"{")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


def test_a_sane_request_id_comes_back(shop: Shopfront) -> None:
    assert shop.get("/v1/ping", headers={"X-Request-Id": "trace-42"}).headers["x-request-id"] == "trace-42"


@pytest.mark.parametrize("given", ["x" * 65, "two words", "<script>", b"\xff", ""])
def test_another_request_id_is_replaced(shop: Shopfront, given: str | bytes) -> None:
    answer = shop.get("/v1/ping", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"].startswith("id-")


def test_behind_a_server_that_names_requests_there_is_no_second_name() -> None:
    with Shopfront(names_requests=False) as shop:
        assert "x-request-id" not in shop.get("/v1/ping").headers


class BrokenClient:
    """Fails in a way that nobody expects, or that everybody does."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def send(self, kind: str, key: str, command: Command, **_: Any) -> Reply:
        raise self._error


def broken(shop: Shopfront, error: Exception) -> Shopfront:
    client = BrokenClient(error)
    object.__setattr__(shop.app.state.shop, "client", client)
    return shop


def test_a_fault_of_ours_is_logged_and_told_without_a_trace(shop: Shopfront, logged: Logged) -> None:
    answer = broken(shop, RuntimeError("the cat sat on the disk")).post("/v1/carts", headers={"X-Request-Id": "cat"})
    assert (answer.status_code, kind_of(answer)) == (500, "internal-error")
    assert "cat" not in answer.text
    assert answer.headers["x-request-id"] == "cat"
    assert "request cat failed" in logged.text
    assert "the cat sat on the disk" in logged.text


@pytest.mark.parametrize(
    ("error", "problem"),
    [(Unavailable("shard 3 moves", 2), "unavailable"), (Overloaded("4096 wait", 2), "overloaded")],
)
def test_what_may_be_tried_again_says_when(shop: Shopfront, error: Unavailable, problem: str) -> None:
    shop.sell("RETRO-CLOCK")
    cart = shop.cart_with(("RETRO-CLOCK", 1))
    broken(shop, error)
    for answer in (shop.buy(("RETRO-CLOCK", 1)), shop.buy(("MOON-DUST", 1)), shop.check_out(cart), shop.get(cart)):
        assert (answer.status_code, kind_of(answer)) == (503, problem)
        assert answer.headers["retry-after"] == "2"


def test_the_shop_says_whether_it_is_alive_and_ready(shop: Shopfront) -> None:
    assert shop.get("/healthz").json() == {"status": "alive"}
    assert shop.get("/readyz").json() == {"status": "ready"}
    shop.ready = False
    answer = shop.get("/readyz")
    assert (answer.status_code, kind_of(answer)) == (503, "not-ready")
    assert shop.get("/healthz").status_code == 200


def test_the_empty_endpoint_is_empty(shop: Shopfront) -> None:
    assert shop.get("/v1/ping").content == b"{}"


def test_every_reason_of_the_business_has_a_problem_that_explains_itself(shop: Shopfront) -> None:
    for reason in Reason:
        assert reason in PROBLEM_TYPES
    for name, kind in PROBLEM_TYPES.items():
        answer = shop.get(f"/problems/{name}")
        assert answer.json() == {
            "type": f"/problems/{name}",
            "title": kind.title,
            "status": kind.status,
            "explanation": kind.explanation,
        }
    assert shop.get("/problems/hunger").status_code == 404


def test_the_document_describes_every_operation(shop: Shopfront) -> None:
    document = shop.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], f"{method} {path}"
            assert operation["operationId"].isidentifier()
            for status, response in operation["responses"].items():
                assert "X-Request-Id" in response["headers"]
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"]
    purchase = document["paths"]["/v1/orders"]["post"]
    assert {header["name"]: header["required"] for header in purchase["parameters"]} == {
        "Idempotency-Key": True,
        "Prefer": False,
    }
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.parametrize(
    ("path", "method"),
    [("/v1/orders", "post"), ("/v1/stock/{sku}/receipts", "post"), ("/v1/carts/{cart_id}/lines", "post")],
)
def test_the_document_says_what_an_idempotency_key_is_made_of(shop: Shopfront, path: str, method: str) -> None:
    parameters = shop.get("/openapi.json").json()["paths"][path][method]["parameters"]
    (key,) = [parameter for parameter in parameters if parameter["name"] == "Idempotency-Key"]
    assert key["schema"]["pattern"] == IDEMPOTENCY_KEY_PATTERN


def test_the_docs_need_no_internet(shop: Shopfront) -> None:
    page = shop.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "start.js"):
        assert f"/docs/{asset}" in page.text
        assert shop.get(f"/docs/{asset}").status_code == 200
