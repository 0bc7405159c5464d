"""Logging in at another provider: there and back again."""

from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from engine.kernel import Rejected
from engine.reasons import Reason

from ...accounts.oidc import LOGIN_LIFETIME_S
from ..answers import shaped
from ..oauth import oauth_error, oauth_refused
from ..openapi import header, problems
from ..problems import ProblemError
from ..routing import ReturnRoute, TheShop, router_of
from ..schemas.account import Token
from .auth import token_of

router = router_of(ReturnRoute, "accounts")

COOKIE = "doorbuster_login"
COOKIE_PATH = "/v1/auth/oidc"
ProviderPath = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", examples=["example"])]
_AWAY = {"description": "To the provider.", "headers": {"Location": header("Where to log in.")}}


@router.get(
    "/v1/auth/oidc/{provider}",
    status_code=302,
    response_class=Response,
    responses={302: _AWAY, **problems(404)},
)
async def begin_login_elsewhere(provider: ProviderPath, shop: TheShop) -> Response:
    """Send the browser to a provider."""
    begun = await shop.providers_of_identity.begin(provider)
    if begun is None:
        raise ProblemError(Reason.NOT_FOUND)
    response = Response(status_code=302, headers={"location": begun.url})
    response.set_cookie(
        COOKIE,
        begun.cookie,
        max_age=LOGIN_LIFETIME_S,
        path=COOKIE_PATH,
        httponly=True,
        secure=shop.settings.public_url.startswith("https:"),
        # It has to come along when the provider sends the browser back.
        samesite="lax",
    )
    return response


@router.get("/v1/auth/oidc/{provider}/callback", response_model=Token, responses=problems(400, 404))
async def finish_login_elsewhere(
    provider: ProviderPath,
    shop: TheShop,
    request: Request,
    code: Annotated[str, Query(max_length=4_000)] = "",
    state: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """The browser comes back: log its customer in, with an account that is opened if need be."""
    cookie = request.cookies.get(COOKIE, "")
    identity = await shop.providers_of_identity.finish(provider, code, state, cookie) if code and cookie else None
    if identity is None:
        raise oauth_error("invalid-grant")
    trusted = shop.providers_of_identity.trusts_email(provider)
    tokens = await shop.accounts.log_in_elsewhere(
        identity, trusts_email=trusted, label=request.headers.get("user-agent", "")
    )
    if isinstance(tokens, Rejected):
        raise oauth_refused(tokens)
    response = shaped(token_of(tokens))
    response.delete_cookie(COOKIE, path=COOKIE_PATH)
    return response
