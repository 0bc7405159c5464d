"""The books of coupons, gift cards and store credit, kept a second time from their events alone."""

from collections.abc import Iterator

from engine.coupon import Coupon
from engine.gift_card import Card, CardIssued, ToppedUp
from engine.kernel import Event
from engine.reservation import Committed, Expired, Released, Reserved, Returned


class VoucherBooks:
    """One voucher's events, added up on top of its `opening` state: that of trimmed events, or a new one."""

    def __init__(self, opening: Coupon | Card) -> None:
        self.came_in = opening.balance if isinstance(opening, Card) else 0
        self.used = opening.used if isinstance(opening, Coupon) else 0
        self.held = {name: hold.quantity for name, hold in opening.holds.open.items()}

    def record(self, event: Event) -> Iterator[str]:
        """Count the event; yields what is wrong with it."""
        match event:
            case CardIssued(amount=amount) | ToppedUp(amount=amount):
                self.came_in += amount.amount
            case Reserved(reservation_id=name, quantity=quantity):
                if name in self.held:
                    yield f"reservation {name} begins a second time"
                self.held[name] = quantity
            case Committed(reservation_id=name, quantity=quantity):
                if self.held.pop(name, None) != quantity:
                    yield f"reservation {name} is used up with {quantity}, but didn't hold that"
                self.used += quantity
            case Released(reservation_id=name, quantity=quantity) | Expired(reservation_id=name, quantity=quantity):
                if self.held.pop(name, 0) != quantity:
                    yield f"reservation {name} ends with {quantity}, but didn't hold that"
            case Returned(quantity=quantity):
                self.used -= quantity

    def compare(self, voucher: Coupon | Card) -> Iterator[str]:
        """What differs between these books and the engine's, and what can't be."""
        held = sum(self.held.values())
        if voucher.holds.reserved != held:
            yield f"reserved is {voucher.holds.reserved}, but the open reservations hold {held}"
        if isinstance(voucher, Coupon):
            if voucher.used != self.used:
                yield f"used is {voucher.used}, but {self.used} uses were committed and not returned"
        elif voucher.balance != self.came_in - self.used:
            yield f"the balance is {voucher.balance}, but {self.came_in} came in and {self.used} were spent"
        elif voucher.balance < held:
            yield f"overspent: {held} are held of {voucher.balance}"
