"""What a shopper has entered in a cart beside its lines: codes, cards, and the way of delivery.

Only kept: what it is worth is quoted when somebody asks, and decided when an order reserves it.
"""

import msgspec

from .address import DeliveryAddress
from .kernel import Command, Event, Instant, Rejected, invalid
from .reasons import Reason

MOST_COUPONS = 10
MOST_GIFT_CARDS = 5

LONGEST_WORD = 255
"""Characters of a code, a card's key, a method, or a line of an address."""


class KeptCard(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A gift card by its key, and what may be shown of its code."""

    key: str
    hint: str


class CartWishes(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything entered so far."""

    coupons: tuple[str, ...] = ()
    gift_cards: tuple[KeptCard, ...] = ()
    method: str = ""
    address: DeliveryAddress | None = None
    region: str = ""


class KeepCoupon(Command, frozen=True):
    """Keep the code, or with `wanted` False take it out."""

    code: str
    wanted: bool = True
    if_version: int | None = None


class KeepGiftCard(Command, frozen=True):
    """Keep the card, or with `wanted` False take it out."""

    card: KeptCard
    wanted: bool = True
    if_version: int | None = None


class KeepDelivery(Command, frozen=True):
    """Deliver in this way, to this address or region; empty: not chosen yet."""

    method: str = ""
    address: DeliveryAddress | None = None
    region: str = ""
    if_version: int | None = None


class WishesSet(Event, frozen=True):
    """All that the cart keeps is now this."""

    wishes: CartWishes
    at: Instant


WishCommand = KeepCoupon | KeepGiftCard | KeepDelivery


def wished(wishes: CartWishes, command: WishCommand) -> CartWishes | Rejected:
    """The wishes after the command."""
    match command:
        case KeepCoupon(code=code):
            return _with_coupon(wishes, code) if command.wanted else _without_coupon(wishes, code)
        case KeepGiftCard(card=card):
            return _with_card(wishes, card) if command.wanted else _without_card(wishes, card.key)
    return _delivered(wishes, command)


def _with_coupon(wishes: CartWishes, code: str) -> CartWishes | Rejected:
    if not 0 < len(code) <= LONGEST_WORD:
        return invalid("code", f"have 1 to {LONGEST_WORD} characters")
    if code in wishes.coupons:
        return wishes
    if len(wishes.coupons) >= MOST_COUPONS:
        return Rejected(Reason.CART_FULL, {"limit": MOST_COUPONS})
    return msgspec.structs.replace(wishes, coupons=(*wishes.coupons, code))


def _without_coupon(wishes: CartWishes, code: str) -> CartWishes:
    return msgspec.structs.replace(wishes, coupons=tuple(kept for kept in wishes.coupons if kept != code))


def _with_card(wishes: CartWishes, card: KeptCard) -> CartWishes | Rejected:
    if not 0 < len(card.key) <= LONGEST_WORD or len(card.hint) > LONGEST_WORD:
        return invalid("card", f"have a key of 1 to {LONGEST_WORD} characters")
    if any(kept.key == card.key for kept in wishes.gift_cards):
        return wishes
    if len(wishes.gift_cards) >= MOST_GIFT_CARDS:
        return Rejected(Reason.CART_FULL, {"limit": MOST_GIFT_CARDS})
    return msgspec.structs.replace(wishes, gift_cards=(*wishes.gift_cards, card))


def _without_card(wishes: CartWishes, key: str) -> CartWishes:
    return msgspec.structs.replace(wishes, gift_cards=tuple(card for card in wishes.gift_cards if card.key != key))


def _delivered(wishes: CartWishes, command: KeepDelivery) -> CartWishes | Rejected:
    words = [command.method, command.region]
    if command.address is not None:
        words += msgspec.structs.astuple(command.address)
    if any(len(word) > LONGEST_WORD for word in words):
        return invalid("address", f"have texts of at most {LONGEST_WORD} characters")
    return msgspec.structs.replace(wishes, method=command.method, address=command.address, region=command.region)
