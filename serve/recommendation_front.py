"""The lean way to recommendations: a question in its common form is answered without a framework."""

from starlette.types import Scope

from .api.answers import HttpAnswer
from .api.problems import ProblemError
from .api.recommendations import Kept, Wanted, common_wanted, recommend
from .asker import Asker, asker_of
from .shop import Shop


class LeanRecommendations:
    """Answers a question in its common form; any other is the application's."""

    def __init__(self, shop: Shop, kept: Kept | None = None) -> None:
        """`kept` has the lists that were made for others."""
        self._shop = shop
        self._kept = kept

    async def answer(self, scope: Scope) -> HttpAnswer | None:
        """The answer, or None if the application has to look at it."""
        form = self._common_form(scope)
        if form is None:
            return None
        wanted, asker = form
        try:
            return await recommend(self._shop, wanted, asker.principal, unlinked=asker.unlinked, kept=self._kept)
        except ProblemError as error:
            return error.answer()

    def _common_form(self, scope: Scope) -> tuple[Wanted, Asker] | None:
        if self._shop.limits.policy("api") is not None:
            return None
        wanted = common_wanted(scope["query_string"].decode("latin-1"))
        asker = asker_of(self._shop, scope["headers"]) if wanted is not None else None
        return (wanted, asker) if wanted is not None and asker is not None else None
