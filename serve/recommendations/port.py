"""The way to the models: questions and answers in SKUs, many in one call, whatever process the models are in.

ModelsFail
├── ModelMissing     nobody has deployed one, or it isn't loaded yet
├── ModelSlow        it did not answer in time
├── ModelBusy        more wait than it could answer in time
└── ModelBroken      it raised, or its process ended
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

DEFAULT_MARKET = ""
"""The market of a shop that has one, and of those that have no model of their own."""


class Variant(StrEnum):
    """Which of the two models that are deployed at a time."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


class Mode(StrEnum):
    """How a challenger is tried."""

    CANARY = "canary"
    """A share of the visitors get it, to see that it works."""
    AB = "ab"
    """A share of the visitors get it, to see which is better."""
    SHADOW = "shadow"
    """It is asked as well, and nobody sees what it says."""


class Query(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one shopper is to be recommended; SKUs oldest first. `sku` is the product whose page it is, if any: then, of
    whoever nothing else is known, what is similar to it is wanted."""

    k: int
    session: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    history_at: tuple[int, ...] = ()
    basket: tuple[str, ...] = ()
    sku: str = ""
    at: int = 0
    together: bool = False
    """Of a product: what is bought with it, in place of what is similar."""


class Suggestion(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One item, and the item of the query that spoke most for it, or nothing."""

    sku: str
    because: str = ""


class Answered(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The model that answered, and a list for each query, best first; empty for one it has nothing to say to."""

    model: str
    version: str
    lists: tuple[tuple[Suggestion, ...], ...]
    failed: tuple[int, ...] = ()
    """Places of the queries that the model broke at."""


class Trial(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How the challenger is tried; `share` is of the visitors, 0 to 1, and says nothing of a shadow."""

    version: str
    mode: Mode
    share: float
    model: str = ""


class Standing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is deployed for one market: the champion's version, and the challenger's trial."""

    version: str
    trial: Trial | None = None
    model: str = ""
    since: int = 0
    """When the champion's process began to serve it, milliseconds UTC; 0: it is loaded when it is first asked."""
    is_aside: bool = False
    """The champion ended its process again and again: nobody is to ask it."""


class ModelsFail(Exception):
    """Why a model did not answer."""

    reason = "broken"


class ModelMissing(ModelsFail):
    reason = "missing"


class ModelSlow(ModelsFail):
    reason = "slow"


class ModelBusy(ModelsFail):
    reason = "busy"


class ModelBroken(ModelsFail):
    reason = "broken"


class Models(Protocol):
    """The way to the processes that have the models."""

    async def recommend(self, variant: Variant, market: str, queries: Sequence[Query]) -> Answered:
        """The lists in the order of the queries. Raises ModelsFail."""
        ...

    async def standing(self) -> Mapping[str, Standing]:
        """What is deployed now, by market. Raises ModelsFail."""
        ...


class NoModels:
    """Where the shop was started without models."""

    async def recommend(self, variant: Variant, market: str, queries: Sequence[Query]) -> Answered:
        raise ModelMissing(f"nobody serves {len(queries)} queries of {market or 'the shop'} by a {variant} here")

    async def standing(self) -> Mapping[str, Standing]:
        return {}


class Recommender(Protocol):
    """The way to a process that recommends, for those that sell. Raises actors.errors.Unavailable if none answers."""

    async def serving(self) -> bytes:
        """What serves there, as JSON."""
        ...

    async def metrics(self) -> str:
        """Its figures."""
        ...
