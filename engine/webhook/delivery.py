"""A delivery: one event on its way to one endpoint, tried again for days until it is taken.

A process: it has the endpoint sign, has the runtime post, tells the endpoint what came of it, and is reminded of the
next try. The key is the `webhook-id`: the same for every try, so a receiver can tell a repeat.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import msgspec

from ..foreseen import accepted_with_view
from ..kernel import (
    Accepted,
    Answer,
    Command,
    Effect,
    EffectAnswered,
    Event,
    Instant,
    Kind,
    Outcome,
    Rejected,
    ReminderDue,
    Request,
    Send,
    invalid,
)
from ..reasons import Reason
from .endpoint import ENDPOINT, GONE, EndpointSigned, NoteAttempt, SignDelivery

SECOND_MS = 1_000
PAUSES_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""After each try that failed: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h. The tenth try is the last."""
BUSY_PAUSE_S = 5
"""When there are many posts to that endpoint under way already; this is no try."""
ATTEMPTS_KEPT = 20
LONGEST_PAYLOAD = 65_536
LONGEST_TEXT = 255
GATEWAY = "webhooks"


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """The endpoint was removed or disabled meanwhile."""


class Phase(StrEnum):
    RESTING = "resting"
    SIGNING = "signing"
    POSTING = "posting"
    NOTING = "noting"


class Deliver(Command, frozen=True):
    """Begin; again: no change."""

    endpoint: str
    event_type: str
    payload: str


class Redeliver(Command, frozen=True):
    """Send it once more from the start, whatever became of it."""


class LookDelivery(Command, frozen=True):
    """Read the delivery."""


class PostWebhook(Command, frozen=True):
    """The call to the outside: post this payload with these headers' values."""

    url: str
    endpoint: str
    message_id: str
    timestamp_s: int
    signatures: str
    payload: str


class WebhookAnswered(Answer, frozen=True):
    """An HTTP status, or 0 with an error; `busy`: it was not sent, and may be in a moment."""

    status: int
    took_ms: int = 0
    error: str = ""
    busy: bool = False


class DeliveryBegun(Event, frozen=True):
    endpoint: str
    event_type: str
    payload: str
    at: Instant


class DeliverySigned(Event, frozen=True):
    step: int
    url: str
    signatures: str


class DeliveryAttempted(Event, frozen=True):
    """`next_at` 0: that was the last try."""

    step: int
    status: int
    took_ms: int
    error: str
    delivered: bool
    next_at: Instant
    at: Instant


class DeliveryPostponed(Event, frozen=True):
    step: int
    next_at: Instant


class DeliveryNoted(Event, frozen=True):
    step: int


class DeliveryTried(Event, frozen=True):
    """The next try begins."""

    step: int
    at: Instant


class DeliveryRenewed(Event, frozen=True):
    step: int
    at: Instant


class DeliveryCancelled(Event, frozen=True):
    step: int
    at: Instant


