"""A visitor: what they did last in the shop, and what they seem to like; an anonymous one, or a customer.

What an anonymous visitor did goes to the customer who logs in, once. Whoever doesn't want to be known is counted with
all the others like that: under a key that is nobody's, without anything that ties two of their events together.
"""

from bisect import bisect_right
from collections.abc import Callable
from enum import StrEnum
from typing import Any
from zlib import crc32

import msgspec

from .kernel import (
    Accepted,
    Answer,
    Command,
    Effect,
    EffectAnswered,
    Event,
    Instant,
    Kind,
    Message,
    Outcome,
    Send,
    invalid,
)
from .money import Money
from .order.ownership import ACCOUNT_PREFIX

MOST_EVENTS = 100
"""Of one batch."""
LONGEST_ID = 64
"""Characters of an event's, a visitor's or a session's id."""
MOST_RECENT = 50
"""Events that are kept to be looked at: enough for a session and the ones before it."""
IDS_KEPT = 256
"""Events that are remembered by id: more than two full batches, as a sender may repeat the last but one."""
IDS_KEPT_UNLINKED = 8_192
"""The same where everybody who doesn't want to be known shares a few keys."""
UNLINKED_KEYS = 4
"""So many entities take the events of all who don't want to be known."""
MOST_INTERESTS = 60
INTERESTS_KEPT = 40
"""The strongest of too many: sorted once for a score of new ones and not for each."""
MOST_HAND_OVERS = 8
"""On their way at a time: of more logins, before the first is heard of, the last ones take nothing with them."""
MOST_DEVICES = 32
"""Anonymous visitors that are remembered because what they did came here."""

DAY_MS = 86_400_000
DAILY = 977
"""Thousandths of an interest's weight that are left after a day: half of it after thirty."""
LONGEST_MEMORY_DAYS = 400
"""After that nothing is left of any weight."""

BANDS = (0, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000)
"""Where bands of prices begin, in minor units of whatever currency."""

ANONYMOUS_PREFIX = "anon_"
UNLINKED_PREFIX = "unlinked_"


class Action(StrEnum):
    """What a visitor can do. What they bought is told by orders; a purchase says only which order was theirs."""

    VIEW = "view"
    SEARCH = "search"
    CLICK = "click"
    ADD_TO_CART = "add_to_cart"
    REMOVE_FROM_CART = "remove_from_cart"
    CHECKOUT_STARTED = "checkout_started"
    PURCHASE = "purchase"


WEIGHTS = {
    Action.VIEW: 1_000,
    Action.SEARCH: 0,
    Action.CLICK: 1_500,
    Action.ADD_TO_CART: 4_000,
    Action.REMOVE_FROM_CART: -2_000,
    Action.CHECKOUT_STARTED: 5_000,
    Action.PURCHASE: 0,
}
"""What each says of an interest in the product, in thousandths of a view. Whole numbers: every machine adds them up to
the same."""


