"""The consumer that begins webhook deliveries: one for each public event and each endpoint that wants it."""

import json
from asyncio import gather
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from actors.errors import ActorsError
from actors.feed.consumer import Held
from actors.journals.port import Entry
from engine.order import ORDER, LookOrder, OrderView
from engine.product import PRODUCT
from engine.stock import STOCK
from engine.webhook import DELIVERY, ENDPOINT, Deliver, EndpointView

from ..instants import timestamp
from ..shop import Shop
from .public_events import PublicEvent, order_data, order_events, product_event, stock_level

MOST_LEVELS = 100_000
"""Stocks whose last level is remembered; of others the next is told again."""


class WebhookConsumer:
    """Begins deliveries; a delivery that exists already stays as it is, so reading twice sends nothing twice."""

    name = "webhooks"

    def __init__(self, shop: Shop, low_stock_units: int) -> None:
        self._shop = shop
        self._low_stock_units = low_stock_units
        self._levels: dict[str, str] = {}

    async def take(self, _shard: int, entries: Sequence[Entry]) -> None:
        """Raises `Held` when a delivery can't be begun now."""
        endpoints = [view for view in self._shop.rolls[ENDPOINT].views() if not view.removed and not view.disabled]
        if not endpoints:
            return
        try:
            await self._begin(endpoints, entries)
        except ActorsError as error:
            raise Held(str(error)) from error

    async def _begin(self, endpoints: list[EndpointView], entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.kind == ORDER.name:
                for event in order_events(entry):
                    await self._tell_of_order(endpoints, event)
            elif entry.kind == PRODUCT.name:
                event = product_event(entry)
                await self._tell(endpoints, event, {"sku": entry.key})
        if any(view.wants(f"stock.{level}") for view in endpoints for level in ("low", "out", "back")):
            # Of a thousand sales of a SKU only the level that they lead to matters: no entry of a stock is decoded.
            newest = {entry.key: entry for entry in entries if entry.kind == STOCK.name}
            for entry in newest.values():
                await self._tell_of_stock(endpoints, entry)

    async def _tell_of_order(self, endpoints: list[EndpointView], event: PublicEvent) -> None:
        if not any(view.wants(event.type) for view in endpoints):
            return
        order = await self._shop.client.send(ORDER.name, event.key, LookOrder())
        if isinstance(order, OrderView):
            await self._tell(endpoints, event, order_data(order, event.facts))

    async def _tell_of_stock(self, endpoints: list[EndpointView], entry: Entry) -> None:
        sku, _, location = entry.key.partition("@")
        view = self._shop.catalogue.stock_at(sku, location)
        if view is None:
            return
        level = stock_level(view, self._low_stock_units)
        known = self._levels.get(entry.key, "back")
        if len(self._levels) >= MOST_LEVELS:
            self._levels.clear()
        self._levels[entry.key] = level
        if level != known:
            event = PublicEvent(f"stock:{entry.key}:{entry.version}", f"stock.{level}", entry.at, entry.key, {})
            await self._tell(endpoints, event, {"sku": sku, "location": location, "available": view.available})

    async def _tell(self, endpoints: Iterable[EndpointView], event: PublicEvent, data: dict[str, Any]) -> None:
        payload = payload_of(event.type, event.at, data)
        wanting = [view for view in endpoints if view.wants(event.type) and view.created_at <= event.at]
        await gather(
            *(
                self._shop.client.send(
                    DELIVERY.name, message_id_of(event.id, view.key), Deliver(view.key, event.type, payload)
                )
                for view in wanting
            )
        )


def payload_of(event_type: str, at: int, data: dict[str, Any]) -> str:
    """The body as the specification recommends it, minified."""
    content = {"type": event_type, "timestamp": timestamp(at), "data": data}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def message_id_of(event_id: str, endpoint: str) -> str:
    """The `webhook-id`: the same for every try, and whoever reads the entry."""
    return "msg_" + blake2b(f"{event_id}/{endpoint}".encode(), digest_size=16).hexdigest()
