"""The contract of how recommendations do in the shop, by variant."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from ..answers import timestamp
from .common import Output, Timestamp

Day = Annotated[str, Field(examples=["2026-11-23"], description="UTC; empty: all days of the window.")]
Chance = Annotated[
    float | None,
    Field(
        ge=0,
        le=1,
        description="How likely a difference as large would be if there was none; null: too few visitors to say.",
    ),
]


class VariantFigures(Output):
    """What one version showed and what came of it. A visit is a visitor's session, or day; it counts for the variant
    whose model it met first. What its visitor bought within a day is its revenue, in minor units of the currency.
    Visits that met no model have rows of their own, without a version, under the variant that was drawn."""

    market: str
    variant: str
    model: str
    version: str
    day: Day
    visits: int
    visitors: int
    lists: int
    fallbacks: Annotated[
        int, Field(description="Of what is popular, in the model's place: `lists` only where there is no version.")
    ]
    clicked_lists: int
    clicked_visits: int
    added_visits: Annotated[int, Field(description="A recommended item was put into the cart.")]
    bought_visits: Annotated[int, Field(description="Anything was bought.")]
    orders: int
    revenue: float


class MeasureDifference(Output):
    """One measure per visit, of both; the difference is the challenger less the champion, with its 95 % interval."""

    measure: Annotated[str, Field(examples=["click_through"])]
    champion: float
    challenger: float
    difference: float
    low: float
    high: float
    p: Chance


class OnlineTrial(Output):
    """The newest challenger of a market against its champion, on days when both were served."""

    market: str
    champion: Annotated[str, Field(description="Its version.")]
    challenger: Annotated[str, Field(description="Its version.")]
    visitors: Annotated[list[int], Field(description="Of each.")]
    differences: list[MeasureDifference]


class OffPolicyFigures(Output):
    """What a visit would bring if everybody got this variant: each counts by one over its propensity. `snips` is
    self-normalized: it varies less."""

    market: str
    variant: str
    version: str
    visits: int
    click_through_ips: float
    click_through_snips: float
    revenue_ips: float
    revenue_snips: float
    effective_visits: Annotated[float, Field(description="So many of equal weight would say as much.")]


class OnlineFigures(Output):
    """How each variant did in the window."""

    since: Timestamp
    until: Timestamp
    currency: Annotated[str, Field(description="Of the revenue; empty: nothing was sold.")]
    variants: list[VariantFigures]
    days: Annotated[list[VariantFigures], Field(description="The newest first, 1,000 rows at most.")]
    trials: list[OnlineTrial]
    off_policy: list[OffPolicyFigures]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "OnlineFigures":
        window = {"since": timestamp(told["first_ms"]), "until": timestamp(told["end_ms"])}
        return cls.model_validate({**{name: told[name] for name in told if not name.endswith("_ms")}, **window})
