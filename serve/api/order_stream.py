"""An order as a stream: each entry of its journal that its customer may know of, then the order as it is."""

import asyncio
import re
from collections.abc import AsyncGenerator

from actors.errors import Unavailable
from actors.journals.port import Entry
from engine.order import OrderView

from ..live.event_stream import event
from ..shop import Shop
from .lookups import order_of
from .numbers import numbered
from .schemas.aftersale import OrderChange
from .schemas.order import Order
from .timeline import ENTRIES_AT_ONCE, rows_of

_is_version = re.compile(r"[0-9]{1,18}\Z", re.ASCII).match
"""An id of ours. Another one, or none, tells everything from the beginning."""


async def order_events(shop: Shop, order_id: str, last_id: str) -> AsyncGenerator[bytes]:
    """Events called `timeline`, by entry and with the entry's version as their id, so that none is missed, and after
    them one called `order`; b"" for each silence. What goes wrong ends the stream, and the client connects again."""
    loop = asyncio.get_running_loop()
    live = shop.live
    until = loop.time() + live.streams.longest_s()
    version = int(last_id) if _is_version(last_id) else 0
    told = ""
    with live.orders.watched(order_id) as bell:
        while not live.streams.ending and loop.time() < until:
            try:
                entries = await _entries(shop, order_id, version)
                if entries or not told:
                    order = await order_of(shop, order_id)
                    if order is None:
                        return
                    for entry in entries:
                        version = entry.version
                        if change := _change(order, entry):
                            yield change
                    state = Order.of(await numbered(shop, order)).model_dump_json()
                    if state != told:
                        told = state
                        yield event("order", state, str(version))
            except Unavailable:
                return
            if not await bell.heard(live.orders.look_every_s):
                # Where nobody tells, it is looked more often than a proxy becomes impatient.
                yield b""


async def _entries(shop: Shop, order_id: str, after: int) -> list[Entry]:
    found: list[Entry] = []
    while entries := await shop.client.history("order", order_id, after_version=after, limit=ENTRIES_AT_ONCE):
        found += entries
        after = entries[-1].version
    return found


def _change(order: OrderView, entry: Entry) -> bytes:
    """What the entry tells the customer; nothing if it is only the shop's business."""
    rows = rows_of(order, entry, staff=False)
    if not rows:
        return b""
    return event("timeline", OrderChange(version=entry.version, items=rows).model_dump_json(), str(entry.version))
