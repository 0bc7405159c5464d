"""A coupon code: how often it may be used, by whom, and who is using it now. Its key is the code as it is normalized.

What a code is worth is its promotion's affair. A use is reserved and committed like a unit of stock, so a code that a
thousand checkouts want at once is used as often as it may be, and not once more.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from . import holds
from .holds import HoldAnswer, HoldCommand, HoldEvent, Holds
from .kernel import (
    Accepted,
    Answer,
    Command,
    Event,
    Instant,
    Kind,
    Message,
    Outcome,
    Rejected,
    ReminderDue,
    invalid,
)
from .reasons import Reason
from .reservation import Commit, Committed, Expired, Release, Released, Reserve, Reserved, Return, Returned

LONGEST_CODE = 64
"""Characters."""

LONGEST_NAME = 255
"""Characters of a promotion's id."""

MOST_USES = 1_000_000_000
"""Uses of one code."""

MOST_CUSTOMERS = 100_000
"""Customers whose uses are counted: a code with a limit for each of them is exhausted after so many."""

MOST_OPEN = 100_000
"""Checkouts that may be using one code at the same time."""


def normalized(code: str) -> str:
    """The code as its key: however people write it, `summer-10` is `SUMMER10`."""
    return "".join(character for character in code.upper() if character.isascii() and character.isalnum())


class PutCoupon(Command, frozen=True):
    """Create the code or change its limits (0: none); with `if_version`, only at that version (0: only if new)."""

    promotion_id: str
    limit: int = 0
    customer_limit: int = 0
    ends_at: Instant = 0
    enabled: bool = True
    if_version: int | None = None


class LookCoupon(Command, frozen=True):
    """Read the code's limits and uses."""


class CouponPut(Event, frozen=True):
    """The code is for this promotion, with these limits."""

    promotion_id: str
    limit: int
    customer_limit: int
    ends_at: Instant
    enabled: bool


class CouponView(Answer, frozen=True):
    """The code; `version` counts what was put, `used` and `reserved` its uses."""

    code: str
    version: int
    promotion_id: str
    limit: int
    customer_limit: int
    ends_at: Instant
    enabled: bool
    used: int
    reserved: int


class Coupon(msgspec.Struct, array_like=True, gc=False):
    """The state of a code; its version counts how often it was put."""

    code: str
    version: int = 0
    content: CouponPut | None = None
    used: int = 0
    holds: Holds = msgspec.field(default_factory=Holds)
    used_by: dict[str, int] = {}
    """Uses held and committed by customer, counted only while there is a limit per customer."""


def _put(coupon: Coupon, command: PutCoupon, _now: Instant) -> Outcome:
    if normalized(coupon.code) != coupon.code or not 0 < len(coupon.code) <= LONGEST_CODE:
        return invalid("code", f"be 1 to {LONGEST_CODE} capitals and digits")
    if not 0 < len(command.promotion_id) <= LONGEST_NAME:
        return invalid("promotion_id", f"have 1 to {LONGEST_NAME} characters")
    if not 0 <= command.limit <= MOST_USES or not 0 <= command.customer_limit <= MOST_USES:
        return invalid("limit", f"be 0 to {MOST_USES}, like customer_limit")
    content = CouponPut(command.promotion_id, command.limit, command.customer_limit, command.ends_at, command.enabled)
    if content == coupon.content and command.if_version in (None, coupon.version - 1, coupon.version):
        # A retry, or the same again.
        return Accepted((), _view(coupon, coupon.version, content))
    if command.if_version is not None and command.if_version != coupon.version:
        return Rejected(Reason.VERSION_CONFLICT, {"version": coupon.version})
    return Accepted((content,), _view(coupon, coupon.version + 1, content))


def _look(coupon: Coupon, _command: LookCoupon, _now: Instant) -> Outcome:
    if coupon.content is None:
        return Rejected(Reason.NOT_FOUND)
    return Accepted((), _view(coupon, coupon.version, coupon.content))


def _hold(coupon: Coupon, command: Any, now: Instant) -> Outcome:
    return holds.decide(coupon.holds, command, now, lambda reserve: _refusal_of(coupon, reserve, now))


