"""Models for tests: what goes with what is written down, and what can go wrong is a switch."""

import asyncio
from collections.abc import Mapping, Sequence

from serve.recommendations.port import (
    Answered,
    Mode,
    ModelBroken,
    Models,
    Query,
    Standing,
    Suggestion,
    Trial,
    Variant,
)

GOES_WITH = {
    "RETRO-CLOCK": ("BRASS-LAMP", "OAK-TABLE", "VELVET-SOFA"),
    "TRAIL-SHOE": ("WOOL-SOCK", "RAIN-COAT", "CANVAS-PACK"),
}
SKUS = tuple(sku for sku, others in GOES_WITH.items() for sku in (sku, *others))


class PairModels(Models):
    """Recommends what goes with the newest product of the query that it knows anything of."""

    def __init__(self, trial: Trial | None = None, *, markets: Sequence[str] = ("",)) -> None:
        self.standings = {market: Standing("1", trial) for market in markets}
        self.asked: list[tuple[Variant, str, Sequence[Query]]] = []
        self.broken: set[Variant] = set()
        self.hanging: set[Variant] = set()
        self.answers = asyncio.Event()

    async def recommend(self, variant: Variant, market: str, queries: Sequence[Query]) -> Answered:
        self.asked.append((variant, market, queries))
        if variant in self.hanging:
            await self.answers.wait()
        if variant in self.broken:
            raise ModelBroken("it was told to be")
        standing = self.standings[market]
        champion = variant is Variant.CHAMPION or standing.trial is None
        version = standing.version if champion or standing.trial is None else standing.trial.version
        return Answered("pairs", version, tuple(self._list_of(query) for query in queries))

    async def standing(self) -> Mapping[str, Standing]:
        return dict(self.standings)

    def _list_of(self, query: Query) -> tuple[Suggestion, ...]:
        known = (*query.history, *query.basket, *query.session, *((query.sku,) if query.sku else ()))
        for sku in reversed(known):
            if sku in GOES_WITH:
                return tuple(Suggestion(other, sku) for other in (sku, *GOES_WITH[sku]))[: query.k]
        return ()


def challenger(mode: Mode = Mode.AB, share: float = 0.5, version: str = "2") -> Trial:
    return Trial(version, mode, share)
