"""Gift cards and store credit: issued, topped up and blocked by whoever runs the shop; looked at by who has them."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from engine.gift_card import CardView, IssueCard, LookCard, SetCard, TopUp, store_credit_key
from engine.kernel import Command, Rejected
from engine.reasons import Reason

from ...identity import receipt_id_of
from ...shop import Shop
from ...vouchers import gift_card_code, gift_card_key, hint_of
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import CURRENCY_PATTERN, GIFT_CARD_ID_PATTERN, STORE_CREDIT_ACCOUNT_PATTERN
from ..card_ledger import movements_of
from ..openapi import body_problems, problems
from ..problems import ProblemError, refused
from ..requests import idempotency_key_of
from ..routing import CustomerRoute, LoginRoute, MerchantRoute, SupportRoute, TheCustomer, TheShop, router_of
from ..schemas.times import instant_of
from ..schemas.vouchers import (
    Balance,
    CardLedger,
    GiftCard,
    GiftCardChangeIn,
    GiftCardCodeIn,
    GiftCardIn,
    IssuedGiftCard,
    TopUpIn,
)
from ..sending import answered
from .orders import PurchaseKey

router = router_of(LoginRoute, "gift cards")
own_router = router_of(CustomerRoute, "gift cards")
merchant_router = router_of(MerchantRoute, "gift cards", "admin", security=ADMIN_KEY)
support_router = router_of(SupportRoute, "gift cards", "admin", security=ADMIN_KEY)

CardPath = Annotated[str, Path(pattern=GIFT_CARD_ID_PATTERN, examples=["gc_6b1f0a5c9d2e4f7081a2b3c4d5e6f708"])]
AccountPath = Annotated[str, Path(pattern=STORE_CREDIT_ACCOUNT_PATTERN, examples=["acc_0123456789abcdef"])]
CurrencyPath = Annotated[str, Path(pattern=CURRENCY_PATTERN, examples=["USD"])]
CREDIT = "/v1/admin/accounts/{account_id}/credit/{currency}"


@router.post("/v1/gift-cards/balance", response_model=Balance, responses=body_problems(404))
async def look_balance(card: GiftCardCodeIn, shop: TheShop) -> Response:
    """What is left on a card, for whoever has its code."""
    view = await _send(shop, "gift-card", gift_card_key(shop.secret, card.code), LookCard())
    return shaped(Balance.of(view))


@own_router.get("/v1/me/credit/{currency}", response_model=Balance, responses=problems(401, 403, 404))
async def look_own_credit(currency: CurrencyPath, shop: TheShop, account_id: TheCustomer) -> Response:
    """The store credit of whoever asks."""
    return shaped(Balance.of(await _send(shop, "store-credit", store_credit_key(account_id, currency), LookCard())))


@merchant_router.post(
    "/v1/admin/gift-cards", response_model=IssuedGiftCard, status_code=201, responses=body_problems(401, 403, 409)
)
async def issue_gift_card(card: GiftCardIn, shop: TheShop, idempotency_key: PurchaseKey) -> Response:
    """Issue a card. Its code is in this answer and nowhere else; the same key gets the same card."""
    code = gift_card_code(shop.secret, idempotency_key_of(idempotency_key))
    command = IssueCard(card.amount.to_engine(), hint_of(code), instant_of(card.expires_at), card.note)
    view = await _send(shop, "gift-card", gift_card_key(shop.secret, code), command)
    issued = IssuedGiftCard(code=code, **GiftCard.of(view).model_dump())
    return shaped(issued, 201, {"location": f"/v1/admin/gift-cards/{view.key}", "cache-control": "no-store"})


@support_router.get("/v1/admin/gift-cards/{card_id}", response_model=GiftCard, responses=problems(401, 403, 404))
async def look_gift_card(card_id: CardPath, shop: TheShop) -> Response:
    """A card by its id."""
    return shaped(GiftCard.of(await _send(shop, "gift-card", card_id, LookCard())))


@merchant_router.post(
    "/v1/admin/gift-cards/{card_id}/change", response_model=GiftCard, responses=body_problems(401, 403, 404)
)
async def change_gift_card(card_id: CardPath, change: GiftCardChangeIn, shop: TheShop) -> Response:
    """Block or unblock a card, or change when it expires. What orders hold already is still spent."""
    expires_at = instant_of(change.expires_at) if change.expires_at else None
    return shaped(
        GiftCard.of(await _send(shop, "gift-card", card_id, SetCard(change.blocked, expires_at, change.note)))
    )


@merchant_router.post(
    "/v1/admin/gift-cards/{card_id}/top-ups",
    response_model=GiftCard,
    status_code=201,
    responses=body_problems(401, 403, 404, 409),
)
async def top_up_gift_card(card_id: CardPath, top_up: TopUpIn, shop: TheShop, idempotency_key: PurchaseKey) -> Response:
    """Money comes onto a card; the same key books once."""
    await _top_up(shop, "gift-card", card_id, top_up, idempotency_key)
    return shaped(GiftCard.of(await _send(shop, "gift-card", card_id, LookCard())), 201)


@support_router.get(
    "/v1/admin/gift-cards/{card_id}/ledger", response_model=CardLedger, responses=problems(401, 403, 404)
)
async def look_gift_card_ledger(
    card_id: CardPath,
    shop: TheShop,
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Every movement of a card, oldest first: the changes add up to its balance."""
    return await _ledger(shop, "gift-card", card_id, after, limit)


