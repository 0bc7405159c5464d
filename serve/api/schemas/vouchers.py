"""The contract of coupon codes, gift cards and store credit."""

from typing import Annotated, Self

from pydantic import Field

from engine.coupon import MOST_USES, CouponView
from engine.gift_card import CardView
from engine.money import Money as EngineMoney

from ..bounds import (
    CARD_CODE_PATTERN,
    CURRENCY_PATTERN,
    DOCUMENT_KEY_PATTERN,
    MAX_AMOUNT,
    MAX_COUPONS_AT_ONCE,
    MAX_LABEL_LENGTH,
)
from .common import Input, Output, Timestamp, TotalMoney
from .times import InstantText, shown_instant

PromotionKey = Annotated[str, Field(pattern=DOCUMENT_KEY_PATTERN, examples=["summer"])]
Uses = Annotated[int, Field(ge=0, le=MOST_USES, description="0: no limit.")]
Note = Annotated[str, Field(max_length=MAX_LABEL_LENGTH)]


class CouponIn(Input):
    """The promotion that a code is for, and how often it may be used."""

    promotion: PromotionKey
    limit: Uses = 0
    customer_limit: Uses = 0
    ends_at: InstantText | None = None
    enabled: bool = True


class CouponsIn(Input):
    """Codes to generate, each for so many uses."""

    promotion: PromotionKey
    count: Annotated[int, Field(ge=1, le=MAX_COUPONS_AT_ONCE)]
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,20}$")] = ""
    limit: Uses = 1
    customer_limit: Uses = 0
    ends_at: InstantText | None = None


class Coupon(Output):
    """A code; `used` counts orders, `reserved` checkouts under way."""

    code: str
    version: int
    promotion: str
    limit: int
    customer_limit: int
    ends_at: Timestamp | None
    enabled: bool
    used: int
    reserved: int

    @classmethod
    def of(cls, view: CouponView) -> Self:
        return cls(
            code=view.code,
            version=view.version,
            promotion=view.promotion_id,
            limit=view.limit,
            customer_limit=view.customer_limit,
            ends_at=shown_instant(view.ends_at),
            enabled=view.enabled,
            used=view.used,
            reserved=view.reserved,
        )


class CouponPage(Output):
    """Codes in their order. Of one promotion a page may hold few, or none, though more follow."""

    items: list[Coupon]
    next_cursor: str | None


class Coupons(Output):
    """The codes that were generated."""

    codes: list[str]


class PositiveMoney(Input):
    """More than nothing."""

    amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT, description="Minor units.", examples=[5_000])]
    currency: Annotated[str, Field(pattern=CURRENCY_PATTERN, examples=["USD"])]

    def to_engine(self) -> EngineMoney:
        return EngineMoney(self.amount, self.currency)


class GiftCardIn(Input):
    """A card to issue."""

    amount: PositiveMoney
    expires_at: InstantText | None = None
    note: Note = ""


class GiftCardChangeIn(Input):
    """What to change; whatever is left out stays."""

    blocked: bool | None = None
    expires_at: InstantText | None = None
    note: Note = ""


class TopUpIn(Input):
    """Money that comes in."""

    amount: PositiveMoney
    note: Note = ""


class GiftCardCodeIn(Input):
    code: Annotated[str, Field(pattern=CARD_CODE_PATTERN, examples=["7KPM-2QXA-9RTD-WB4C"])]


class Balance(Output):
    """What is left; `available` is what no order under way holds."""

    balance: TotalMoney
    available: TotalMoney
    blocked: bool
    expires_at: Timestamp | None

    @classmethod
    def of(cls, view: CardView) -> Self:
        return cls(**_shown(view))


class GiftCard(Balance):
    """A card as the shop knows it: by its id, and the end of its code."""

    id: str
    hint: Annotated[str, Field(examples=["…WB4C"])]

    @classmethod
    def of(cls, view: CardView) -> Self:
        return cls(id=view.key, hint=view.hint, **_shown(view))


class IssuedGiftCard(GiftCard):
    """A new card, with the code that nobody can look up later."""

    code: Annotated[str, Field(examples=["7KPM-2QXA-9RTD-WB4C"])]


class LedgerEntry(Output):
    """A movement: held by an order, spent, given back, topped up."""

    version: int
    at: Timestamp
    event: str
    balance_change: int
    reserved_change: int
    id: str
    note: str


class CardLedger(Output):
    items: list[LedgerEntry]
    next_after: Annotated[int | None, Field(description="Pass it as `after` for the next page; null at the end.")]


def _shown(view: CardView) -> dict[str, object]:
    return {
        "balance": TotalMoney(amount=view.balance, currency=view.currency),
        "available": TotalMoney(amount=max(0, view.available), currency=view.currency),
        "blocked": view.blocked,
        "expires_at": shown_instant(view.expires_at),
    }