class Attempt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One try."""

    at: Instant
    status: int
    took_ms: int
    error: str


class Delivery(msgspec.Struct, array_like=True, gc=False):
    """The state of a delivery. `step` counts what was begun and names the effects; `tries` those since the start."""

    key: str
    version: int = 0
    status: DeliveryStatus | None = None
    phase: Phase = Phase.RESTING
    endpoint: str = ""
    event_type: str = ""
    payload: str = ""
    begun_at: Instant = 0
    step: int = 0
    tries: int = 0
    step_at: Instant = 0
    next_at: Instant = 0
    url: str = ""
    signatures: str = ""
    attempts: list[Attempt] = []


class DeliveryView(Answer, frozen=True):
    """The delivery now; `next_at` 0: no try is planned."""

    message_id: str
    version: int
    status: DeliveryStatus
    endpoint: str
    event_type: str
    payload: str
    begun_at: Instant
    next_at: Instant
    attempts: tuple[Attempt, ...]


def _deliver(delivery: Delivery, command: Deliver, now: Instant) -> Outcome:
    if not command.endpoint or max(len(command.endpoint), len(command.event_type)) > LONGEST_TEXT:
        return invalid("endpoint", f"have 1 to {LONGEST_TEXT} characters, like event_type")
    if len(command.payload) > LONGEST_PAYLOAD:
        return invalid("payload", f"have at most {LONGEST_PAYLOAD} characters")
    if delivery.status is not None:
        return Accepted((), view(delivery))
    return _accepted(delivery, DeliveryBegun(command.endpoint, command.event_type, command.payload, now))


def _redeliver(delivery: Delivery, _command: Redeliver, now: Instant) -> Outcome:
    if delivery.status is None:
        return Rejected(Reason.NOT_FOUND)
    if delivery.phase is not Phase.RESTING:
        # It is being tried at this very moment.
        return Accepted((), view(delivery))
    return _accepted(delivery, DeliveryRenewed(delivery.step + 1, now))


def _look(delivery: Delivery, _command: LookDelivery, _now: Instant) -> Outcome:
    return Rejected(Reason.NOT_FOUND) if delivery.status is None else Accepted((), view(delivery))


def _remind(delivery: Delivery, _command: ReminderDue, now: Instant) -> Outcome:
    if delivery.phase is not Phase.RESTING or not 0 < delivery.next_at <= now:
        return Accepted()
    return Accepted((DeliveryTried(delivery.step + 1, now),))


def _answered(delivery: Delivery, command: EffectAnswered, now: Instant) -> Outcome:
    what, _, step = command.effect_id.partition(":")
    if int(step) != delivery.step or _PHASE_OF[what] is not delivery.phase:
        return Accepted()
    reply = command.reply
    match what:
        case "sign" if isinstance(reply, EndpointSigned):
            return Accepted((DeliverySigned(delivery.step, reply.url, reply.signatures),))
        case "sign":
            return Accepted((DeliveryCancelled(delivery.step, now),))
        case "post":
            answered = reply if isinstance(reply, WebhookAnswered) else WebhookAnswered(0, 0, "no answer")
            return Accepted((_came_of(delivery, answered, now),))
    return Accepted((DeliveryNoted(delivery.step),))


def _came_of(delivery: Delivery, answered: WebhookAnswered, now: Instant) -> Event:
    if answered.busy:
        return DeliveryPostponed(delivery.step, now + BUSY_PAUSE_S * SECOND_MS)
    delivered = 200 <= answered.status < 300
    over = delivered or answered.status == GONE or delivery.tries > len(PAUSES_S)
    next_at = 0 if over else now + PAUSES_S[delivery.tries - 1] * SECOND_MS
    error = answered.error[:LONGEST_TEXT]
    return DeliveryAttempted(delivery.step, answered.status, answered.took_ms, error, delivered, next_at, now)


def _accepted(delivery: Delivery, event: Event) -> Accepted:
    return accepted_with_view(delivery, event, apply, view)


def view(delivery: Delivery) -> DeliveryView:
    """The delivery as the merchant sees it."""
    assert delivery.status is not None, "only a delivery that was begun is seen"
    return DeliveryView(
        delivery.key,
        delivery.version,
        delivery.status,
        delivery.endpoint,
        delivery.event_type,
        delivery.payload,
        delivery.begun_at,
        delivery.next_at,
        tuple(delivery.attempts),
    )


def _apply_begun(delivery: Delivery, event: DeliveryBegun) -> None:
    delivery.endpoint, delivery.event_type, delivery.payload = event.endpoint, event.event_type, event.payload
    delivery.begun_at = event.at
    _try(delivery, 1, event.at)


def _try(delivery: Delivery, step: int, at: Instant) -> None:
    delivery.status, delivery.phase = DeliveryStatus.PENDING, Phase.SIGNING
    delivery.step, delivery.step_at, delivery.next_at = step, at, 0
    delivery.tries += 1


def _apply_tried(delivery: Delivery, event: DeliveryTried) -> None:
    _try(delivery, event.step, event.at)


def _apply_renewed(delivery: Delivery, event: DeliveryRenewed) -> None:
    delivery.tries = 0
    _try(delivery, event.step, event.at)


def _apply_signed(delivery: Delivery, event: DeliverySigned) -> None:
    delivery.url, delivery.signatures, delivery.phase = event.url, event.signatures, Phase.POSTING


def _apply_attempted(delivery: Delivery, event: DeliveryAttempted) -> None:
    delivery.attempts = [*delivery.attempts, Attempt(event.at, event.status, event.took_ms, event.error)]
    delivery.attempts = delivery.attempts[-ATTEMPTS_KEPT:]
    delivery.next_at, delivery.phase = event.next_at, Phase.NOTING
    delivery.url = delivery.signatures = ""
    if event.delivered:
        delivery.status = DeliveryStatus.DELIVERED
    elif not event.next_at:
        delivery.status = DeliveryStatus.FAILED


def _apply_postponed(delivery: Delivery, event: DeliveryPostponed) -> None:
    delivery.next_at, delivery.phase = event.next_at, Phase.RESTING
    delivery.tries -= 1
    delivery.url = delivery.signatures = ""


def _apply_noted(delivery: Delivery, _event: DeliveryNoted) -> None:
    delivery.phase = Phase.RESTING


def _apply_cancelled(delivery: Delivery, _event: DeliveryCancelled) -> None:
    delivery.status, delivery.phase, delivery.next_at = DeliveryStatus.CANCELLED, Phase.RESTING, 0


_PHASE_OF = {"sign": Phase.SIGNING, "post": Phase.POSTING, "note": Phase.NOTING}

_DECISIONS: dict[type[Command], Callable[[Delivery, Any, Instant], Outcome]] = {
    Deliver: _deliver,
    Redeliver: _redeliver,
    LookDelivery: _look,
    ReminderDue: _remind,
    EffectAnswered: _answered,
}

_CHANGES: dict[type[Event], Callable[[Delivery, Any], None]] = {
    DeliveryBegun: _apply_begun,
    DeliverySigned: _apply_signed,
    DeliveryAttempted: _apply_attempted,
    DeliveryPostponed: _apply_postponed,
    DeliveryNoted: _apply_noted,
    DeliveryTried: _apply_tried,
    DeliveryRenewed: _apply_renewed,
    DeliveryCancelled: _apply_cancelled,
}


def decide(delivery: Delivery, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](delivery, command, now)


def apply(delivery: Delivery, event: Event) -> None:
    """Change the delivery as the event tells."""
    delivery.version += 1
    _CHANGES[type(event)](delivery, event)


def effects(delivery: Delivery) -> Iterator[Effect]:
    """One at a time: sign, post, note."""
    step, timestamp_s = delivery.step, delivery.step_at // SECOND_MS
    match delivery.phase:
        case Phase.SIGNING:
            sign = SignDelivery(delivery.key, timestamp_s, delivery.payload)
            yield Send(f"sign:{step}", ENDPOINT.name, delivery.endpoint, sign)
        case Phase.POSTING:
            post = PostWebhook(
                delivery.url, delivery.endpoint, delivery.key, timestamp_s, delivery.signatures, delivery.payload
            )
            yield Request(f"post:{step}", GATEWAY, post)
        case Phase.NOTING:
            last = delivery.attempts[-1]
            outcome = "retrying" if delivery.status is DeliveryStatus.PENDING else str(delivery.status)
            note = NoteAttempt(delivery.key, step, delivery.event_type, outcome, last.status, last.at)
            yield Send(f"note:{step}", ENDPOINT.name, delivery.endpoint, note)


def remind_at(delivery: Delivery) -> Instant | None:
    """The next try."""
    return delivery.next_at or None if delivery.phase is Phase.RESTING else None


DELIVERY = Kind(
    name="webhook-delivery",
    new=Delivery,
    decide=decide,
    apply=apply,
    commands=Deliver | Redeliver | LookDelivery,
    events=DeliveryBegun
    | DeliverySigned
    | DeliveryAttempted
    | DeliveryPostponed
    | DeliveryNoted
    | DeliveryTried
    | DeliveryRenewed
    | DeliveryCancelled,
    answers=DeliveryView,
    state=Delivery,
    effects=effects,
    remind_at=remind_at,
)
