"""How a request is held to the contract before its route sees it: size, media type, JSON, query, admin key."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl

import msgspec
from fastapi import APIRouter, Depends, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.requests import Request
from starlette.responses import Response

from ..access.principal import Principal, Scope
from ..shop import Shop, ShopSettings
from .answers import response_of
from .auth import actor_of, customer_id, principal_of, require, require_order_access, require_own_cart
from .limiting import count, tell
from .problems import ProblemError

IDEMPOTENCY_KEY = "Idempotency-Key"
FORM = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 32

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_decode = msgspec.json.Decoder().decode


async def shop_of(request: Request) -> Shop:
    """The shop that this application was built for."""
    shop: Shop = request.app.state.shop
    return shop


TheShop = Annotated[Shop, Depends(shop_of)]
TheCustomer = Annotated[str, Depends(customer_id)]
"""The id of the account that makes the request, on a `CustomerRoute`."""
TheActor = Annotated[str, Depends(actor_of)]
"""Who is written into an order's history, on a route that admits only some."""
ThePrincipal = Annotated[Principal, Depends(principal_of)]
"""Whoever makes the request, on any route."""


class StrictRoute(APIRoute):
    """A route that refuses what the contract doesn't name, and tells it in a problem."""

    limit: ClassVar[str] = "api"
    """The policy that its requests are counted by."""
    refuses_unknown: ClassVar[bool] = True
    """Whether query parameters that the contract doesn't name are refused."""

    async def admit(self, shop: Shop, request: Request) -> None:
        """Raises ProblemError for whoever may not come in; called before the body is read."""

    async def parse(self, request: Request, limit: int, *, needs_body: bool) -> Request:
        """The request with its body read and parsed; raises ProblemError."""
        return await _parsed(request, limit, needs_body=needs_body)

    def body_limit(self, settings: ShopSettings) -> int:
        """The largest body in bytes."""
        return settings.max_body_bytes

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        known = frozenset(parameter.alias for parameter in self.dependant.query_params)
        body = self.body_field
        needs_body = body is not None and body.field_info.is_required()
        takes_key = any(parameter.alias == IDEMPOTENCY_KEY for parameter in self.dependant.header_params)

        async def handle_strictly(request: Request) -> Response:
            shop: Shop = request.app.state.shop
            counted = await count(shop, request, self.limit)
            await self.admit(shop, request)
            if self.refuses_unknown:
                _refuse_unknown(request, known)
            if takes_key:
                _refuse_two_keys(request)
            limit = self.body_limit(shop.settings)
            _refuse_announced(request, limit)
            if body is not None:
                request = await self.parse(request, limit, needs_body=needs_body)
            if counted is None:
                return await handle(request)
            try:
                response = await handle(request)
            except ProblemError as error:
                response = response_of(error.answer())
            return tell(response, counted)

        return handle_strictly


class CustomerRoute(StrictRoute):
    """A route for a customer who is logged in; `auth.customer_id` tells which one."""

    async def admit(self, shop: Shop, request: Request) -> None:
        await require(request, Scope.CUSTOMER)


class SupportRoute(StrictRoute):
    """A route for those who help customers; merchants and admins may, too."""

    async def admit(self, shop: Shop, request: Request) -> None:
        await require(request, Scope.SUPPORT)


class MerchantRoute(StrictRoute):
    """A route for those who sell: catalogue, stock, orders; admins may, too."""

    async def admit(self, shop: Shop, request: Request) -> None:
        await require(request, Scope.MERCHANT)


class LoginRoute(StrictRoute):
    """A route by which somebody may try to get in: its requests are counted by themselves."""

    limit = "auth"


class ReturnRoute(LoginRoute):
    """A route to which another site sends a browser back, with parameters of its own beside ours."""

    refuses_unknown = False


class FormRoute(LoginRoute):
    """A route of OAuth2, whose requests are forms."""

    async def parse(self, request: Request, limit: int, *, needs_body: bool) -> Request:
        return await _parsed_form(request, limit)


