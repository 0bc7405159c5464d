"""The lean way to recommendations: a question in its common form is answered without a framework."""

from starlette.types import Scope

from .access.principal import ANONYMOUS, Principal
from .api.answers import HttpAnswer
from .api.auth import token_of
from .api.problems import ProblemError
from .api.recommendations import Kept, Wanted, common_wanted, recommend
from .shop import Shop


class LeanRecommendations:
    """Answers a question in its common form; any other is the application's."""

    def __init__(self, shop: Shop, kept: Kept | None = None) -> None:
        """`kept` has the lists that were made for others."""
        self._shop = shop
        self._kept = kept
        self._has_other_sites = bool(shop.settings.cors_origins)

    async def answer(self, scope: Scope) -> HttpAnswer | None:
        """The answer, or None if the application has to look at it."""
        form = self._common_form(scope)
        if form is None:
            return None
        wanted, principal, unlinked = form
        try:
            return await recommend(self._shop, wanted, principal, unlinked=unlinked, kept=self._kept)
        except ProblemError as error:
            return error.answer()

    def _common_form(self, scope: Scope) -> tuple[Wanted, Principal, bool] | None:
        if self._shop.limits.policy("api") is not None:
            return None
        wanted = common_wanted(scope["query_string"].decode("latin-1"))
        if wanted is None:
            return None
        principal, unlinked = ANONYMOUS, False
        for name, value in scope["headers"]:
            if name == b"authorization":
                known = self._shop.access.known(token_of(value.decode("latin-1")) or "")
                if known is None:
                    return None
                principal = known
            elif name in (b"dnt", b"sec-gpc"):
                unlinked = unlinked or value == b"1"
            elif name == b"origin" and self._has_other_sites:
                # What a page of another site may read is the application's to say.
                return None
        return wanted, principal, unlinked
