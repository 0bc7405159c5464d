"""Asking the model that a visitor drew. For a challenger that fails the champion answers, and one that goes on failing
is set aside; where the champion fails, the caller falls back on what is popular."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from .gathering import DEADLINE_S, Found, Gatherer
from .port import DEFAULT_MARKET, Answered, ModelMissing, Models, ModelsFail, Query, Standing, Variant
from .variants import Drawn, draw

CHALLENGER_SHARE = 0.4
"""Of the deadline: a challenger is late before the champion would be, so that the champion can still answer in time."""
STANDING_EVERY_S = 0.25
"""It costs a look at what this process was told."""
FAILURES_TO_QUARANTINE = 3
"""Calls in a row; a call that is given up is one, too."""
MOST_MARKETS = 200
MOST_SHADOWS = 8
"""Questions to a shadow that are under way; what comes on top is let go."""

logger = logging.getLogger("doorbuster.recommendations")


class Trials:
    """How challengers get on: one that failed so many calls in a row is asked no more until another is deployed."""

    def __init__(self) -> None:
        self._failures: Counter[tuple[str, str]] = Counter()
        self.failed = 0

    def is_out(self, market: str, standing: Standing | None) -> bool:
        """Whether the market's challenger is in quarantine."""
        if standing is None or standing.trial is None:
            return False
        return self._failures[market, standing.trial.version] >= FAILURES_TO_QUARANTINE

    def ended(self, market: str, version: str, *, well: bool) -> None:
        """A call has ended."""
        if well:
            self._failures.pop((market, version), None)
            return
        self.failed += 1
        self._failures[market, version] += 1
        if self._failures[market, version] == FAILURES_TO_QUARANTINE:
            logger.warning("The challenger %s failed too often and is asked no more", version)

    def forget_others(self, standings: Mapping[str, Standing]) -> None:
        """What is no longer deployed may be tried again some day."""
        alive = {(market, each.trial.version) for market, each in standings.items() if each.trial is not None}
        self._failures = Counter({key: count for key, count in self._failures.items() if key in alive})


class Asking:
    """The models as one process of the shop asks them."""

    def __init__(self, models: Models, deadline_s: float = DEADLINE_S) -> None:
        self._models = models
        self._deadline_s = deadline_s
        self._gatherers: dict[tuple[Variant, str, float], Gatherer] = {}
        self._shadows: set[asyncio.Task[Found]] = set()
        self.standings: Mapping[str, Standing] = {}
        self.trials = Trials()

    async def run(self) -> None:
        """Follow what is deployed, until it is cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(STANDING_EVERY_S)

    async def refresh(self) -> None:
        """Look once; nobody who answers leaves everything as it was."""
        try:
            standings = await self._models.standing()
        except ModelsFail as error:
            logger.debug("What is deployed is not known: %s", error)
            return
        except Exception:
            logger.exception("What is deployed could not be asked for")
            return
        if standings != self.standings:
            self.standings = dict(list(standings.items())[:MOST_MARKETS])
            self.trials.forget_others(self.standings)

    def market_of(self, market: str) -> str:
        """The market whose model answers for this one."""
        return market if market in self.standings else DEFAULT_MARKET

    def draw(self, market: str, visitor: str) -> Drawn:
        """The variant of a visitor, as the trial and the challenger's health have it."""
        standing = self.standings.get(market)
        if self.trials.is_out(market, standing):
            standing = None
        return draw(standing, visitor)

    async def recommend(self, drawn: Drawn, market: str, query: Query) -> tuple[Variant, Found]:
        """The list, and who made it. Raises ModelsFail."""
        if market not in self.standings:
            raise ModelMissing("no model is deployed")
        if drawn.variant is Variant.CHAMPION:
            return Variant.CHAMPION, await self._champion(market, self._deadline_s, query)
        challenger_s = self._deadline_s * CHALLENGER_SHARE
        try:
            found = await self._gatherer(Variant.CHALLENGER, market, challenger_s).recommend(query)
        except ModelsFail:
            return Variant.CHAMPION, await self._champion(market, self._deadline_s - challenger_s, query)
        return Variant.CHALLENGER, found

    async def _champion(self, market: str, deadline_s: float, query: Query) -> Found:
        if self.standings[market].is_aside:
            raise ModelMissing("the champion is set aside")
        return await self._gatherer(Variant.CHAMPION, market, deadline_s).recommend(query)

    def shadow(self, market: str, query: Query) -> "asyncio.Task[Found] | None":
        """Ask the challenger as well; nobody waits for it."""
        if len(self._shadows) >= MOST_SHADOWS:
            return None
        gatherer = self._gatherer(Variant.CHALLENGER, market, self._deadline_s)
        asked = asyncio.create_task(gatherer.recommend(query))
        self._shadows.add(asked)
        asked.add_done_callback(self._shadows.discard)
        # A shadow that fails is counted by its calls.
        asked.add_done_callback(lambda done: done.cancelled() or done.exception())
        return asked

    @property
    def aside(self) -> int:
        """Champions that are asked no more, because they ended their processes."""
        return sum(standing.is_aside for standing in self.standings.values())

    @property
    def calls(self) -> int:
        """Calls so far; each carried at least one question."""
        return sum(gatherer.calls for gatherer in self._gatherers.values())

    def close(self) -> None:
        for gatherer in self._gatherers.values():
            gatherer.close()
        for asked in self._shadows:
            asked.cancel()

    def _gatherer(self, variant: Variant, market: str, deadline_s: float) -> Gatherer:
        gatherer = self._gatherers.get((variant, market, deadline_s))
        if gatherer is None:
            gatherer = self._gatherers[variant, market, deadline_s] = Gatherer(
                lambda queries: asyncio.ensure_future(self._call(variant, market, queries)), deadline_s=deadline_s
            )
        return gatherer

    async def _call(self, variant: Variant, market: str, queries: Sequence[Query]) -> Answered:
        if variant is Variant.CHAMPION:
            return await self._models.recommend(variant, market, queries)
        standing = self.standings.get(market)
        version = standing.trial.version if standing is not None and standing.trial is not None else ""
        try:
            answered = await self._models.recommend(variant, market, queries)
        except ModelMissing:
            # Its process is starting, or nothing is deployed any more.
            raise
        except BaseException:
            # Given up is failed, too.
            self.trials.ended(market, version, well=False)
            raise
        self.trials.ended(market, version, well=True)
        return answered
