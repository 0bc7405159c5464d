"""Who may do what: the admin key opens everything, an order's access token opens that order."""

from fastapi.security import HTTPBearer
from starlette.requests import Request

from engine.reasons import Reason

from ..identity import access_token_of, is_same
from ..shop import Shop
from .problems import ProblemError

ADMIN_KEY = HTTPBearer(
    scheme_name="adminKey",
    description="The key that the first start wrote to `admin.key` in the data directory.",
    auto_error=False,
)
ACCESS_TOKEN = HTTPBearer(
    scheme_name="accessToken",
    description="The order's own `access_token`, returned when it was placed, or the admin key.",
    auto_error=False,
)
"""Both only describe: the checks are below, so that they come before the body is read."""

_CHALLENGE = {"www-authenticate": 'Bearer realm="doorbuster"'}


def require_admin(shop: Shop, request: Request) -> None:
    """Raises ProblemError (401) without the admin key."""
    if not is_admin(shop, request):
        raise ProblemError("unauthorized", headers=_CHALLENGE)


def is_admin(shop: Shop, request: Request) -> bool:
    token = _bearer_token(request)
    return token is not None and is_same(token, shop.admin_key)


def require_order_access(shop: Shop, request: Request, order_id: str) -> None:
    """Raises ProblemError: 401 without any token, 404 with a wrong one, so that nobody learns which orders exist."""
    token = _bearer_token(request)
    if token is None:
        raise ProblemError("unauthorized", headers=_CHALLENGE)
    # Both are compared every time: the time taken doesn't tell which kind of token it was.
    opens = is_same(token, access_token_of(shop.secret, order_id)) | is_same(token, shop.admin_key)
    if not opens:
        raise ProblemError(Reason.NOT_FOUND)


def _bearer_token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
