"""What a customer keeps here: profile, addresses, orders, sessions, second factor, cart; and its erasure."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from engine.account import (
    AccountView,
    ConfirmTotp,
    DisableTotp,
    EnrolTotp,
    LookOrders,
    OrderNotes,
    PutAddress,
    RemoveAddress,
    SetPreferences,
    SetProfile,
    SignOut,
)
from engine.kernel import Command, Rejected
from engine.reasons import Reason

from ...accounts.secrets import hash_of, recovery_codes
from ...shop import Shop
from ..answers import shaped
from ..auth import CUSTOMER_TOKEN
from ..bounds import DEFAULT_PAGE
from ..cart_answer import cart_answer
from ..cursors import Cursor, Limit, cursor_after, read_cursor
from ..customer_carts import cart_of_customer, merge_guest_cart
from ..openapi import body_problems, problems
from ..problems import refused
from ..routing import CustomerLoginRoute, CustomerRoute, TheCustomer, ThePrincipal, TheShop, router_of
from ..schemas.account import (
    Account,
    Address,
    Addresses,
    ChangeEmailIn,
    ChangePasswordIn,
    CodeIn,
    Enrolment,
    OwnOrder,
    OwnOrders,
    PasswordIn,
    Preferences,
    Profile,
    RecoveryCodes,
    Sent,
    Session,
    Sessions,
)
from ..schemas.cart import Cart, MergeIn
from ..sending import answered

router = router_of(CustomerRoute, "accounts", security=CUSTOMER_TOKEN)
secret_router = router_of(CustomerLoginRoute, "accounts", security=CUSTOMER_TOKEN)

AddressPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,40}$", examples=["home"])]
SessionPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_NOTHING = {"description": "Done."}


@router.get("/v1/me", response_model=Account, responses=problems(401, 404))
async def look_me(customer: TheCustomer, shop: TheShop) -> Response:
    """Who you are."""
    return shaped(Account.of(await _account(shop, customer)))


@router.put("/v1/me/profile", response_model=Account, responses=body_problems(401, 404))
async def put_profile(profile: Profile, customer: TheCustomer, shop: TheShop) -> Response:
    """Replace what you say of yourself."""
    return shaped(Account.of(await _send(shop, customer, SetProfile(profile.to_engine()))))


@router.put("/v1/me/preferences", response_model=Account, responses=body_problems(401, 404))
async def put_preferences(given: Preferences, customer: TheCustomer, shop: TheShop) -> Response:
    """Replace all preferences."""
    return shaped(Account.of(await _send(shop, customer, SetPreferences(given.preferences))))


@router.get("/v1/me/addresses", response_model=Addresses, responses=problems(401, 404))
async def list_addresses(customer: TheCustomer, shop: TheShop) -> Response:
    """Your addresses."""
    return _addresses(await _account(shop, customer))


@router.put("/v1/me/addresses/{address_id}", response_model=Addresses, responses=body_problems(401, 404, 409))
async def put_address(address_id: AddressPath, address: Address, customer: TheCustomer, shop: TheShop) -> Response:
    """Keep an address under a name."""
    return _addresses(await _send(shop, customer, PutAddress(address_id, address.to_engine())))


@router.delete("/v1/me/addresses/{address_id}", response_model=Addresses, responses=problems(401, 404))
async def remove_address(address_id: AddressPath, customer: TheCustomer, shop: TheShop) -> Response:
    """Remove an address; one that isn't there is removed already."""
    return _addresses(await _send(shop, customer, RemoveAddress(address_id)))


@router.get("/v1/me/orders", response_model=OwnOrders, responses=problems(401, 404))
async def list_own_orders(
    customer: TheCustomer, shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = ""
) -> Response:
    """Your orders, newest first."""
    reply = await shop.client.send("account", customer, LookOrders(read_cursor(cursor), limit))
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, OrderNotes)
    next_cursor = cursor_after(reply.orders[-1].order_id) if len(reply.orders) == limit else None
    return shaped(OwnOrders(items=[OwnOrder.of(note) for note in reply.orders], next_cursor=next_cursor))


@router.get("/v1/me/sessions", response_model=Sessions, responses=problems(401, 404))
async def list_sessions(customer: TheCustomer, principal: ThePrincipal, shop: TheShop) -> Response:
    """Where you are logged in."""
    return _sessions(await _account(shop, customer), principal.session)


@router.delete("/v1/me/sessions/{session_id}", response_model=Sessions, responses=problems(401, 404))
async def end_session(
    session_id: SessionPath, customer: TheCustomer, principal: ThePrincipal, shop: TheShop
) -> Response:
    """Log a device out; its access token is good for some minutes yet."""
    return _sessions(await _send(shop, customer, SignOut(session_id)), principal.session)


@router.delete("/v1/me/sessions", response_model=Sessions, responses=problems(401, 404))
async def end_all_sessions(customer: TheCustomer, principal: ThePrincipal, shop: TheShop) -> Response:
    """Log out everywhere."""
    return _sessions(await _send(shop, customer, SignOut()), principal.session)


