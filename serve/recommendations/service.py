"""One recommendation from beginning to end: who it is for -> what they did -> the model -> what may be shown -> why.

It never fails: whatever goes wrong on the way, what is popular is recommended, and the reason is counted.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from actors.errors import ActorsError
from engine.impressions import Impression
from engine.kernel import Instant
from engine.price_list import Price
from engine.product import ProductView
from engine.visitor import Action, Behaved

from ..behaviour import Sender, Visitors
from .asking import Asking
from .figures import Figures
from .filters import Shelf, fit
from .gathering import Found
from .impressions import Impressions
from .popular import Popular
from .port import ModelsFail, Query, Variant
from .purchases import NOTHING, Bought, Purchases
from .reasons import FEATURED, POPULAR, Reason, reason_of
from .rules import RuleBook, Rules

VISIT_GAP_MS = 3_600_000
"""After so long without a sign of life the next thing that somebody does begins another visit."""
MOST_OF_A_VISIT = 20
"""Products of a visit that a model is told, the newest."""
JUST_BOUGHT_MS = 60 * 86_400_000
"""What was bought since is shown to nobody again, unless people buy it again and again."""
KNOWN_WITHIN_S = 0.1
"""A list that knows nothing of its shopper is better than one that comes late."""
SPARE = 20
"""More than is asked for, from the model: some of it is sold out, or in the cart already."""
POPULAR_MODEL = "popular"
NEWEST_MODEL = "newest"
NOT_INTEREST = (Action.REMOVE_FROM_CART, Action.SEARCH)

logger = logging.getLogger("doorbuster.recommendations")

PriceOf = Callable[[ProductView], Price | None]


class Asked(NamedTuple):
    """What is asked for, by somebody who may ask it. `basket` are the SKUs of a cart."""

    placement: str
    limit: int
    market: str = ""
    customer: str = ""
    anonymous_id: str = ""
    session: str = ""
    sku: str = ""
    basket: tuple[str, ...] = ()
    together: bool = False

    @property
    def visitor(self) -> str:
        """Whoever it is for, or nothing."""
        return self.customer or self.anonymous_id


class Item(NamedTuple):
    """One product that is recommended."""

    product: ProductView
    price: Price
    reason: Reason


class Chosen(NamedTuple):
    """A list, who made it, and what kept the model from it."""

    variant: Variant
    model: str
    version: str
    fallback: str
    propensity: float
    items: Sequence[Item]


class Recommendations:
    """Everything that recommends in one process of the shop."""

    def __init__(
        self,
        client: Sender,
        shelf: Shelf,
        rules: RuleBook,
        popular: Popular,
        asking: Asking,
        impressions: Impressions,
        figures: Figures,
        now: Callable[[], Instant],
    ) -> None:
        self._visitors = Visitors(client)
        self._purchases = Purchases(client)
        self._shelf = shelf
        self._rules = rules
        self.popular = popular
        self.asking = asking
        self.impressions = impressions
        self.figures = figures
        self._now = now

    async def run(self) -> None:
        """Follow what is popular and what is deployed, and tell what was shown, until it is cancelled."""
        await asyncio.gather(self.popular.run(), self.asking.run(), self.impressions.run())

    async def choose(self, asked: Asked, list_id: str, price: PriceOf) -> Chosen:
        """The list; `price` is what a product costs whoever asks, or None where it isn't sold to them."""
        begun = time.perf_counter()
        query, unwanted = await self._query(asked)
        market = self.asking.market_of(asked.market)
        drawn = self.asking.draw(market, asked.visitor or list_id)
        rules = self._rules.of(asked.placement)
        try:
            variant, found = await self.asking.recommend(drawn, market, query)
            fallback = ""
        except ModelsFail as error:
            variant, found, fallback = drawn.variant, self._nothing(), error.reason
        except Exception:
            logger.exception("A recommendation failed")
            variant, found, fallback = drawn.variant, self._nothing(), "broken"
        items = self._items(asked, query, found, rules, unwanted, price)
        if drawn.shadowed:
            self._shadow(asked, market, query, list_id)
        chosen = Chosen(variant, found.model, found.version, fallback, drawn.propensity_of(variant), items)
        self.figures.heard(market, variant, fallback, time.perf_counter() - begun)
        return chosen

    def shown(self, asked: Asked, list_id: str, chosen: Chosen, skus: tuple[str, ...]) -> None:
        """The list goes to its shopper: remember that."""
        self._note(asked, list_id, chosen.variant, chosen, skus)

    # -- what is known of whoever it is for

    async def _query(self, asked: Asked) -> tuple[Query, set[str]]:
        seen, bought = await self._known(asked) if asked.visitor else ((), NOTHING)
        now = self._now()
        query = Query(
            asked.limit + SPARE + len(asked.basket),
            visit_of(seen, asked.session),
            bought.skus,
            bought.at,
            asked.basket,
            asked.sku,
            now,
            asked.together,
        )
        unwanted = {sku for sku, at in zip(bought.skus, bought.at, strict=True) if now - at < JUST_BOUGHT_MS}
        unwanted -= self.popular.repeated
        return query, unwanted.union(asked.basket, (asked.sku,))

    async def _known(self, asked: Asked) -> tuple[Sequence[Behaved], Bought]:
        """What the visitor did and bought; where those who know it are busy or away, nothing."""
        try:
            async with asyncio.timeout(KNOWN_WITHIN_S):
                return await self._seen(asked), await self._bought(asked.customer)
        except TimeoutError:
            self.figures.unknown += 1
            return (), NOTHING

    async def _seen(self, asked: Asked) -> Sequence[Behaved]:
        try:
            if not asked.customer:
                return (await self._visitors.anonymous(asked.anonymous_id)).recent if asked.anonymous_id else ()
            recent = (await self._visitors.customer(asked.customer)).recent
            if not asked.anonymous_id:
                return recent
            # What the device did before its login has been heard of.
            before = (await self._visitors.anonymous(asked.anonymous_id)).recent
        except ActorsError as error:
            logger.debug("A visitor is not known: %s", error)
            return ()
        return sorted((*recent, *before), key=lambda behaved: behaved.at) if before else recent

    async def _bought(self, customer: str) -> Bought:
        if not customer:
            return NOTHING
        try:
            return await self._purchases.of(customer)
        except ActorsError as error:
            logger.debug("What a customer bought is not known: %s", error)
            return NOTHING

    # -- what is shown

    def _items(
        self, asked: Asked, query: Query, found: Found, rules: Rules, unwanted: set[str], price: PriceOf
    ) -> list[Item]:
        prices: dict[str, Price] = {}

        def priced(skus: Sequence[str] | Iterator[str], but: set[str]) -> Iterator[ProductView]:
            for product in fit(skus, self._shelf, rules, but):
                if (cost := price(product)) is not None:
                    prices[product.sku] = cost
                    yield product

        pinned = list(priced(rules.pinned, unwanted))[: asked.limit] if rules.pinned else []
        because = {each.sku: each.because for each in found.items}
        taken = unwanted.union(product.sku for product in pinned) if pinned else unwanted
        others = rules.arranged(priced(chain(because, self.popular.skus), taken), asked.limit - len(pinned))
        items = [Item(product, prices[product.sku], FEATURED) for product in pinned]
        # Few items speak for many.
        reasons: dict[str | None, Reason] = {None: POPULAR}
        for product in others:
            source = because.get(product.sku)
            if (reason := reasons.get(source)) is None:
                reason = reasons[source] = reason_of(source or "", query, self._shelf)
            items.append(Item(product, prices[product.sku], reason))
        return items

    def _nothing(self) -> Found:
        return Found(POPULAR_MODEL if self.popular.known else NEWEST_MODEL, "", ())

    # -- what is remembered

    def _shadow(self, asked: Asked, market: str, query: Query, list_id: str) -> None:
        task = self.asking.shadow(market, query)
        if task is None:
            return

        def note(done: "asyncio.Task[Found]") -> None:
            if not done.cancelled() and done.exception() is None:
                found = done.result()
                shadow = Chosen(Variant.CHALLENGER, found.model, found.version, "", 0.0, ())
                self._note(asked, list_id, SHADOW, shadow, tuple(each.sku for each in found.items[: asked.limit]))

        task.add_done_callback(note)

    def _note(self, asked: Asked, list_id: str, variant: str, chosen: Chosen, skus: tuple[str, ...]) -> None:
        self.impressions.add(
            Impression(
                list_id,
                self._now(),
                variant,
                chosen.model,
                chosen.version,
                asked.placement,
                asked.visitor,
                skus,
                chosen.propensity,
                chosen.fallback,
                asked.session,
                asked.market,
            )
        )


SHADOW = "shadow"
"""The variant of a list that nobody saw."""


def visit_of(recent: Sequence[Behaved], session: str) -> tuple[str, ...]:
    """The products of the last visit, oldest first, the same one in a row once; of `session` if that is told."""
    newest_first: list[str] = []
    later = 0
    for behaved in reversed(recent):
        if session and behaved.session != session:
            continue
        if not session and later and later - behaved.at > VISIT_GAP_MS:
            break
        later = behaved.at
        if not behaved.sku or behaved.action in NOT_INTEREST:
            continue
        if not newest_first or newest_first[-1] != behaved.sku:
            newest_first.append(behaved.sku)
            if len(newest_first) == MOST_OF_A_VISIT:
                break
    return tuple(reversed(newest_first))
