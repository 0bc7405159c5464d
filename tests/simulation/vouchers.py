"""Coupons, gift cards, store credit and bundles: what shoppers do with them, and the books of what is used up."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from engine.cart import AddLine, Line, OpenCart
from engine.coupon import CouponPut, CouponView, PutCoupon
from engine.gift_card import CardIssued, CardView, IssueCard, SetCard, ToppedUp, TopUp
from engine.kernel import Command, Event, Reply
from engine.money import Money
from engine.order import Claim, Place, Units
from engine.pricing import Benefit, Context, Goods, Promotion, Quote, quote

from .bank import TREATMENTS
from .books import Broken, Quantities, StockBook
from .goods import Errand

KINDS = ("coupon", "gift-card", "store-credit")
UNLIMITED = 10**9
CARDS = (("gift-card", "card-1"), ("gift-card", "card-2"), ("store-credit", "ada@USD"))
COUPONS = ("SCARCE", "ONCE")
SUMMER = {"summer": Promotion("Summer", Benefit.PERCENTAGE, percent_bp=2_000, needs_coupon=True)}
"""Both codes are for this."""


def draw_vouchers(random: Random, fronts: int, skus: tuple[str, ...], active_s: float) -> tuple[Errand, ...]:
    """The errands of one history: what the shop gives out, and who comes with it."""
    if random.random() < 0.3:
        return ()
    given_out = [
        _errand(random, fronts, 0.0, "coupon", "SCARCE", PutCoupon("summer", random.choice((1, 3)))),
        _errand(random, fronts, 0.0, "coupon", "ONCE", PutCoupon("summer", 0, 1)),
        _errand(random, fronts, 0.0, "gift-card", "card-1", IssueCard(Money(300, "USD"))),
        _errand(random, fronts, 0.0, "gift-card", "card-2", IssueCard(Money(90, "USD"))),
        *_later(random, fronts, active_s),
    ]
    # Some of them come at the same time, with the same codes and cards.
    rush_at = random.random() * active_s * 0.8
    bought = [
        _errand(random, fronts, at, "order", f"ord-v{number}", _place(random, skus))
        for number in range(random.randint(4, 14))
        for at in [random.choice((rush_at, random.random() * active_s))]
    ]
    return (*given_out, *bought, *_quoted_carts(random, fronts, skus, active_s))


def _errand(random: Random, fronts: int, at: float, kind: str, key: str, *commands: Command) -> Errand:
    # Everything may be sent twice.
    steps = [command for command in commands for _ in range(random.choice((1, 1, 2)))]
    return Errand(at, random.randrange(fronts), kind, key, tuple((random.random() * 2.0, step) for step in steps))


def _later(random: Random, fronts: int, active_s: float) -> Iterator[Errand]:
    for number in range(random.choice((1, 3))):
        kind, key = random.choice(CARDS)
        yield _errand(random, fronts, random.random() * active_s, kind, key, TopUp(f"t-{number}", Money(120, "USD")))
    if random.random() < 0.3:
        yield _errand(random, fronts, random.random() * active_s, *CARDS[0], SetCard(blocked=True))


def _place(random: Random, skus: tuple[str, ...]) -> Place:
    """A purchase with some of: a coupon, cards that pay, a bundle whose components other lines need, too."""
    lines = tuple(Line(sku, random.choice((1, 2)), Money(100 + len(sku), "USD")) for sku in random.sample(skus, 2))
    units: tuple[Units, ...] = ()
    if random.random() < 0.4:
        lines = (*lines, Line("PARTY-SET", 1, Money(250, "USD")))
        parts = [Units(line.sku, "default", line.quantity) for line in lines[:2]]
        # The set needs what the lines need, too: together, and one of them from another place.
        units = (*parts, Units(skus[0], "default", 1), Units(skus[1], random.choice(("default", "north")), 1))
    code = random.choice((None, *COUPONS))
    quoted = quote_of(lines, code)
    claims = [Claim("coupon", code, 1, terms="summer")] if code else []
    left = quoted.total
    for kind, key in random.sample(CARDS, random.choice((0, 1, 1, 2))):
        amount = min(left, random.choice((30, 90, 200, 1_000)))
        if amount:
            claims.append(Claim(kind, key, amount, pays=True, terms="USD"))
            left -= amount
    (token,) = random.choices(list(TREATMENTS), weights=list(TREATMENTS.values()))
    customer, window_s = random.choice(("ada", "bert", "")), random.choice((2, 5, 10, 30))
    return Place(
        *("same", "ada@example.org", "bank", token, lines, "", customer, window_s),
        units=units,
        claims=tuple(claims),
        quote=quoted,
    )


def quote_of(lines: tuple[Line, ...], code: str | None) -> Quote:
    """What the lines cost with this code."""
    goods = [Goods(line.sku, line.quantity, line.price) for line in lines]
    found = quote(goods, SUMMER, Context("USD", 0, coupons={code: "summer"} if code else {}))
    assert found is not None
    return found


def _quoted_carts(random: Random, fronts: int, skus: tuple[str, ...], active_s: float) -> Iterator[Errand]:
    """A cart that is looked at and checked out as it was, while somebody adds to it."""
    for number in range(random.choice((0, 1, 2))):
        cart_id, at = f"cart-v{number}", random.random() * active_s * 0.6
        line = Line(skus[0], 1, Money(100 + len(skus[0]), "USD"))
        add = AddLine(line.sku, 1, line.price, "", f"{cart_id}-first")
        yield Errand(at, 0, "cart", cart_id, ((0.1, OpenCart()), (0.1, add)))
        (token,) = random.choices(list(TREATMENTS), weights=list(TREATMENTS.values()))
        place = Place("same", "ada@example.org", "bank", token, (line,), cart_id, "ada", 10, cart_version=2)
        yield _errand(random, fronts, at + 1.5, "order", f"ord-{cart_id}", place)
        if random.random() < 0.6:
            more = AddLine(skus[1], 1, Money(100 + len(skus[1]), "USD"), "", f"{cart_id}-more")
            yield _errand(random, fronts, at + random.random() * 3.0, "cart", cart_id, more)


@dataclass
class VoucherBook(StockBook):
    """A coupon's uses or a card's money, kept like a stock: what comes in, what is held, what is used up."""

    def fold(self, event: Event, at: float) -> None:
        match event:
            case CouponPut(limit=limit, customer_limit=customer_limit):
                if self.received:
                    raise Broken("a code is put twice")
                self.customer_limit = customer_limit
                self._come_in(limit or UNLIMITED, at)
            case CardIssued(amount=amount):
                self._come_in(amount.amount, at)
            case ToppedUp(top_up_id=name, amount=amount):
                self._once(self.receipts, name, "top-up", amount.amount)
                self._come_in(amount.amount, at)
            case _ if type(event).__name__ == "CardSet":
                pass
            case _:
                super().fold(event, at)

    def _come_in(self, units: int, at: float) -> None:
        self.on_hand += units
        self.received += units
        self.history.append(Quantities(at, self.on_hand, self.reserved, 0))
        self._check()

    @property
    def done(self) -> bool:
        """Whether nothing will happen by itself any more."""
        return True

    def differs_from(self, reply: Reply) -> str:
        """What the living entity says otherwise."""
        match reply:
            case CouponView():
                lives, recorded = (reply.used, reply.reserved), (self.committed - self.returned, self.reserved)
            case CardView():
                lives, recorded = (reply.balance, reply.reserved), (self.on_hand, self.reserved)
            case _:
                return "" if not self.received else f"is answered with {reply}, but recorded"
        return "" if lives == recorded else f"lives with {lives}, recorded is {recorded}"