@secret_router.post("/v1/me/password", status_code=204, responses={204: _NOTHING, **body_problems(401, 404)})
async def change_password(
    given: ChangePasswordIn, customer: TheCustomer, principal: ThePrincipal, shop: TheShop
) -> Response:
    """Choose a new password; all other devices are logged out."""
    account = await shop.accounts.change_password(
        customer, given.old_password, given.password, session=principal.session
    )
    if isinstance(account, Rejected):
        raise refused(account)
    return Response(status_code=204)


@secret_router.post("/v1/me/totp", response_model=Enrolment, responses=body_problems(401, 404, 409))
async def enrol_totp(given: PasswordIn, customer: TheCustomer, shop: TheShop) -> Response:
    """Begin a second factor. It counts once `confirm` has seen a code of it."""
    account = await _account(shop, customer)
    if account.password:
        confirmed = await shop.accounts.confirmed(customer, given.password)
        if isinstance(confirmed, Rejected):
            raise refused(confirmed)
    enrolment = shop.accounts.factors.enrol(account.email)
    await _send(shop, customer, EnrolTotp(enrolment.sealed))
    return shaped(Enrolment(secret=enrolment.secret, uri=enrolment.uri))


@secret_router.post("/v1/me/totp/confirm", response_model=RecoveryCodes, responses=body_problems(401, 404, 409))
async def confirm_totp(given: CodeIn, customer: TheCustomer, shop: TheShop) -> Response:
    """Show a code of the new second factor: from now on logins need one. The recovery codes are shown only here."""
    sealed = (await _account(shop, customer)).enrolling
    second = shop.accounts.factors.factor_of(sealed, given.code, shop.now()) if sealed else None
    if second is None or second.recovery:
        raise refused(Rejected(Reason.LOGIN_REFUSED))
    codes = recovery_codes()
    await _send(shop, customer, ConfirmTotp(sealed, second.step, tuple(hash_of(code) for code in codes)))
    return shaped(RecoveryCodes(codes=codes))


@secret_router.post("/v1/me/totp/disable", response_model=Account, responses=body_problems(401, 404))
async def disable_totp(given: CodeIn, customer: TheCustomer, shop: TheShop) -> Response:
    """End the second factor, by one of its codes."""
    account = await _account(shop, customer)
    if not account.totp:
        return shaped(Account.of(account))
    second = await shop.accounts.second_factor(account, given.code)
    if isinstance(second, Rejected):
        raise refused(second)
    return shaped(Account.of(await _send(shop, customer, DisableTotp(second))))


@secret_router.post("/v1/me/email", response_model=Sent, status_code=202, responses=body_problems(401, 404))
async def ask_other_email(
    given: ChangeEmailIn, customer: TheCustomer, principal: ThePrincipal, shop: TheShop
) -> Response:
    """Ask for another address. Nothing changes until the link in the mail that is sent to it has come back."""
    refusal = await shop.accounts.ask_email(customer, given.email, given.password, principal.issued_at)
    if refusal is not None:
        raise refused(refusal)
    return shaped(Sent(), 202)


@secret_router.post("/v1/me/erasure", status_code=204, responses={204: _NOTHING, **body_problems(401, 404)})
async def erase_me(given: PasswordIn, customer: TheCustomer, principal: ThePrincipal, shop: TheShop) -> Response:
    """Have everything that tells who you are forgotten, for good. Orders stay, and are nobody's."""
    refusal = await shop.accounts.erase(customer, given.password, principal.issued_at)
    if refusal is not None:
        raise refused(refusal)
    return Response(status_code=204)


@router.get("/v1/me/cart", response_model=Cart, responses=problems(401, 404))
async def look_own_cart(customer: TheCustomer, shop: TheShop) -> Response:
    """Your cart, the same on every device. Its id is for the routes of carts; it opens to you alone."""
    return await cart_answer(shop, await cart_of_customer(shop, customer), account_id=customer)


@router.post("/v1/me/cart/merge", response_model=Cart, responses=body_problems(401, 404, 409, 410))
async def merge_cart(given: MergeIn, customer: TheCustomer, shop: TheShop) -> Response:
    """Put the lines of a guest's cart into yours; once, however often it is asked."""
    await merge_guest_cart(shop, customer, given.cart_id, must_exist=True)
    return await cart_answer(shop, await cart_of_customer(shop, customer), account_id=customer)


def _addresses(account: AccountView) -> Response:
    return shaped(Addresses(addresses={name: Address.of(address) for name, address in account.addresses.items()}))


def _sessions(account: AccountView, current: str) -> Response:
    newest_first = sorted(account.sessions.items(), key=lambda item: -item[1].used_at)
    return shaped(Sessions(items=[Session.of(session_id, session, current) for session_id, session in newest_first]))


async def _account(shop: Shop, account_id: str) -> AccountView:
    account = await shop.accounts.look(account_id)
    if account is None:
        raise refused(Rejected(Reason.NOT_FOUND))
    return account


async def _send(shop: Shop, account_id: str, command: Command) -> AccountView:
    return await answered(shop, "account", account_id, command, AccountView)
