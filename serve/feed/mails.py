"""The consumer that writes to customers about their orders: confirmed, on its way, cancelled, refunded.

Each mail's identity is made from the journal's entry, so one that leaves twice can be told by its `Message-ID`.
"""

import logging
from asyncio import gather
from collections.abc import Mapping, Sequence
from typing import Any

from actors.errors import ActorsError
from actors.feed.consumer import Held
from actors.journals.port import Entry
from engine.account import ACCOUNT, AccountView, LookAccount
from engine.money import Money
from engine.order import ACCOUNT_PREFIX, ORDER, LookOrder, OrderView, Status

from ..mail.amounts import shown_amount
from ..mail.letters import Letters
from ..mail.port import Mailer, MailRefused, MailUnavailable
from ..shop import Client
from .public_events import PublicEvent, order_events

AT_ONCE = 8

logger = logging.getLogger("doorbuster.mail")


class MailConsumer:
    """While the mail server is away, it waits; what the server will never take is told in the log and left."""

    name = "mails"

    def __init__(self, client: Client, letters: Letters, mailer: Mailer) -> None:
        self._client = client
        self._letters = letters
        self._mailer = mailer

    async def take(self, _shard: int, entries: Sequence[Entry]) -> None:
        """Raises `Held` while mails can't be sent."""
        events = [event for entry in entries if entry.kind == ORDER.name for event in order_events(entry)]
        for start in range(0, len(events), AT_ONCE):
            await gather(*(self._write(event) for event in events[start : start + AT_ONCE]))

    async def _write(self, event: PublicEvent) -> None:
        try:
            order = await self._client.send(ORDER.name, event.key, LookOrder())
            if not isinstance(order, OrderView) or "@" not in order.email:
                # Its personal data was erased meanwhile.
                return
            letter = _letter(event, order)
            if letter is None:
                return
            values = {**_values(order), **_particulars(event, order)}
            locale = await self._locale(order)
            await self._mailer.send(self._letters.write(letter, order.email, event.id, values, locale))
        except MailRefused as error:
            logger.warning("A mail about %s was refused: %s", event.key, error)
        except (MailUnavailable, ActorsError) as error:
            raise Held(str(error)) from error

    async def _locale(self, order: OrderView) -> str:
        if not order.customer.startswith(ACCOUNT_PREFIX):
            return ""
        account = await self._client.send(ACCOUNT.name, order.customer, LookAccount())
        return account.profile.locale if isinstance(account, AccountView) else ""


def _letter(event: PublicEvent, order: OrderView) -> str | None:
    match event.type:
        case "order.confirmed":
            return "order-confirmed"
        case "order.shipped":
            return "order-shipped"
        case "order.fulfilled" if order.after is None or not order.after.shipments:
            # Where there are parcels, each was told of by itself.
            return "order-shipped"
        case "order.cancelled" if order.settlement is not None and order.settlement.status is Status.CONFIRMED:
            # What was never confirmed is told where it was bought.
            return "order-cancelled"
        case "refund.created":
            return "order-refunded"
    return None


def _values(order: OrderView) -> dict[str, Any]:
    lines = [
        {
            "sku": line.sku,
            "title": line.title,
            "quantity": line.quantity,
            "total": shown_amount(Money(line.price.amount * line.quantity, line.price.currency)),
        }
        for line in order.lines
    ]
    return {"number": order.number or order.order_id, "lines": lines, "total": shown_amount(order.total)}


def _particulars(event: PublicEvent, order: OrderView) -> Mapping[str, Any]:
    match event.type:
        case "order.shipped" | "order.fulfilled":
            return _parcel(event.facts.get("shipment_id", ""), order)
        case "order.cancelled":
            return {"reason": event.facts.get("reason", "")}
        case "refund.created":
            return {"amount": shown_amount(_refunded(event.facts["refund_id"], order))}
    return {}


def _parcel(shipment_id: str, order: OrderView) -> Mapping[str, Any]:
    for shipment in order.after.shipments if order.after is not None else ():
        if shipment.shipment_id == shipment_id:
            return {
                "carrier": shipment.carrier,
                "tracking_number": shipment.tracking_number,
                "tracking_url": shipment.tracking_url,
            }
    return {"carrier": "", "tracking_number": "", "tracking_url": ""}


def _refunded(refund_id: str, order: OrderView) -> Money | None:
    """What went back: this part, or, where it isn't one of the parts, all that was paid."""
    for refund in order.after.refunds if order.after is not None else ():
        if refund.refund_id == refund_id:
            return refund.amount
    return order.due
