"""A loaded model answering queries: SKUs to indices, one call of the model for a whole batch, indices back to SKUs."""

import logging
from collections.abc import Sequence

from ml.model import NOTHING, Context, Model, Ranked

from .port import Answered, ModelBroken, Query, Suggestion

logger = logging.getLogger("doorbuster.models")

WARMING_K = 10


class Loaded:
    """A model, what it is called, and where each SKU stands in it."""

    def __init__(self, model: Model, name: str, version: str, since: int, release: str = "") -> None:
        self.name = name
        self.version = version
        self.release = release
        """What it is called in the release that it serves by."""
        self.since = since
        """When it began to serve, milliseconds UTC."""
        self._model = model
        self._skus = model.skus
        self._places = {sku: place for place, sku in enumerate(model.skus)}

    def warm_up(self) -> None:
        """Ask what shoppers will ask, so that the first of them doesn't wait for pages of the model from the disk; one
        that can't answer is found out before it serves. Raises whatever the model raises."""
        known = tuple(self._skus[:1])
        at = (self.since,) * len(known)
        self._asked([Query(WARMING_K), Query(WARMING_K, known, known, at, known, at=self.since)])
        if known:
            self._asked([Query(WARMING_K, sku=known[0])])

    def answer(self, queries: Sequence[Query]) -> Answered:
        """A list for each query. One that the model breaks at takes no others with it. Raises ModelBroken if it breaks
        at all of them."""
        try:
            return Answered(self.name, self.version, tuple(self._asked(queries)))
        except Exception as error:
            if len(queries) == 1:
                raise ModelBroken(f"{self.name} {self.version}: {type(error).__name__}: {error}") from error
            logger.warning("%s %s broke at one of %d queries: %s", self.name, self.version, len(queries), error)
        lists: list[tuple[Suggestion, ...]] = []
        failed: list[int] = []
        for place, query in enumerate(queries):
            try:
                lists += self._asked([query])
            except Exception:
                lists.append(())
                failed.append(place)
        if len(failed) == len(queries):
            raise ModelBroken(f"{self.name} {self.version} breaks at everything")
        return Answered(self.name, self.version, tuple(lists), tuple(failed))

    def _asked(self, queries: Sequence[Query]) -> list[tuple[Suggestion, ...]]:
        lists: list[tuple[Suggestion, ...]] = [()] * len(queries)
        similar = [place for place, query in enumerate(queries) if self._is_for_anybody(query)]
        if similar:
            items = [self._places[queries[place].sku] for place in similar]
            self._put(lists, similar, queries, self._model.similar(items, max(queries[place].k for place in similar)))
        others = [place for place in range(len(queries)) if place not in set(similar)]
        if others:
            contexts = [self._context(queries[place]) for place in others]
            ranked = self._model.recommend(contexts, max(queries[place].k for place in others))
            self._put(lists, others, queries, ranked)
        return lists

    def _is_for_anybody(self, query: Query) -> bool:
        """Whether nothing is known but the product."""
        known = query.session or query.history or query.basket
        return query.sku in self._places and not (query.together or known)

    def _context(self, query: Query) -> Context:
        places = self._places
        history = [(places[sku], at) for sku, at in zip(query.history, query.history_at, strict=True) if sku in places]
        session = [places[sku] for sku in query.session if sku in places]
        basket = [places[sku] for sku in query.basket if sku in places]
        if query.sku in places:
            (basket if query.together else session).append(places[query.sku])
        return Context(session, [item for item, _ in history], basket, [at for _, at in history], query.at)

    def _put(
        self,
        lists: list[tuple[Suggestion, ...]],
        wanted: Sequence[int],
        queries: Sequence[Query],
        ranked: Ranked,
    ) -> None:
        skus = self._skus
        rows = zip(wanted, ranked.items.tolist(), ranked.because.tolist(), strict=True)
        for place, items, because in rows:
            lists[place] = tuple(
                Suggestion(skus[item], "" if source == NOTHING else skus[source])
                for item, source in zip(items[: queries[place].k], because, strict=False)
                if item != NOTHING
            )
