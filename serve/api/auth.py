"""Who may do what: the scopes of a principal open routes, an order's access token opens that order."""

from fastapi.security import HTTPBearer
from starlette.requests import Request

from engine.reasons import Reason

from ..access.principal import ANONYMOUS, Kind, Principal, Scope
from ..identity import OWN_CART, access_token_of, is_own_cart, is_same
from ..shop import Shop
from .lookups import order_of
from .problems import ProblemError

ADMIN_KEY = HTTPBearer(
    scheme_name="staff",
    description="An access token or an API key with the scope that the route names, or the key that the first start "
    "wrote to `admin.key` in the data directory.",
    auto_error=False,
)
CUSTOMER_TOKEN = HTTPBearer(
    scheme_name="customer",
    description="A customer's access token, from `POST /v1/auth/token`.",
    auto_error=False,
)
ACCESS_TOKEN = HTTPBearer(
    scheme_name="accessToken",
    description="The order's own `access_token`, returned when it was placed, the access token of the customer who "
    "placed it, or one of the staff.",
    auto_error=False,
)
"""These only describe: the checks are below, so that they come before the body is read."""

_CHALLENGE = 'Bearer realm="doorbuster"'
_PRINCIPAL = "principal"


async def principal_of(request: Request) -> Principal:
    """Whoever makes the request, found out once; raises ProblemError (401) for a token that opens nothing."""
    state = request.scope.setdefault("state", {})
    principal: Principal | None = state.get(_PRINCIPAL)
    if principal is None:
        token = bearer_token(request)
        shop: Shop = request.app.state.shop
        principal = ANONYMOUS if token is None else await shop.access.identify(token)
        if principal is None:
            raise unauthorized(wrong=True)
        state[_PRINCIPAL] = principal
    return principal


async def require(request: Request, scope: Scope) -> Principal:
    """The principal; raises ProblemError: 401 without a valid token, 403 where it may not."""
    principal = await principal_of(request)
    if principal is ANONYMOUS:
        raise unauthorized()
    if not principal.may(scope):
        raise forbidden(scope)
    return principal


async def actor_of(request: Request) -> str:
    """Who is written into an order's history, on a route that has admitted somebody: an order's own access token is
    its customer's."""
    principal: Principal | None = request.scope.get("state", {}).get(_PRINCIPAL)
    return principal.actor if principal is not None else str(Kind.CUSTOMER)


async def require_own_cart(shop: Shop, request: Request, cart_id: str) -> None:
    """Raises ProblemError: 401 without a token, 404 for whoever's cart it isn't. A guest's opens by its id."""
    if not cart_id.startswith(OWN_CART):
        return
    principal = await principal_of(request)
    if principal is ANONYMOUS:
        raise unauthorized()
    if not is_own_cart(shop.secret, cart_id, principal.account_id):
        raise ProblemError(Reason.NOT_FOUND)


async def customer_id(request: Request) -> str:
    """The account of the customer who makes the request, on a `CustomerRoute`."""
    return (await require(request, Scope.CUSTOMER)).account_id


async def require_order_access(shop: Shop, request: Request, order_id: str) -> None:
    """Raises ProblemError: 401 without any token, 404 with a wrong one, so that nobody learns which orders exist."""
    token = bearer_token(request)
    if token is None:
        raise unauthorized()
    if is_same(token, access_token_of(shop.secret, order_id)):
        return
    principal = await shop.access.identify(token)
    if principal is None:
        raise ProblemError(Reason.NOT_FOUND)
    request.scope.setdefault("state", {})[_PRINCIPAL] = principal
    if principal.may(Scope.SUPPORT):
        return
    order = await order_of(shop, order_id) if principal.account_id else None
    if order is None or order.customer != principal.account_id:
        raise ProblemError(Reason.NOT_FOUND)


def unauthorized(*, wrong: bool = False) -> ProblemError:
    """The request has no token, or a wrong one (RFC 6750)."""
    challenge = f'{_CHALLENGE}, error="invalid_token"' if wrong else _CHALLENGE
    return ProblemError("unauthorized", headers={"www-authenticate": challenge})


def forbidden(scope: Scope) -> ProblemError:
    """The token is good, and not for this."""
    challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'
    return ProblemError("forbidden", f"This needs the scope {scope}.", headers={"www-authenticate": challenge})


def bearer_token(request: Request) -> str | None:
    """The token of the `Authorization` header, if it has one."""
    return token_of(request.headers.get("authorization", ""))


def token_of(authorization: str) -> str | None:
    """The bearer token of the header's value, if it is one."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