class AdminRoute(StrictRoute):
    """A route for whoever runs the shop: the admin key opens it."""

    async def admit(self, shop: Shop, request: Request) -> None:
        await require(request, Scope.ADMIN)


class ImportRoute(MerchantRoute):
    """The bulk import takes larger bodies: nobody without the key gets so far."""

    def body_limit(self, settings: ShopSettings) -> int:
        return settings.max_import_body_bytes


class CustomerLoginRoute(CustomerRoute):
    """A customer's route that asks for a password or a code: its requests are counted like logins."""

    limit = "auth"


class CartRoute(StrictRoute):
    """A route of one cart: a guest's opens to whoever knows its id, a customer's to that customer."""

    async def admit(self, shop: Shop, request: Request) -> None:
        await require_own_cart(shop, request, request.path_params.get("cart_id", ""))


class OrderRoute(StrictRoute):
    """A route of one order, for whoever placed it and for the staff."""

    async def admit(self, shop: Shop, request: Request) -> None:
        await require_order_access(shop, request, request.path_params["order_id"])


def router_of(route_class: type[StrictRoute], *tags: str, security: HTTPBearer | None = None) -> APIRouter:
    """A router of such routes; a generated client calls each operation by the name of its function."""
    return APIRouter(
        route_class=route_class,
        tags=list(tags),
        dependencies=[Security(security)] if security else [],
        generate_unique_id_function=lambda route: route.name,
    )


class _ParsedRequest(Request):
    """A request whose body was read and parsed."""

    def __init__(self, request: Request, raw: bytes, parsed: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._raw = raw
        self._parsed = parsed

    async def body(self) -> bytes:
        return self._raw

    async def json(self) -> Any:
        return self._parsed


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    if not request.scope["query_string"]:
        return
    if unknown := [name for name in request.query_params if name not in known]:
        errors = [{"in": "query", "name": name, "detail": "There is no such query parameter."} for name in unknown]
        raise ProblemError("invalid-request", members={"errors": errors})


def _refuse_two_keys(request: Request) -> None:
    """Of two keys only one would count, and whoever sent them may believe that it is the other."""
    if len(request.headers.getlist(IDEMPOTENCY_KEY)) > 1:
        raise ProblemError("idempotency-key-invalid", "The request has more than one Idempotency-Key.")


def _refuse_announced(request: Request, limit: int) -> None:
    """Refuse a body that is said to be too large before any of it is read."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise _too_large(limit)


async def _parsed(request: Request, limit: int, *, needs_body: bool) -> Request:
    raw = await read_body(request, limit)
    if not raw and not needs_body:
        return _ParsedRequest(request, b"", None)
    if not _is_json(request.headers.get("content-type", "")):
        raise ProblemError("unsupported-media-type")
    try:
        return _ParsedRequest(request, raw, _decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError("malformed-json", f"The body is not a JSON text in UTF-8: {error}.") from error
    except RecursionError as error:
        raise ProblemError("malformed-json", "The body is nested too deeply.") from error


async def _parsed_form(request: Request, limit: int) -> Request:
    """A form as FastAPI takes a JSON object: its fields are texts, and each may stand in it once."""
    raw = await read_body(request, limit)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise ProblemError("unsupported-media-type", f"Send a form as `{FORM}`.")
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict")
    except ValueError as error:
        raise ProblemError("bad-request", f"The form can't be read: {error}.") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ProblemError("bad-request", "A field of the form stands in it twice.")
    kept = [header for header in request.scope["headers"] if header[0] != b"content-type"]
    request.scope["headers"] = [*kept, (b"content-type", b"application/json")]
    return _ParsedRequest(Request(request.scope, request.receive), raw or b"{}", fields)


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; a longer one than `limit` bytes is left where it is."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> ProblemError:
    return ProblemError("body-too-large", f"The body may have {limit} bytes.")


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
