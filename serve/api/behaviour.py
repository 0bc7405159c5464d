"""Recording what visitors did: a batch of events as plain structs, grouped by visitor, one command for each of them."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

import msgspec

from actors.errors import Unavailable
from engine.kernel import Instant, Rejected
from engine.product import ProductView
from engine.visitor import (
    VISITOR,
    Action,
    Behaved,
    BehaviourNoted,
    JoinAccount,
    RecordBehaviour,
    Shown,
    anonymous_key,
    unlinked_key,
)

from ..access.principal import Principal, Scope
from ..shop import Shop
from .answers import HttpAnswer, answer
from .auth import forbidden
from .bounds import (
    ACCOUNT_ID_PATTERN,
    ANONYMOUS_ID_PATTERN,
    MAX_EVENT_ID_LENGTH,
    MAX_EVENT_QUERY_LENGTH,
    MAX_EVENTS,
    MAX_POSITION,
    MAX_QUANTITY,
    ORDER_ID_PATTERN,
    PLACEMENT_PATTERN,
    SKU_PATTERN,
    whole,
)
from .problems import refusal, unavailable

LONGEST_DELAY_MS = 72 * 3_600_000
"""How long ago an event may have happened: an app that was offline sends it later. What is older counts as so old."""

JOIN_S = 2.0
"""A login waits so long for the visitor to be joined; it is done later if it takes longer."""

NEEDS_SKU = frozenset((Action.VIEW, Action.CLICK, Action.ADD_TO_CART, Action.REMOVE_FROM_CART))

EventId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EVENT_ID_LENGTH)]
"""Without a pattern: what is decoded ten thousand times a second shall not be searched."""
AnonymousId = Annotated[str, msgspec.Meta(pattern=whole(ANONYMOUS_ID_PATTERN))]
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class EventRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One event. `schemas.behaviour.EventIn` is the same contract for OpenAPI and error messages."""

    id: EventId
    type: Action
    at: Time | None = None
    sku: Annotated[str, msgspec.Meta(pattern=whole(SKU_PATTERN))] = ""
    query: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EVENT_QUERY_LENGTH)] = ""
    position: Annotated[int, msgspec.Meta(ge=1, le=MAX_POSITION)] = 0
    placement: Annotated[str, msgspec.Meta(pattern=whole(PLACEMENT_PATTERN))] = ""
    recommendation_id: EventId = ""
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MAX_QUANTITY)] = 0
    session_id: AnonymousId = ""
    anonymous_id: AnonymousId = ""
    customer_id: Annotated[str, msgspec.Meta(pattern=whole(ACCOUNT_ID_PATTERN))] = ""
    consent: bool | None = None
    order_id: Annotated[str, msgspec.Meta(pattern=whole(ORDER_ID_PATTERN))] = ""


class EventsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A batch; what it says of a visitor holds for every event that doesn't say otherwise."""

    events: Annotated[list[EventRequest], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]
    anonymous_id: AnonymousId = ""
    session_id: AnonymousId = ""
    consent: bool = True
    sent_at: Time | None = None


_is_anonymous_id = re.compile(whole(ANONYMOUS_ID_PATTERN)).match

decode_events_request = msgspec.json.Decoder(EventsRequest).decode
"""As `requests.decode_order_request`."""


def lacks(event: EventRequest) -> str:
    """The field without which an event of its type says nothing; empty if it has it."""
    if event.type in NEEDS_SKU:
        return "" if event.sku else "sku"
    if event.type is Action.PURCHASE:
        return "" if event.order_id else "order_id"
    return "query" if event.type is Action.SEARCH and not event.query else ""


def objects(headers: Mapping[str, str]) -> bool:
    """Whether a browser says for its user that they don't want to be tracked."""
    return headers.get("dnt") == "1" or headers.get("sec-gpc") == "1"


async def record(shop: Shop, batch: EventsRequest, principal: Principal, *, unlinked: bool) -> HttpAnswer:
    """Record the batch; the answer, when everything in it is durable, or nothing is known to be.

    Raises ProblemError for whoever names a customer and isn't of the staff.
    """
    visits = _Visits(shop, batch, principal, unlinked=unlinked)
    for event in batch.events:
        visits.add(event)
    commands = [(key, visits.command(key)) for key in visits.by_visitor]
    joins = [(anonymous_key(device), JoinAccount(account)) for device, account in visits.joins]
    sent = [shop.client.send(VISITOR.name, key, command) for key, command in (*commands, *joins)]
    try:
        # A gathering costs as much as a command: most batches are of one visitor.
        replies = [await sent[0]] if len(sent) == 1 else await asyncio.gather(*sent)
    except Unavailable as error:
        return unavailable(error)
    recorded = repeated = 0
    for reply in replies:
        if isinstance(reply, Rejected):
            return refusal(reply)
        assert isinstance(reply, BehaviourNoted)
        recorded += reply.recorded
        repeated += reply.repeated
    counts = shop.behaviour
    counts.batches += 1
    counts.unlinked += visits.of_nobody
    counts.by_outcome["recorded"] += recorded
    counts.by_outcome["repeated"] += repeated
    return answer(202, b'{"recorded":%d,"repeated":%d}' % (recorded, repeated))