@support_router.get(CREDIT, response_model=Balance, responses=problems(401, 403, 404))
async def look_store_credit(account_id: AccountPath, currency: CurrencyPath, shop: TheShop) -> Response:
    """An account's store credit."""
    return shaped(Balance.of(await _send(shop, "store-credit", store_credit_key(account_id, currency), LookCard())))


@merchant_router.post(
    "/v1/admin/accounts/{account_id}/credit",
    response_model=Balance,
    status_code=201,
    responses=body_problems(401, 403, 404, 409),
)
async def top_up_store_credit(
    account_id: AccountPath, top_up: TopUpIn, shop: TheShop, idempotency_key: PurchaseKey
) -> Response:
    """Give an account credit; the same key books once."""
    key = store_credit_key(account_id, top_up.amount.currency)
    await _top_up(shop, "store-credit", key, top_up, idempotency_key)
    return shaped(Balance.of(await _send(shop, "store-credit", key, LookCard())), 201)


@support_router.get(CREDIT + "/ledger", response_model=CardLedger, responses=problems(401, 403, 404))
async def look_store_credit_ledger(
    account_id: AccountPath,
    currency: CurrencyPath,
    shop: TheShop,
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Every movement of an account's credit, oldest first."""
    return await _ledger(shop, "store-credit", store_credit_key(account_id, currency), after, limit)


async def _top_up(shop: Shop, kind: str, key: str, top_up: TopUpIn, idempotency_key: str) -> None:
    top_up_id = receipt_id_of(key, idempotency_key_of(idempotency_key))
    reply = await shop.client.send(kind, key, TopUp(top_up_id, top_up.amount.to_engine(), top_up.note))
    if isinstance(reply, Rejected):
        raise refused(reply)


async def _ledger(shop: Shop, kind: str, key: str, after: int, limit: int) -> Response:
    entries = await shop.client.history(kind, key, after_version=after, limit=limit)
    if not entries and not after:
        raise ProblemError(Reason.NOT_FOUND)
    items = [row for entry in entries for row in movements_of(entry)]
    return shaped(CardLedger(items=items, next_after=entries[-1].version if len(entries) == limit else None))


async def _send(shop: Shop, kind: str, key: str, command: Command) -> CardView:
    return await answered(shop, kind, key, command, CardView)
