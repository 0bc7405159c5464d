"""The contract of recommendations, and of the merchant's rules for them."""

from typing import Annotated, Literal

from pydantic import Field

from engine.recommendation_rules import (
    LONGEST_NAME,
    MOST_PINNED,
    MOST_PLACEMENTS,
    MOST_SELECTED,
    PlacementRules,
    RecommendationRules,
    Selection,
)

from ...recommendations.asking import Asking
from ...recommendations.figures import Figures
from ...recommendations.port import Mode, Variant
from ...recommendations.reasons import ReasonType
from ..answers import timestamp
from ..bounds import MAX_RECOMMENDATIONS, PLACEMENT_PATTERN
from .common import Input, Money, Output, Sku, Timestamp

Fallback = Literal["missing", "slow", "busy", "broken"]


class RecommendationReason(Output):
    """Why it is recommended."""

    type: ReasonType
    sku: Annotated[str | None, Field(description="The product that speaks for it.")]
    text: Annotated[str, Field(examples=["Because you viewed Retro alarm clock"])]


class RecommendedItem(Output):
    """A product that can be bought now."""

    sku: Annotated[str, Field(examples=["RETRO-CLOCK"])]
    title: str
    price: Money
    compare_at_price: Money | None
    image: str | None
    vendor: str
    reason: RecommendationReason


class Recommended(Output):
    """What somebody may like, best first."""

    recommendation_id: Annotated[
        str,
        Field(
            description="Send it back with events that come from this list.", examples=["rec_3q2-7wEXAMPLEoeM8n4A1xw"]
        ),
    ]
    propensity: Annotated[float, Field(ge=0, le=1, description="How likely this visitor was to get this variant.")]
    placement: str
    variant: Variant
    model: Annotated[str, Field(examples=["session-knn"], description="Or `popular`, `newest`, where none answered.")]
    version: str
    fallback: Annotated[
        Fallback | None, Field(description="Why no model answered: then it is what is popular, or new.")
    ]
    items: Annotated[list[RecommendedItem], Field(max_length=MAX_RECOMMENDATIONS)]


class ServedModel(Output):
    """What one variant of a market is, and what became of the requests for it."""

    market: Annotated[str, Field(description="Empty: the shop's own model.")]
    variant: Variant
    version: str
    model: str
    since: Annotated[Timestamp | None, Field(description="null: it is loaded when it is first asked.")]
    mode: Annotated[Mode | None, Field(description="How a challenger is tried.")]
    share: Annotated[float, Field(ge=0, le=1, description="Of the visitors.")]
    quarantined: Annotated[bool, Field(description="It failed too often and is asked no more, until another release.")]
    answers: Annotated[int, Field(ge=0)]
    fallbacks: Annotated[int, Field(ge=0, description="Requests for which no model answered.")]


class ServedModels(Output):
    """What serves."""

    variants: list[ServedModel]

    @classmethod
    def of(cls, asking: Asking, figures: Figures) -> "ServedModels":
        found = []
        for market, standing in sorted(asking.standings.items()):
            trial, fallbacks = standing.trial, figures.fallbacks[market]
            champion = ServedModel(
                market=market,
                variant=Variant.CHAMPION,
                version=standing.version,
                model=standing.model,
                since=timestamp(standing.since) if standing.since else None,
                mode=None,
                share=1.0 - trial.share if trial else 1.0,
                quarantined=standing.is_aside,
                answers=figures.answers[market, Variant.CHAMPION],
                fallbacks=fallbacks,
            )
            found.append(champion)
            if trial is not None:
                answers = figures.answers[market, Variant.CHALLENGER]
                out = asking.trials.is_out(market, standing)
                told = {"version": trial.version, "model": trial.model, "mode": trial.mode, "share": trial.share}
                changed = {"variant": Variant.CHALLENGER, "since": None, "quarantined": out, "answers": answers}
                found.append(champion.model_copy(update={**told, **changed, "fallbacks": 0}))
        return cls(variants=found)


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Names = Annotated[list[Name], Field(max_length=MOST_SELECTED)]


class SelectionIn(Input):
    """Products: by SKU, by the id of a category, by vendor."""

    skus: Annotated[list[Sku], Field(max_length=MOST_SELECTED)] = []
    categories: Names = []
    vendors: Names = []

    def to_engine(self) -> Selection:
        return Selection(tuple(self.skus), tuple(self.categories), tuple(self.vendors))

    @classmethod
    def of(cls, selection: Selection) -> "SelectionIn":
        return cls.model_construct(
            skus=list(selection.skus), categories=list(selection.categories), vendors=list(selection.vendors)
        )


class PlacementRulesIn(Input):
    """The rules of one placement."""

    pin: Annotated[list[Sku], Field(max_length=MOST_PINNED, description="First, in this order, while in stock.")] = []
    bury: Annotated[SelectionIn, Field(description="After everything else.")] = SelectionIn()
    exclude: Annotated[SelectionIn, Field(description="Never.")] = SelectionIn()
    most_of_a_category: Annotated[
        int, Field(ge=0, le=MAX_RECOMMENDATIONS, description="Items of one category at most; 0: no limit.")
    ] = 0

    def to_engine(self) -> PlacementRules:
        return PlacementRules(
            tuple(dict.fromkeys(self.pin)), self.bury.to_engine(), self.exclude.to_engine(), self.most_of_a_category
        )

    @classmethod
    def of(cls, rules: PlacementRules) -> "PlacementRulesIn":
        return cls.model_construct(
            pin=list(rules.pin),
            bury=SelectionIn.of(rules.bury),
            exclude=SelectionIn.of(rules.exclude),
            most_of_a_category=rules.most_of_a_category,
        )


class RecommendationRulesIn(Input):
    """What the merchant wants, whatever a model says."""

    placements: Annotated[
        dict[Annotated[str, Field(pattern=PLACEMENT_PATTERN)], PlacementRulesIn],
        Field(
            max_length=MOST_PLACEMENTS,
            description="By placement; `everywhere` is for those that have none of their own.",
            examples=[{"everywhere": {"pin": ["RETRO-CLOCK"], "most_of_a_category": 3}}],
        ),
    ] = {}

    def to_content(self) -> RecommendationRules:
        return RecommendationRules({name: rules.to_engine() for name, rules in self.placements.items()})


class RecommendationRulesOut(RecommendationRulesIn, Output):
    """The rules, at a version."""

    version: Annotated[int, Field(ge=0, description="0 before they were first put.")]

    @classmethod
    def at(cls, version: int, content: RecommendationRules) -> "RecommendationRulesOut":
        placements = {name: PlacementRulesIn.of(rules) for name, rules in content.placements.items()}
        return cls.model_construct(placements=placements, version=version)