async def join_visitor(shop: Shop, account_id: str, anonymous_id: str) -> None:
    """What the anonymous visitor did is the customer's from now on. A login is no place to refuse an odd id."""
    if _is_anonymous_id(anonymous_id):
        await shop.client.send(VISITOR.name, anonymous_key(anonymous_id), JoinAccount(account_id), settle_s=JOIN_S)


class _Visits:
    """The events of a batch by visitor, and the devices whose visitors have logged in."""

    def __init__(self, shop: Shop, batch: EventsRequest, principal: Principal, *, unlinked: bool) -> None:
        self._shop = shop
        self._batch = batch
        self._account_id = principal.account_id
        self._is_staff = principal.may(Scope.MERCHANT)
        self._unlinked = unlinked
        self._now = shop.now()
        # By how much the sender's clock is slow, as far as it told what it shows.
        self._slow_ms = self._now - _instant(batch.sent_at) if batch.sent_at is not None else 0
        self.by_visitor: dict[str, list[Behaved]] = {}
        self.of_nobody = 0
        self.joins: dict[tuple[str, str], None] = {}

    def add(self, event: EventRequest) -> None:
        batch = self._batch
        if event.customer_id and not self._is_staff:
            raise forbidden(Scope.MERCHANT)
        consents = batch.consent if event.consent is None else event.consent
        account = event.customer_id or self._account_id
        device = event.anonymous_id or batch.anonymous_id
        if self._unlinked or not consents or not (account or device):
            self.of_nobody += 1
            self._put(unlinked_key(event.id), self._behaved(event, "", "", ""))
            return
        if account and device:
            self.joins[device, account] = None
        session = event.session_id or batch.session_id
        told = self._behaved(event, session, event.recommendation_id, event.order_id)
        self._put(account or anonymous_key(device), told)

    def command(self, key: str) -> RecordBehaviour:
        """What records the visitor's events."""
        events = tuple(self.by_visitor[key])
        return RecordBehaviour(events, self._shown({event.sku for event in events}))

    def _put(self, key: str, behaved: Behaved) -> None:
        if (events := self.by_visitor.get(key)) is None:
            self.by_visitor[key] = [behaved]
        else:
            events.append(behaved)

    def _behaved(self, event: EventRequest, session: str, list_id: str, order_id: str) -> Behaved:
        at = self._now
        if event.at is not None:
            # Nobody's clock moves an event into the future, or so far back that reports of then would change.
            at = max(min(_instant(event.at) + self._slow_ms, self._now), self._now - LONGEST_DELAY_MS)
        is_purchase = event.type is Action.PURCHASE
        return Behaved(
            event.id,
            event.type,
            at,
            # What was bought, and how many, is told by the order and by nobody else.
            "" if is_purchase else event.sku,
            event.query,
            event.placement,
            event.position,
            list_id,
            session,
            0 if is_purchase else event.quantity,
            order_id if is_purchase else "",
        )

    def _shown(self, skus: Iterable[str]) -> dict[str, Shown]:
        found = {}
        for sku in sorted(skus):
            if (product := self._shop.catalogue.product(sku)) is not None:
                found[sku] = _shown(product)
        return found


def _shown(product: ProductView) -> Shown:
    category = " > ".join(product.category) or (product.categories[0] if product.categories else "")
    return Shown(category, product.vendor, product.price)


def _instant(moment: datetime) -> Instant:
    return round(moment.timestamp() * 1_000)


def is_common(batch: EventsRequest) -> bool:
    """Whether nothing is wrong with the batch that its decoder can't see."""
    if batch.sent_at is not None and batch.sent_at.year < _FIRST_YEAR:
        return False
    return not any(lacks(event) or (event.at is not None and event.at.year < _FIRST_YEAR) for event in batch.events)


_FIRST_YEAR = 1971
"""The contract's instants begin in 1970, by whatever offset."""
