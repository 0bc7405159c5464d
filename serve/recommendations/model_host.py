"""What a process of models does: it follows what is released, loads it beside what serves, and swaps when it is warm.

A plain class: the follower and the clock are passed in, and Serve makes a deployment of it elsewhere. What a market has
stays in memory until the next version of it is ready, so no query ever waits for a swap.
"""

import asyncio
import gc
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from ml.artifact import load_artifact
from ml.errors import MlError
from ml.registry.following import Follower
from ml.registry.release import Mode as ReleaseMode
from ml.registry.release import Release, Version

from .inference import Loaded
from .lives import Lives
from .port import DEFAULT_MARKET, Answered, Mode, ModelMissing, Query, Standing, Trial, Variant

FOLLOW_EVERY_S = 3.0
"""A third of what a new alias may take to be served: it has to be read, loaded and told to the shop."""
MOST_MARKETS = 8
"""Whose models one process has in memory; those of others are loaded when they are asked."""
TRIED_AGAIN_S = 60.0
"""A version that could not be loaded: its artifact may come to be readable, but not every second."""

logger = logging.getLogger("doorbuster.models")


class MarketModel:
    """The model of one market and one variant: the one that serves, and perhaps one that is being loaded."""

    def __init__(self, host: "ModelHost", market: str) -> None:
        self._host = host
        self._market = market
        self._loading: asyncio.Task[None] | None = None
        self._failed: tuple[int, float] = (0, 0.0)
        self.loaded: Loaded | None = None
        self.is_aside = False
        """What is to serve has ended too many processes."""

    async def ready(self) -> Loaded:
        """The model, loaded if it isn't yet. Raises ModelMissing."""
        if self.loaded is None:
            await self.follow()
        if self.loaded is None:
            raise ModelMissing(f"no {self._host.variant} serves {self._market or 'the shop'}")
        return self.loaded

    async def follow(self) -> None:
        """Have what is released now; whoever asks meanwhile waits for the same."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._follow())
            self._loading.add_done_callback(self._done)
        await asyncio.shield(self._loading)

    def _done(self, _task: "asyncio.Task[None]") -> None:
        self._loading = None

    async def _follow(self) -> None:
        wanted = self._host.wanted(self._market)
        if wanted is None:
            # Nothing is released here any more: what serves goes, and its memory with it.
            self.loaded = None
            self.is_aside = False
            return
        if self.loaded is not None and self.loaded.version == str(wanted.number):
            return
        number, again_at = self._failed
        if number == wanted.number and time.monotonic() < again_at:
            return
        self.is_aside = await asyncio.to_thread(self._host.lives.is_aside, self._host.name_of(wanted))
        if self.is_aside:
            return
        try:
            loaded = await asyncio.to_thread(self._host.load, wanted)
        except (MlError, OSError) as error:
            self._could_not(wanted, error)
        except Exception as error:
            # Whatever somebody's own model raises.
            logger.exception("A model could not be loaded")
            self._could_not(wanted, error)
        else:
            before, self.loaded = self.loaded, loaded
            logger.warning(
                "%s %s %s serves %s, after %s",
                *(self._host.variant, loaded.name, loaded.version, self._market or "the shop"),
                before.version if before is not None else "none",
            )
            del before
            # The old one may be part of a cycle: its memory is to go now, not some day.
            gc.collect()

    def _could_not(self, wanted: Version, error: Exception) -> None:
        logger.warning("Version %d can't serve, what served goes on: %s", wanted.number, error)
        self._failed = (wanted.number, time.monotonic() + TRIED_AGAIN_S)


class ModelHost:
    """The models of one variant, by market."""

    def __init__(
        self,
        variant: Variant,
        follower: Follower,
        lives: Lives,
        now: Callable[[], int],
        most_markets: int = MOST_MARKETS,
    ) -> None:
        self.variant = variant
        self.lives = lives
        self._most_markets = most_markets
        self._follower = follower
        self._now = now
        self._releases: Mapping[str, Release] = {}
        self._markets: OrderedDict[str, MarketModel] = OrderedDict()

    async def follow(self) -> None:
        """Look once at what is released, and have each market's model that is here be that one."""
        try:
            self._releases = await asyncio.to_thread(self._look)
        except MlError as error:
            logger.warning("What is released can't be read, what served goes on: %s", error)
            return
        await asyncio.to_thread(self._forget_others)
        if self.variant is Variant.CHAMPION and DEFAULT_MARKET in self._releases:
            # Before anybody asks: the shop's own champion. A challenger is loaded when it is asked, so that one whose
            # loading ends the process isn't loaded again and again.
            self.market(DEFAULT_MARKET)
        await asyncio.gather(*(model.follow() for model in list(self._markets.values())))

    def market(self, market: str) -> MarketModel:
        """The market's model, which is kept up from now on; the one that was asked longest ago makes room for it."""
        found = self._markets.get(market)
        if found is None:
            found = self._markets[market] = MarketModel(self, market)
            while len(self._markets) > self._most_markets:
                self._markets.popitem(last=False)
        self._markets.move_to_end(market)
        return found

    def answer_at_once(self, market: str, queries: Sequence[Query]) -> Answered | None:
        """The lists, or None where the market's model has to be loaded first. Raises ModelBroken."""
        here = self._markets.get(market)
        if here is None or here.loaded is None:
            return None
        self._markets.move_to_end(market)
        return self._answer(here.loaded, queries)

    async def answer(self, market: str, queries: Sequence[Query]) -> Answered:
        """As `answer_at_once`, after loading. Raises ModelsFail."""
        if market not in self._releases:
            # Markets are named by the registry, and by nobody who asks.
            raise ModelMissing(f"nothing is released for {market or 'the shop'}")
        return self._answer(await self.market(market).ready(), queries)

    def standing(self) -> dict[str, Standing]:
        """What is deployed, by market; of a market whose champion is here but could not be loaded yet, nothing."""
        return {
            market: standing
            for market, release in self._releases.items()
            if (standing := self._standing(market, release)) is not None
        }

    def wanted(self, market: str) -> Version | None:
        """The version that is to serve here."""
        release = self._releases.get(market)
        if release is None:
            return None
        return release.champion if self.variant is Variant.CHAMPION else release.challenger

    def load(self, version: Version) -> Loaded:
        """The version's model, warm. Takes its time: called in a thread. Raises MlError, and what a model raises."""
        artifact, name = self._follower.fetch(version), self.name_of(version)
        with self.lives.inside(name):
            model = load_artifact(artifact)
            loaded = Loaded(model, model.name, str(version.number), self._now(), name)
            loaded.warm_up()
        return loaded

    def name_of(self, version: Version) -> str:
        """What the version is called as long as this release of it stands."""
        release = self._releases.get(version.market)
        return f"{version.market}/{version.number} of release {release.number if release is not None else 0}"

    def _answer(self, loaded: Loaded, queries: Sequence[Query]) -> Answered:
        with self.lives.inside(loaded.release):
            return loaded.answer(queries)

    def _look(self) -> dict[str, Release]:
        return {market: self._follower.release(market) for market in self._follower.markets()}

    def _forget_others(self) -> None:
        """Another release is another chance for a model that was set aside."""
        wanted = (self.wanted(market) for market in self._releases)
        self.lives.forget_others({self.name_of(version) for version in wanted if version is not None})

    def _standing(self, market: str, release: Release) -> Standing | None:
        if release.champion is None:
            return None
        here = self._markets.get(market)
        if here is not None and here.loaded is None and not here.is_aside:
            return None
        if here is None or here.loaded is None:
            is_aside = here is not None and here.is_aside
            version, model = str(release.champion.number), release.champion.model
            return Standing(version, _trial_of(release), model, is_aside=is_aside)
        return Standing(here.loaded.version, _trial_of(release), here.loaded.name, here.loaded.since)


def _trial_of(release: Release) -> Trial | None:
    if release.challenger is None or release.mode is ReleaseMode.OFF:
        return None
    return Trial(str(release.challenger.number), Mode(str(release.mode)), release.share, release.challenger.model)
