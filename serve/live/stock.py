"""What can be bought of each SKU that somebody watches: looked up once for all who watch it, encoded once.

Hosts tell of every sale; whoever isn't watched costs them one look into an empty table. What changed within a moment is
told together, and to so many streams a second at most: listening must not take the machine from buying.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2s
from typing import NamedTuple

from actors.errors import Unavailable

from .bell import Bell
from .event_stream import event
from .streams import SILENCE_S, Streams

MOST_SKUS = 20
"""Of one stream."""
GATHERED_S = 0.02
"""What one sale changes comes within this time, and is told at once."""
TOLD_PER_S = 2_500
"""Streams that are woken a second: each costs 50 us, so they take an eighth of a core at most. 2,000 who watch one SKU
that sells without a pause hear of it every 0.8 s."""
RESTS = 4.0
"""For each second of waking, seconds without: where others need the processor waking takes longer, and so is rarer."""
LONGEST_REST_S = 2.0
WAVE = 50
"""Streams that are woken in a row, 2.5 ms of work: then whoever buys has a turn."""
TRY_AGAIN_S = 1.0

logger = logging.getLogger("doorbuster.live")


class Shown(NamedTuple):
    """What shoppers see of a SKU now, as JSON; None where they see it no more. `parts` are SKUs it is made of."""

    data: str | None
    parts: Sequence[str] = ()


Look = Callable[[str], Awaitable[Shown]]


class _Topic:
    """One SKU that is watched."""

    __slots__ = ("bells", "event", "look", "parts", "sku", "tag")

    def __init__(self, sku: str, look: Look) -> None:
        self.sku = sku
        self.look = look
        self.bells: set[Bell] = set()
        self.parts: Sequence[str] = ()
        self.event = b""
        """Encoded once for all who watch it; only the id before it is each stream's own."""
        self.tag = ""


class StockTopics:
    """The watched SKUs of one process. Listens to its catalogue."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._topics: dict[str, _Topic] = {}
        self._needed_by: dict[str, set[str]] = {}
        """A SKU, and the topics that change with it: its own and bundles of it."""
        self._changed: set[str] = set()
        self._due = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    def stock_told(self, sku: str) -> None:
        """Quantities of the SKU have changed somewhere."""
        if needed_by := self._needed_by.get(sku):
            self._changed |= needed_by
            self._due.set()

    def product_told(self, sku: str) -> None:
        """The product has changed: it may not be shown any more."""
        self.stock_told(sku)

    def look_again(self) -> None:
        """Changes may have been missed."""
        self._changed |= self._topics.keys()
        self._due.set()

    async def changes(self, skus: Sequence[str], look: Look, last_id: str) -> AsyncGenerator[bytes]:
        """Events of what can be bought of the SKUs: what differs from what `last_id` says at once, then each change;
        b"" for each silence. `look` looks one up; of several streams' the first one's is asked."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._streams.longest_s()
        with self._streams.listening() as bell, self._watched(skus, look, bell) as topics:
            for topic in topics:
                if not topic.tag:
                    await self._look_up(topic)
            told = _tags_in(last_id, len(topics))
            while not self._streams.ending and loop.time() < until:
                if news := _news(topics, told):
                    yield news
                if not await bell.heard(SILENCE_S):
                    yield b""

    @contextmanager
    def _watched(self, skus: Sequence[str], look: Look, bell: Bell) -> Iterator[list[_Topic]]:
        topics = [self._topics.get(sku) or self._begin(sku, look) for sku in skus]
        for topic in topics:
            topic.bells.add(bell)
        try:
            yield topics
        finally:
            for topic in topics:
                topic.bells.discard(bell)
                if not topic.bells and self._topics.get(topic.sku) is topic:
                    self._depend(topic, ())
                    self._forget(topic.sku, topic.sku)
                    del self._topics[topic.sku]

    def _begin(self, sku: str, look: Look) -> _Topic:
        topic = self._topics[sku] = _Topic(sku, look)
        self._needed_by.setdefault(sku, set()).add(sku)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())
        return topic

    async def _tell(self) -> None:
        """Look up what changed and wake whoever watches it, as long as somebody does."""
        clock = asyncio.get_running_loop().time
        while self._topics:
            try:
                await asyncio.wait_for(self._due.wait(), SILENCE_S)
            except TimeoutError:
                continue
            await asyncio.sleep(GATHERED_S)
            self._due.clear()
            changed, self._changed = self._changed, set()
            begun, woken = clock(), 0
            for topic in filter(None, map(self._topics.get, changed)):
                if not await self._look_up(topic):
                    continue
                for bell in list(topic.bells):
                    bell.ring()
                    woken += 1
                    if woken % WAVE == 0:
                        await asyncio.sleep(0)
            await asyncio.sleep(min(LONGEST_REST_S, max(woken / TOLD_PER_S, RESTS * (clock() - begun))))

    async def _look_up(self, topic: _Topic) -> bool:
        """Whether it is not what it was."""
        try:
            shown = await topic.look(topic.sku)
        except Unavailable as error:
            logger.info("What can be bought of %s is looked up later: %s", topic.sku, error)
            asyncio.get_running_loop().call_later(TRY_AGAIN_S, self.stock_told, topic.sku)
            return False
        self._depend(topic, shown.parts)
        tag = blake2s((shown.data or "").encode(), digest_size=4).hexdigest()
        if tag == topic.tag:
            return False
        topic.tag = tag
        gone = event("gone", {"sku": topic.sku})
        topic.event = gone if shown.data is None else event("stock", shown.data)
        return True

    def _depend(self, topic: _Topic, parts: Sequence[str]) -> None:
        for part in topic.parts:
            if part not in parts:
                self._forget(part, topic.sku)
        topic.parts = parts
        for part in parts:
            self._needed_by.setdefault(part, set()).add(topic.sku)

    def _forget(self, sku: str, needed_by: str) -> None:
        needing = self._needed_by.get(sku, set())
        needing.discard(needed_by)
        if not needing:
            self._needed_by.pop(sku, None)


def _news(topics: Sequence[_Topic], told: list[str]) -> bytes:
    """Events of the topics that aren't what was told of them, which is told with these."""
    events = []
    for place, topic in enumerate(topics):
        if topic.tag != told[place]:
            told[place] = topic.tag
            events.append(b"id: %b\n%b" % (".".join(told).encode(), topic.event))
    return b"".join(events)


def _tags_in(last_id: str, topics: int) -> list[str]:
    """What the client has of each topic. An id of other SKUs, or of no stream at all, says nothing."""
    tags = last_id.split(".")
    return tags if len(tags) == topics else [""] * topics
