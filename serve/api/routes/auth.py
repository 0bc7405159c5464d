"""Registering, logging in and out: OAuth2's endpoints and what comes before them."""

from typing import Annotated

from fastapi import Body
from starlette.requests import Request
from starlette.responses import Response

from engine.kernel import Rejected
from engine.reasons import Reason

from ...access.machines import MachineKey
from ...access.principal import Kind, Scope
from ...accounts.service import Tokens
from ...shop import Shop
from ..answers import shaped
from ..behaviour import join_visitor
from ..customer_carts import merge_guest_cart
from ..oauth import basic_client, oauth_error, oauth_refused
from ..openapi import body_problems, problems
from ..problems import refused
from ..routing import FORM, FormRoute, LoginRoute, StrictRoute, TheShop, router_of
from ..schemas.account import (
    Keys,
    Metadata,
    NewPasswordIn,
    RegisterIn,
    ResetIn,
    RevokeIn,
    Sent,
    Token,
    TokenIn,
    VerifyIn,
)
from ..schemas.common import Empty

router = router_of(LoginRoute, "accounts")
form_router = router_of(FormRoute, "accounts")
public_router = router_of(StrictRoute, "accounts")

_NOTHING = {"description": "Done."}
_CACHED = {"cache-control": "public, max-age=60"}


@router.post("/v1/accounts", response_model=Sent, status_code=202, responses=body_problems())
async def register(given: RegisterIn, shop: TheShop) -> Response:
    """Ask for an account. The link in the mail opens it; until then nothing is kept."""
    refusal = await shop.accounts.register(given.email, given.password, given.profile.to_engine())
    if refusal is not None:
        raise refused(refusal)
    return shaped(Sent(), 202)


@router.post("/v1/auth/verify-email", status_code=204, responses={204: _NOTHING, **body_problems(403)})
async def verify_email(given: VerifyIn, shop: TheShop) -> Response:
    """Open the account that the mail's link is for."""
    account = await shop.accounts.verify_email(given.token)
    if isinstance(account, Rejected):
        raise refused(account)
    return Response(status_code=204)


@router.post("/v1/auth/change-email", status_code=204, responses={204: _NOTHING, **body_problems(403)})
async def change_email(given: VerifyIn, shop: TheShop) -> Response:
    """Give an account the address to which the mail's link was sent. The address before is told."""
    account = await shop.accounts.change_email(given.token)
    if isinstance(account, Rejected):
        raise refused(account)
    return Response(status_code=204)


@router.post("/v1/auth/password-reset", response_model=Sent, status_code=202, responses=body_problems())
async def ask_password_reset(given: ResetIn, shop: TheShop) -> Response:
    """Ask for a link by which a new password can be chosen."""
    refusal = await shop.accounts.ask_reset(given.email)
    if refusal is not None:
        raise refused(refusal)
    return shaped(Sent(), 202)


@router.post("/v1/auth/password", status_code=204, responses={204: _NOTHING, **body_problems(403)})
async def reset_password(given: NewPasswordIn, shop: TheShop) -> Response:
    """Choose a new password by the mail's link. It works once, and logs out everywhere."""
    account = await shop.accounts.reset_password(given.token, given.password)
    if isinstance(account, Rejected):
        raise refused(account)
    return Response(status_code=204)


@form_router.post("/v1/auth/token", response_model=Token, responses=body_problems(401))
async def token(request: Request, asked: Annotated[TokenIn, Body(media_type=FORM)], shop: TheShop) -> Response:
    """Log in, or go on (RFC 6749). Errors are problems that carry `error` and `error_description`, too."""
    scopes = asked.scope.split()
    match asked.grant_type:
        case "password":
            label = request.headers.get("user-agent", "")
            tokens = await shop.accounts.log_in(
                asked.username, asked.password, code=asked.otp.strip(), label=label, scopes=scopes
            )
        case "refresh_token":
            tokens = await shop.accounts.refresh(asked.refresh_token, scopes)
        case "client_credentials":
            client_id, secret = basic_client(request) or (asked.client_id, asked.client_secret)
            return shaped(await _machines_token(shop, client_id, secret, scopes))
        case _:
            raise oauth_error("unsupported-grant-type")
    if isinstance(tokens, Rejected):
        raise oauth_refused(tokens)
    if asked.cart_id:
        await merge_guest_cart(shop, tokens.account_id, asked.cart_id, must_exist=False)
    if asked.anonymous_id:
        await join_visitor(shop, tokens.account_id, asked.anonymous_id)
    return shaped(token_of(tokens))


@form_router.post("/v1/auth/revoke", response_model=Empty, responses=body_problems())
async def revoke(asked: Annotated[RevokeIn, Body(media_type=FORM)], shop: TheShop) -> Response:
    """Log out: end the session that the refresh or access token is of (RFC 7009)."""
    await shop.accounts.revoke(asked.token)
    return shaped(Empty())


@public_router.get("/.well-known/jwks.json", response_model=Keys, responses=problems())
async def signing_keys(shop: TheShop) -> Response:
    """The keys that access tokens are verified with."""
    return shaped(Keys(keys=await shop.access.keys.public_keys()), headers=_CACHED)


@public_router.get("/.well-known/oauth-authorization-server", response_model=Metadata, responses=problems())
async def oauth_metadata(shop: TheShop) -> Response:
    """Where everything is, for clients that find their way by themselves (RFC 8414)."""
    issuer = shop.settings.public_url
    metadata = Metadata(
        issuer=issuer,
        token_endpoint=f"{issuer}/v1/auth/token",
        revocation_endpoint=f"{issuer}/v1/auth/revoke",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        grant_types_supported=["password", "refresh_token", "client_credentials"],
        response_types_supported=[],
        scopes_supported=[str(scope) for scope in Scope],
        token_endpoint_auth_methods_supported=["none", "client_secret_basic", "client_secret_post"],
    )
    return shaped(metadata, headers=_CACHED)


async def _machines_token(shop: Shop, client_id: str, secret: str, scopes: list[str]) -> Token:
    principal = await shop.access.machines.identify(MachineKey(client_id, secret))
    if principal is None:
        raise oauth_error("invalid-client")
    granted = sorted(set(principal.scopes) & set(scopes) if scopes else principal.scopes)
    if not granted:
        raise oauth_refused(Rejected(Reason.SCOPE_REFUSED))
    issued = await shop.access.tokens.issue(Kind.MACHINE, client_id, granted)
    return Token(access_token=issued, expires_in=shop.access.tokens.lifetime_s, scope=" ".join(granted))


def token_of(tokens: Tokens) -> Token:
    return Token(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        scope=tokens.scope,
        refresh_token=tokens.refresh_token,
    )
