"""The one protocol of everything that a checkout takes from: reserve, then commit, release or expire; and return.

A stock's units, a coupon's uses, the money of a gift card, the allotment of a sale: an order speaks to all of them (its
participants) by these messages and knows nothing else of them. A reservation ends in exactly one way, and
every command names it, so sending one twice is harmless.
"""

import msgspec

from .kernel import Answer, Command, Event, Instant

MOST_UNITS = 1_000_000
"""Units in one command: more is a typing error, not a trade."""

SECOND_MS = 1_000
DAY_MS = 86_400 * SECOND_MS

LONGEST_HOLD_MS = 2 * DAY_MS
"""No reservation is asked for longer than this ahead."""

ENDED_KEPT_MS = 7 * DAY_MS
"""How long a reservation that was released, expired or returned is remembered as ended."""

COMMIT_KNOWN_MS = ENDED_KEPT_MS - LONGEST_HOLD_MS
"""A commit may be repeated until this long after the reservation's expiry. If the reservation had ended otherwise, that
was not earlier than `LONGEST_HOLD_MS` before its expiry, so until then it would still be remembered as ended."""

SOLD_KEPT_MS = 10 * SECOND_MS
"""How long a committed reservation is remembered by name: longer than any message can be delayed, because the runtime
refuses commands past their deadline."""

FORGET_EVERY_MS = SECOND_MS
"""How often old reservations are looked for: not at every sale, since a dict is slow to find its oldest entry."""

MOST_EXPIRED_AT_ONCE = 1_000
"""Reservations that one reminder expires; the next follows at once."""


class Reserve(Command, frozen=True):
    """Hold `quantity` until `expires_at` for `customer` (who the limit per customer counts).

    `terms` is whatever else a participant must know to decide: a stock needs nothing.
    """

    reservation_id: str
    quantity: int
    expires_at: Instant
    customer: str = ""
    terms: str = ""


class Commit(Command, frozen=True):
    """What is held is sold: it is there no more. `sequence` is the one that `Reserve` was answered with."""

    reservation_id: str
    sequence: int
    expires_at: Instant


class Release(Command, frozen=True):
    """The hold ends without a sale. One that never was is remembered as ended, so that it can't begin late."""

    reservation_id: str


class Return(Command, frozen=True):
    """What was committed comes back (a cancelled order)."""

    reservation_id: str
    quantity: int
    customer: str = ""


class Reserved(Event, frozen=True):
    reservation_id: str
    quantity: int
    expires_at: Instant
    customer: str = ""


class Committed(Event, frozen=True):
    reservation_id: str
    quantity: int
    at: Instant


class Released(Event, frozen=True):
    reservation_id: str
    quantity: int
    at: Instant


class Expired(Event, frozen=True):
    reservation_id: str
    quantity: int
    at: Instant


class Returned(Event, frozen=True):
    reservation_id: str
    quantity: int
    at: Instant
    customer: str = ""


class NextExpiryFound(Event, frozen=True):
    """The earliest expiry among the open holds is this (0: there is none), found by looking at all of them."""

    expires_at: Instant


class Held(Answer, frozen=True):
    """The reservation stands; `sequence` counts the participant's reservations from 1.

    `backordered`: the units aren't here yet; they should leave from `ships_from` on (0: nobody knows).
    """

    sequence: int
    expires_at: Instant
    backordered: bool = False
    ships_from: Instant = 0


class Done(Answer, frozen=True):
    """The command is (or already was) carried out."""


class Hold(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An open reservation."""

    sequence: int
    expires_at: Instant
    quantity: int
    customer: str = ""


class Sold(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reservation that was committed at `at`."""

    sequence: int
    expires_at: Instant
    at: Instant


class Ended(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reservation that ended without a sale, or whose sale was undone, at `at`."""

    at: Instant
    how: str
    """`released`, `expired` or `returned`."""


def forget_before(ends: dict[str, Sold] | dict[str, Ended], before: Instant) -> None:
    """Drop the oldest, which come first, up to an instant."""
    old = []
    for reservation_id, end in ends.items():
        if end.at >= before:
            break
        old.append(reservation_id)
    for reservation_id in old:
        del ends[reservation_id]


def count_back(bought: dict[str, int], customer: str, quantity: int) -> None:
    """The customer has so many units less, where their units are counted."""
    before = bought.get(customer)
    if before is None:
        return
    if before > quantity:
        bought[customer] = before - quantity
    else:
        del bought[customer]
