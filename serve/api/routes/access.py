"""For those who run the shop: accounts and their roles, keys of machines, keys of tokens."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from engine.account import AccountView, SetRoles
from engine.handle import HandleView, LookHandle
from engine.kernel import Rejected
from engine.keyring import KeyringView
from engine.machines import REGISTER, LookMachines, MachinesView, RemoveMachine
from engine.reasons import Reason

from ...shop import Shop
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import EMAIL_PATTERN, MAX_EMAIL_LENGTH
from ..openapi import body_problems, problems
from ..problems import ProblemError, refused
from ..routing import AdminRoute, SupportRoute, ThePrincipal, TheShop, router_of
from ..schemas.account import (
    ACCOUNT_ID_PATTERN,
    Account,
    ApiKey,
    ApiKeys,
    Keys,
    MachineIn,
    NewApiKey,
    RolesIn,
    RotateIn,
)

support_router = router_of(SupportRoute, "accounts", "admin", security=ADMIN_KEY)
admin_router = router_of(AdminRoute, "accounts", "admin", security=ADMIN_KEY)

DAY_MS = 86_400_000
AccountPath = Annotated[str, Path(pattern=ACCOUNT_ID_PATTERN, examples=["acc_3q2-7wEXAMPLEoeM8n4A1xw"])]
KeyPath = Annotated[str, Path(pattern=r"^[0-9a-f]{1,64}$", examples=["6f1c1f6e6a534c1e"])]
_SHOWN_ONCE = {"description": "Made. The key is shown only here."}


@support_router.get("/v1/admin/accounts", response_model=Account, responses=problems(401, 404))
async def find_account(
    shop: TheShop, email: Annotated[str, Query(pattern=EMAIL_PATTERN, max_length=MAX_EMAIL_LENGTH)]
) -> Response:
    """The account of an address."""
    reply = await shop.client.send("handle", shop.accounts.handle_of_mail(email), LookHandle())
    assert isinstance(reply, HandleView)
    return await _shown(shop, reply.account_id)


@support_router.get("/v1/admin/accounts/{account_id}", response_model=Account, responses=problems(401, 404))
async def look_account(account_id: AccountPath, shop: TheShop) -> Response:
    """An account."""
    return await _shown(shop, account_id)


@admin_router.put("/v1/admin/accounts/{account_id}/roles", response_model=Account, responses=body_problems(401, 404))
async def put_roles(account_id: AccountPath, given: RolesIn, shop: TheShop) -> Response:
    """What the account may do beside buying. It is logged out everywhere."""
    reply = await shop.client.send("account", account_id, SetRoles(tuple(sorted(set(given.roles)))))
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, AccountView)
    return shaped(Account.of(reply))


@admin_router.post(
    "/v1/admin/api-keys",
    response_model=NewApiKey,
    status_code=201,
    responses={201: _SHOWN_ONCE, **body_problems(401, 409)},
)
async def make_api_key(given: MachineIn, principal: ThePrincipal, shop: TheShop) -> Response:
    """Make a key for a machine."""
    expires_at = shop.now() + given.days * DAY_MS if given.days else 0
    added = await shop.access.machines.add(given.name, given.scopes, expires_at=expires_at, by=principal.actor)
    if isinstance(added, Rejected):
        raise refused(added)
    key, machine = added
    return shaped(NewApiKey(**ApiKey.fields_of(machine), key=str(key), client_secret=key.secret), 201)


@admin_router.get("/v1/admin/api-keys", response_model=ApiKeys, responses=problems(401))
async def list_api_keys(shop: TheShop) -> Response:
    """The machines' keys, without their secrets."""
    reply = await shop.client.send("machines", REGISTER, LookMachines())
    assert isinstance(reply, MachinesView)
    return shaped(ApiKeys(items=[ApiKey(**ApiKey.fields_of(machine)) for machine in reply.machines]))


@admin_router.delete(
    "/v1/admin/api-keys/{key_id}", status_code=204, responses={204: {"description": "Out."}, **problems(401, 404)}
)
async def revoke_api_key(key_id: KeyPath, shop: TheShop) -> Response:
    """Let a machine in no more: within 5 seconds everywhere, or as its access token expires."""
    await shop.client.send("machines", REGISTER, RemoveMachine(key_id))
    return Response(status_code=204)


@admin_router.post("/v1/admin/signing-keys", response_model=Keys, status_code=201, responses=body_problems(401, 409))
async def rotate_signing_key(given: RotateIn, shop: TheShop) -> Response:
    """Add a key that access tokens are signed with from two minutes on. Nobody is logged out."""
    reply = await shop.access.keys.rotate(shop.new_id(), revoke=given.revoke)
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, KeyringView)
    shop.access.tokens.forget()
    return shaped(Keys(keys=await shop.access.keys.public_keys()), 201)


async def _shown(shop: Shop, account_id: str) -> Response:
    account = await shop.accounts.look(account_id) if account_id else None
    if account is None:
        raise ProblemError(Reason.NOT_FOUND)
    return shaped(Account.of(account))