def _refusal_of(coupon: Coupon, reserve: Reserve, now: Instant) -> Rejected | None:
    """Why the code can't be used; `terms` is the promotion that it was taken for."""
    content = coupon.content
    if content is None:
        return _refuse(coupon, Reason.COUPON_UNKNOWN)
    ended = content.ends_at and now >= content.ends_at
    if ended or not content.enabled or reserve.terms not in ("", content.promotion_id):
        return _refuse(coupon, Reason.COUPON_ENDED)
    if content.limit and coupon.used + coupon.holds.reserved + reserve.quantity > content.limit:
        return _refuse(coupon, Reason.COUPON_EXHAUSTED, limit=content.limit)
    if len(coupon.holds.open) >= MOST_OPEN:
        return _refuse(coupon, Reason.COUPON_EXHAUSTED, limit=MOST_OPEN)
    if content.customer_limit and reserve.customer:
        uses = coupon.used_by.get(reserve.customer, 0)
        if uses + reserve.quantity > content.customer_limit:
            return _refuse(coupon, Reason.COUPON_LIMIT, limit=content.customer_limit)
        if not uses and len(coupon.used_by) >= MOST_CUSTOMERS:
            return _refuse(coupon, Reason.COUPON_EXHAUSTED, limit=MOST_CUSTOMERS)
    return None


def _refuse(coupon: Coupon, reason: Reason, **details: Any) -> Rejected:
    return Rejected(reason, {"coupon": coupon.code, **details})


def _view(coupon: Coupon, version: int, content: CouponPut) -> CouponView:
    return CouponView(
        coupon.code,
        version,
        content.promotion_id,
        content.limit,
        content.customer_limit,
        content.ends_at,
        content.enabled,
        coupon.used,
        coupon.holds.reserved,
    )


def _apply_put(coupon: Coupon, event: CouponPut) -> None:
    coupon.version += 1
    if not event.customer_limit:
        coupon.used_by = {}
    elif coupon.content is None or not coupon.content.customer_limit:
        # Counting begins with what is held now; earlier uses were not counted by customer.
        for hold in coupon.holds.open.values():
            _count(coupon, hold.customer, hold.quantity)
    coupon.content = event


def _apply_hold(coupon: Coupon, event: HoldEvent) -> None:
    hold = holds.apply(coupon.holds, event)
    match event:
        case Reserved(customer=customer, quantity=quantity):
            if coupon.content is not None and coupon.content.customer_limit:
                _count(coupon, customer, quantity)
        case Committed(quantity=quantity):
            coupon.used += quantity
        case Released() | Expired():
            if hold is not None:
                _count(coupon, hold.customer, -hold.quantity)
        case Returned(customer=customer, quantity=quantity):
            coupon.used -= quantity
            _count(coupon, customer, -quantity)


def _count(coupon: Coupon, customer: str, uses: int) -> None:
    if not customer or (uses < 0 and customer not in coupon.used_by):
        return
    now_used = coupon.used_by.get(customer, 0) + uses
    if now_used > 0:
        coupon.used_by[customer] = now_used
    else:
        del coupon.used_by[customer]


_DECISIONS: dict[type[Command], Callable[[Coupon, Any, Instant], Outcome]] = {
    PutCoupon: _put,
    LookCoupon: _look,
    Reserve: _hold,
    Commit: _hold,
    Release: _hold,
    Return: _hold,
    ReminderDue: _hold,
}


def decide(coupon: Coupon, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](coupon, command, now)


def apply(coupon: Coupon, event: Message) -> None:
    """Change the coupon as the event tells."""
    if isinstance(event, CouponPut):
        _apply_put(coupon, event)
    else:
        _apply_hold(coupon, event)  # type: ignore[arg-type]


def remind_at(coupon: Coupon) -> Instant | None:
    """When a checkout's use may expire."""
    return holds.remind_at(coupon.holds)


COUPON = Kind(
    name="coupon",
    new=Coupon,
    decide=decide,
    apply=apply,
    commands=PutCoupon | LookCoupon | HoldCommand,
    events=CouponPut | HoldEvent,
    answers=CouponView | HoldAnswer,
    state=Coupon,
    listed=True,
    remind_at=remind_at,
)
