"""A place in line as server-sent events: told at once, then whenever it changes."""

import asyncio
from collections.abc import AsyncIterator

from actors.errors import Unavailable

from ..shop import Shop
from .places import place_in_line, sale_of, ticket_in
from .problems import ProblemError

LOOK_EVERY_S = 1.0
"""How often a stream looks whether its place has changed."""
SILENCE_LOOKS = 15
"""After so many looks without a change a stream says that it lives: proxies cut what is silent."""
LONGEST_LOOKS = 300
"""Then the stream ends, and the browser connects again by itself: a replica that stops waits for nobody longer."""
MOST_STREAMS = 2_000
"""Open streams in one process: whoever comes after them polls."""
RECONNECT_MS = 2_000
FINAL_STATES = frozenset(("passed", "sold-out", "ended"))


async def places_as_events(shop: Shop, sale: str, text: str) -> AsyncIterator[str]:
    """The text of the stream; raises nothing: what goes wrong ends it, and the browser connects again."""
    shop.sales.streams += 1
    try:
        yield f"retry: {RECONNECT_MS}\n\n"
        told, silent = "", 0
        for _ in range(LONGEST_LOOKS):
            found = sale_of(shop, sale)
            place = await place_in_line(shop, found, text, ticket_in(shop, found, text))
            data = place.model_dump_json()
            if data != told:
                told, silent = data, 0
                yield f"event: place\ndata: {data}\n\n"
            elif (silent := silent + 1) % SILENCE_LOOKS == 0:
                yield ": still here\n\n"
            if place.state in FINAL_STATES:
                return
            await asyncio.sleep(LOOK_EVERY_S)
    except (ProblemError, Unavailable):
        return
    finally:
        shop.sales.streams -= 1
