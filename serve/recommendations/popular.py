"""What is popular these days: what everybody gets where no model answers, and what fills a list that is too short.

The feed process counts it and is asked once a minute, in the background. Until it knows anything, the newest
products stand in.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from heapq import nlargest
from typing import Any, Protocol

from actors.errors import ActorsError
from engine.product import ProductView

from ..feed.desk import FeedDesk

POPULAR = "recommendations.popular"
REPEATED = "recommendations.repeated"
REFRESHED_EVERY_S = 60.0
TRIED_AGAIN_S = 5.0
"""While nothing is known yet: a shop that has just begun has its first figures soon."""
MOST_KEPT = 500
LOOKED_AT_ONCE = 500
"""Products, between which others have their turn."""
MOST_LOOKED_AT = 20_000
"""Of a larger catalogue, the newest of the first ones by SKU: better than nothing, and cheap."""

logger = logging.getLogger("doorbuster.recommendations")


class Catalogue(Protocol):
    """Products in memory."""

    def product(self, sku: str) -> ProductView | None: ...

    def skus_after(self, sku: str) -> Iterator[str]: ...


class Popular:
    """SKUs, the most popular first, and which are bought again and again."""

    def __init__(self, desk: FeedDesk, catalogue: Catalogue) -> None:
        self._desk = desk
        self._catalogue = catalogue
        self.skus: Sequence[str] = ()
        self.repeated: frozenset[str] = frozenset()
        self.known = False
        """Whether somebody has counted; else these are the newest."""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESHED_EVERY_S if self.known else TRIED_AGAIN_S)

    async def refresh(self) -> None:
        """Ask once; what was known before stays where nobody answers."""
        popular = await self._ask(POPULAR)
        if popular:
            self.skus, self.known = popular[:MOST_KEPT], True
            self.repeated = frozenset(await self._ask(REPEATED))
        elif not self.known:
            self.skus = await self._newest()

    async def _ask(self, method: str) -> list[str]:
        try:
            return [_sku_of(each) for each in await self._desk.ask(method)]
        except ActorsError as error:
            logger.debug("%s is not known: %s", method, error)
        except Exception:
            # Whatever ails the feed process, the shop recommends what it knew before.
            logger.exception("%s could not be asked for", method)
        return []

    async def _newest(self) -> list[str]:
        newest: list[tuple[int, str]] = []
        after, looked_at = "", 0
        while looked_at < MOST_LOOKED_AT:
            page = _page(self._catalogue.skus_after, after)
            if not page:
                break
            products = [product for sku in page if (product := self._catalogue.product(sku)) is not None]
            newest = nlargest(MOST_KEPT, [*newest, *((each.created_at, each.sku) for each in products)])
            after, looked_at = page[-1], looked_at + len(page)
            await asyncio.sleep(0)
        return [sku for _, sku in newest]


def _page(skus_after: Callable[[str], Iterator[str]], after: str) -> list[str]:
    return [sku for sku, _ in zip(skus_after(after), range(LOOKED_AT_ONCE), strict=False)]


def _sku_of(told: Any) -> str:
    """Of a SKU, or of a SKU with its score."""
    return str(told if isinstance(told, str) else told[0])