class Behaved(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that a visitor did, at a time by the visitor's own clock, as far as that can be believed."""

    id: str
    action: Action
    at: Instant
    sku: str = ""
    query: str = ""
    placement: str = ""
    rank: int = 0
    """Place in the list where it was, from 1; 0: in none."""
    list_id: str = ""
    """The recommendation or search that made the list."""
    session: str = ""
    quantity: int = 0
    order_id: str = ""
    """Of a purchase."""


class Shown(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a product was when the visitor met it."""

    category: str
    vendor: str
    price: Money


class HandOver(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an anonymous visitor did before a login, on its way to the customer; `number` counts a visitor's logins."""

    account_id: str
    number: int
    recent: tuple[Behaved, ...]
    interests: dict[str, int]


class RecordBehaviour(Command, frozen=True):
    """Record these events, but those whose ids are known; `shown` are the products that they name."""

    events: tuple[Behaved, ...]
    shown: dict[str, Shown] = {}


class JoinAccount(Command, frozen=True):
    """The anonymous visitor has logged in: what is known of them goes to that account's visitor."""

    account_id: str


class TakeInBehaviour(Command, frozen=True):
    """What an anonymous visitor did is this customer's from now on; of one hand-over once."""

    visitor_id: str
    number: int
    recent: tuple[Behaved, ...]
    interests: dict[str, int]


class ForgetVisitor(Command, frozen=True):
    """Forget everything, also of the devices that it came from; `for_good`: never record anything again."""

    for_good: bool = False


class LookVisitor(Command, frozen=True):
    """Read what is known."""


class BehaviourNoted(Answer, frozen=True):
    """How many events were recorded now, and how many had been already."""

    recorded: int = 0
    repeated: int = 0


class VisitorView(Answer, frozen=True):
    """The newest events, oldest first, and interests with their weights in thousandths of a view."""

    visitor_id: str
    recorded: int
    recent: tuple[Behaved, ...]
    interests: dict[str, int]


class BehaviourRecorded(Event, frozen=True):
    """The visitor did this."""

    events: tuple[Behaved, ...]
    at: Instant
    shown: dict[str, Shown] = {}


class BehaviourHandedOver(Event, frozen=True):
    """What is known of the anonymous visitor goes to the account."""

    account_id: str
    at: Instant


class HandOverDone(Event, frozen=True):
    """The account has the first of what is on its way."""


class BehaviourTakenIn(Event, frozen=True):
    """What an anonymous visitor did is this customer's."""

    visitor_id: str
    number: int
    recent: tuple[Behaved, ...]
    interests: dict[str, int]
    at: Instant


class BehaviourForgotten(Event, frozen=True):
    """Nothing is known of the visitor any more, and nothing will be where it is for good."""

    at: Instant
    for_good: bool = False


class DeviceForgotten(Event, frozen=True):
    """The anonymous visitor that had logged in here is forgotten, too."""

    visitor_id: str


class Visitor(msgspec.Struct, array_like=True, gc=False):
    """The state of a visitor. `recorded` counts events; `seen` are the newest ids; `weighed_at` is when the weights of
    `interests` were last made less; `devices` are anonymous visitors with the number of their last hand-over."""

    visitor_id: str
    recorded: int = 0
    recent: list[Behaved] = []
    seen: dict[str, None] = {}
    interests: dict[str, int] = {}
    weighed_at: Instant = 0
    handing: list[HandOver] = []
    """One after the other: by the last number a customer knows which of them are there."""
    hand_overs: int = 0
    devices: dict[str, int] = {}
    forgetting: dict[str, None] = {}
    """Devices that have yet to be told to forget."""
    forgotten: list[str] = []
    """Devices that did: what the journal still says of them may go."""
    erased: bool = False


def anonymous_key(anonymous_id: str) -> str:
    """The visitor of a browser or an app that nobody has logged in with."""
    return ANONYMOUS_PREFIX + anonymous_id


def unlinked_key(event_id: str) -> str:
    """Where an event of somebody who doesn't want to be known is recorded: a retry comes to the same place."""
    return f"{UNLINKED_PREFIX}{crc32(event_id.encode()) % UNLINKED_KEYS}"


def band_of(price: Money) -> str:
    """The band that a price is in, by its currency and its first minor unit."""
    lowest = BANDS[max(bisect_right(BANDS, price.amount), 1) - 1]
    return f"{price.currency}:{lowest}"


def interests_of(shown: Shown) -> list[str]:
    """What somebody who likes the product may like."""
    interests = [f"price:{band_of(shown.price)}"]
    if shown.category:
        interests.append(f"category:{shown.category}")
    if shown.vendor:
        interests.append(f"vendor:{shown.vendor}")
    return interests


def _record(visitor: Visitor, command: RecordBehaviour, now: Instant) -> Outcome:
    if not 0 < len(command.events) <= MOST_EVENTS:
        return invalid("events", f"be 1 to {MOST_EVENTS}")
    if visitor.erased:
        return Accepted((), BehaviourNoted())
    fresh: dict[str, Behaved] = {}
    for event in command.events:
        if not 0 < len(event.id) <= LONGEST_ID:
            return invalid("id", f"have 1 to {LONGEST_ID} characters")
        if event.id not in visitor.seen:
            fresh.setdefault(event.id, event)
    noted = BehaviourNoted(len(fresh), len(command.events) - len(fresh))
    if not fresh:
        return Accepted((), noted)
    events = tuple(fresh.values())
    return Accepted((BehaviourRecorded(events, now, command.shown),), noted)


def _join(visitor: Visitor, command: JoinAccount, now: Instant) -> Outcome:
    if not visitor.visitor_id.startswith(ANONYMOUS_PREFIX):
        return invalid("visitor_id", "be an anonymous visitor's")
    if not command.account_id.startswith(ACCOUNT_PREFIX) or len(command.account_id) > LONGEST_ID:
        return invalid("account_id", "be an account's")
    # Of two logins at once the first gets it; a repeated one finds nothing left to hand over.
    if len(visitor.handing) >= MOST_HAND_OVERS or not visitor.recent:
        return Accepted((), BehaviourNoted())
    return Accepted((BehaviourHandedOver(command.account_id, now),), BehaviourNoted())


def _take_in(visitor: Visitor, command: TakeInBehaviour, now: Instant) -> Outcome:
    if visitor.erased or visitor.devices.get(command.visitor_id, 0) >= command.number:
        return Accepted((), BehaviourNoted())
    taken = BehaviourTakenIn(command.visitor_id, command.number, command.recent, command.interests, now)
    return Accepted((taken,), BehaviourNoted())


def _forget(visitor: Visitor, command: ForgetVisitor, now: Instant) -> Outcome:
    known = visitor.recorded or visitor.devices or visitor.handing
    if visitor.erased or not (known or command.for_good):
        return Accepted((), BehaviourNoted())
    return Accepted((BehaviourForgotten(now, command.for_good),), BehaviourNoted())


def _look(visitor: Visitor, _command: LookVisitor, _now: Instant) -> Outcome:
    return Accepted((), view(visitor))


def _answered(visitor: Visitor, command: EffectAnswered, _now: Instant) -> Outcome:
    """Whatever the other said: one that is erased takes nothing in, and has nothing to forget."""
    name, _, rest = command.effect_id.partition(":")
    if name == "hand-over":
        return Accepted((HandOverDone(),) if visitor.handing and str(visitor.handing[0].number) == rest else ())
    return Accepted((DeviceForgotten(rest),) if rest in visitor.forgetting else ())


def _apply_recorded(visitor: Visitor, event: BehaviourRecorded) -> None:
    visitor.recorded += len(event.events)
    seen = visitor.seen
    for behaved in event.events:
        seen[behaved.id] = None
    if visitor.visitor_id.startswith(UNLINKED_PREFIX):
        _forget_oldest(seen, IDS_KEPT_UNLINKED)
        return
    _forget_oldest(seen, IDS_KEPT)
    visitor.recent = [*visitor.recent, *event.events][-MOST_RECENT:]
    _weigh(visitor, _weights_of(event), event.at)


def _apply_handed_over(visitor: Visitor, event: BehaviourHandedOver) -> None:
    visitor.hand_overs += 1
    recent, interests = tuple(visitor.recent), visitor.interests
    visitor.handing = [*visitor.handing, HandOver(event.account_id, visitor.hand_overs, recent, interests)]
    visitor.recent, visitor.interests = [], {}


def _apply_hand_over_done(visitor: Visitor, _event: HandOverDone) -> None:
    visitor.handing = visitor.handing[1:]


def _apply_taken_in(visitor: Visitor, event: BehaviourTakenIn) -> None:
    # To the end: the device that was used longest ago is the one to be forgotten for another.
    visitor.devices.pop(event.visitor_id, None)
    visitor.devices[event.visitor_id] = event.number
    _forget_oldest(visitor.devices, MOST_DEVICES)
    visitor.recorded += len(event.recent)
    both = sorted((*visitor.recent, *event.recent), key=lambda behaved: behaved.at)
    visitor.recent = both[-MOST_RECENT:]
    _weigh(visitor, event.interests, event.at)


def _apply_forgotten(visitor: Visitor, event: BehaviourForgotten) -> None:
    """How often it was handed over stays: the number of the next one must be another."""
    kept = Visitor(visitor.visitor_id, hand_overs=visitor.hand_overs, erased=event.for_good)
    kept.forgetting = {**visitor.forgetting, **dict.fromkeys(visitor.devices)}
    kept.forgotten = visitor.forgotten
    for name in Visitor.__struct_fields__:
        setattr(visitor, name, getattr(kept, name))


def _apply_device_forgotten(visitor: Visitor, event: DeviceForgotten) -> None:
    visitor.forgetting = {device: None for device in visitor.forgetting if device != event.visitor_id}
    others = [device for device in visitor.forgotten if device != event.visitor_id]
    visitor.forgotten = [*others, event.visitor_id][-MOST_DEVICES:]


def _weights_of(event: BehaviourRecorded) -> dict[str, int]:
    by_sku: dict[str, int] = {}
    for behaved in event.events:
        if behaved.sku:
            by_sku[behaved.sku] = by_sku.get(behaved.sku, 0) + WEIGHTS[behaved.action]
    weights: dict[str, int] = {}
    for sku, weight in by_sku.items():
        if weight and (shown := event.shown.get(sku)) is not None:
            for name in interests_of(shown):
                weights[name] = weights.get(name, 0) + weight
    return weights


def _weigh(visitor: Visitor, weights: dict[str, int], at: Instant) -> None:
    """Add the weights to those that are left of the ones before."""
    interests = visitor.interests
    days = min((at - visitor.weighed_at) // DAY_MS, LONGEST_MEMORY_DAYS) if interests else 0
    if days > 0:
        left, whole = DAILY**days, 1_000**days
        interests = {name: weight * left // whole for name, weight in interests.items()}
        visitor.weighed_at += days * DAY_MS
    elif not interests:
        visitor.weighed_at = at
    interests = dict(interests)
    for name, weight in weights.items():
        interests[name] = interests.get(name, 0) + weight
    if any(weight <= 0 for weight in interests.values()):
        interests = {name: weight for name, weight in interests.items() if weight > 0}
    if len(interests) > MOST_INTERESTS:
        strongest = sorted(interests.items(), key=lambda item: (-item[1], item[0]))
        interests = dict(strongest[:INTERESTS_KEPT])
    visitor.interests = interests


def _forget_oldest(ids: dict[str, Any], most: int) -> None:
    for oldest in list(ids)[: len(ids) - most] if len(ids) > most else ():
        del ids[oldest]


_DECISIONS: dict[type[Command], Callable[[Visitor, Any, Instant], Outcome]] = {
    RecordBehaviour: _record,
    JoinAccount: _join,
    TakeInBehaviour: _take_in,
    ForgetVisitor: _forget,
    LookVisitor: _look,
    EffectAnswered: _answered,
}

_CHANGES: dict[type[Message], Callable[[Visitor, Any], None]] = {
    BehaviourRecorded: _apply_recorded,
    BehaviourHandedOver: _apply_handed_over,
    HandOverDone: _apply_hand_over_done,
    BehaviourTakenIn: _apply_taken_in,
    BehaviourForgotten: _apply_forgotten,
    DeviceForgotten: _apply_device_forgotten,
}

_VisitorCommand = RecordBehaviour | JoinAccount | TakeInBehaviour | ForgetVisitor | LookVisitor

VisitorEvent = (
    BehaviourRecorded | BehaviourHandedOver | HandOverDone | BehaviourTakenIn | BehaviourForgotten | DeviceForgotten
)


def decide(visitor: Visitor, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](visitor, command, now)


def apply(visitor: Visitor, event: Event) -> None:
    """Change the visitor as the event tells."""
    _CHANGES[type(event)](visitor, event)


def view(visitor: Visitor) -> VisitorView:
    """The visitor as recommenders, and they themselves, see it."""
    return VisitorView(visitor.visitor_id, visitor.recorded, tuple(visitor.recent), visitor.interests)


def effects(visitor: Visitor) -> list[Effect]:
    """What was handed over waits to be taken in; what was forgotten, for its devices to forget it, too."""
    wanted: list[Effect] = []
    if visitor.handing:
        handing = visitor.handing[0]
        taken = TakeInBehaviour(visitor.visitor_id, handing.number, handing.recent, handing.interests)
        wanted.append(Send(f"hand-over:{handing.number}", "visitor", handing.account_id, taken))
    wanted += [Send(f"forget:{device}", "visitor", device, ForgetVisitor()) for device in visitor.forgetting]
    return wanted


def settled(visitor: Visitor) -> BehaviourNoted | None:
    """Something, unless it is on its way to or from another visitor."""
    return None if visitor.handing or visitor.forgetting else BehaviourNoted()


VISITOR = Kind(
    name="visitor",
    new=Visitor,
    decide=decide,
    apply=apply,
    commands=_VisitorCommand,
    events=VisitorEvent,
    answers=BehaviourNoted | VisitorView,
    state=Visitor,
    effects=effects,
    settled=settled,
)
