"""A place in line as a stream: told at once, then whenever it changes."""

import asyncio
from collections.abc import AsyncGenerator

from actors.errors import Unavailable

from ..live.event_stream import event
from ..shop import Shop
from .places import place_in_line, sale_of, ticket_in
from .problems import ProblemError

LOOK_EVERY_S = 1.0
"""How often a stream looks whether its place has changed."""
SILENCE_LOOKS = 15
"""After so many looks without a change a stream says that it lives: proxies cut what is silent."""
FINAL_STATES = frozenset(("passed", "sold-out", "ended"))


async def places_as_events(shop: Shop, sale: str, text: str) -> AsyncGenerator[bytes]:
    """Events called `place`; b"" for each silence. What goes wrong ends the stream, and the client connects again."""
    loop, streams = asyncio.get_running_loop(), shop.live.streams
    until = loop.time() + streams.longest_s()
    told, silent = "", 0
    with streams.listening() as bell:
        while not streams.ending and loop.time() < until:
            try:
                found = sale_of(shop, sale)
                place = await place_in_line(shop, found, text, ticket_in(shop, found, text))
            except (ProblemError, Unavailable):
                return
            data = place.model_dump_json()
            if data != told:
                told, silent = data, 0
                yield event("place", data)
            elif (silent := silent + 1) % SILENCE_LOOKS == 0:
                yield b""
            if place.state in FINAL_STATES:
                return
            await bell.heard(LOOK_EVERY_S)
