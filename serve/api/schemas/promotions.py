"""The contract of promotions and shipping methods."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.customer_group import MOST_MEMBERS, CustomerGroup
from engine.pricing import Benefit, Promotion, ShippingMethod, ShippingTier
from engine.promotion import MOST_NAMED, MOST_TIERS, MOST_UNITS, check_promotion

from ..bounds import MAX_AMOUNT, MAX_LABEL_LENGTH, SKU_PATTERN, STORE_CREDIT_ACCOUNT_PATTERN
from .common import Input, Output, Timestamp
from .times import InstantText, instant_of, shown_instant

Name = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_LENGTH)]
Names = Annotated[list[Name], Field(max_length=MOST_NAMED)]
Skus = Annotated[list[Annotated[str, Field(pattern=SKU_PATTERN)]], Field(max_length=MOST_NAMED)]
Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Minor units of `currency`.")]
Count = Annotated[int, Field(ge=0, le=MOST_UNITS)]
OptionalCurrency = Annotated[str, Field(pattern=r"^([A-Z]{3})?$", examples=["USD"])]
Regions = Annotated[
    list[Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z0-9]{1,3})?$", examples=["us"])]],
    Field(max_length=MOST_NAMED, description="Countries and states; none: everywhere."),
]
BENEFITS = Literal["percentage", "amount", "buy-x-get-y", "free-shipping"]


class PromotionIn(Input):
    """What is taken off, of what, for whom and when. An empty list or 0: no such condition.

    `exclusive` ones apply alone; of one `stacking` class only one applies; all others add up, by `priority`.
    """

    title: Annotated[Name, Field(description="Why, as it is shown to shoppers.", examples=["Summer sale"])]
    benefit: BENEFITS
    percent_bp: Annotated[
        int, Field(ge=0, le=10_000, description="Basis points: 1500 is 15 %. All benefits but `amount` need it.")
    ] = 0
    amount: Amount = 0
    currency: OptionalCurrency = ""
    each: Annotated[bool, Field(description="The amount is off every unit, not off all together.")] = False
    buy: Count = 0
    get: Annotated[Count, Field(description="So many of the cheapest units are off, for every `buy` bought.")] = 0
    most_times: Count = 0
    products: Skus = []
    categories: Names = []
    get_products: Skus = []
    get_categories: Names = []
    groups: Annotated[Names, Field(description="Customer groups that it is for; none: everyone.")] = []
    min_amount: Amount = 0
    min_quantity: Count = 0
    starts_at: InstantText | None = None
    ends_at: InstantText | None = None
    needs_coupon: Annotated[bool, Field(description="Only with one of its coupon codes.")] = False
    stacking: Annotated[str, Field(max_length=MAX_LABEL_LENGTH)] = ""
    exclusive: bool = False
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = 0
    enabled: bool = True

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if refusal := check_promotion("", self.to_content(), 0):
            raise ValueError(f"{refusal.details['field']}: must {refusal.details['must']}")
        return self

    def to_content(self) -> Promotion:
        given = self.model_dump()
        for field in ("products", "categories", "get_products", "get_categories", "groups"):
            given[field] = tuple(given[field])
        given["benefit"] = Benefit(self.benefit)
        given["starts_at"], given["ends_at"] = instant_of(self.starts_at), instant_of(self.ends_at)
        return Promotion(**given)


class PromotionOut(Output):
    key: str
    version: int
    title: str
    benefit: str
    percent_bp: int
    amount: int
    currency: str
    each: bool
    buy: int
    get: int
    most_times: int
    products: list[str]
    categories: list[str]
    get_products: list[str]
    get_categories: list[str]
    groups: list[str]
    min_amount: int
    min_quantity: int
    starts_at: Timestamp | None
    ends_at: Timestamp | None
    needs_coupon: bool
    stacking: str
    exclusive: bool
    priority: int
    enabled: bool

    @classmethod
    def of(cls, key: str, version: int, content: Promotion) -> Self:
        shown = {name: getattr(content, name) for name in content.__struct_fields__}
        for field in ("products", "categories", "get_products", "get_categories", "groups"):
            shown[field] = list(shown[field])
        shown["benefit"] = str(content.benefit)
        shown["starts_at"], shown["ends_at"] = shown_instant(content.starts_at), shown_instant(content.ends_at)
        return cls(key=key, version=version, **shown)


class CustomerGroupIn(Input):
    """The accounts of a group, which promotions can be for."""

    title: Name
    accounts: Annotated[
        list[Annotated[str, Field(pattern=STORE_CREDIT_ACCOUNT_PATTERN)]], Field(max_length=MOST_MEMBERS)
    ] = []

    def to_content(self) -> CustomerGroup:
        return CustomerGroup(self.title, tuple(self.accounts))


class CustomerGroupOut(Output):
    key: str
    version: int
    title: str
    accounts: list[str]

    @classmethod
    def of(cls, key: str, version: int, content: CustomerGroup) -> Self:
        return cls(key=key, version=version, title=content.title, accounts=list(content.accounts))


class ShippingTierIn(Input):
    """From this amount (or weight in grams) on, bringing it costs `price`."""

    starts_at: Annotated[int, Field(ge=0, le=MAX_AMOUNT)] = 0
    price: Amount


class ShippingMethodIn(Input):
    """A way of delivery. The highest tier that is reached tells the price."""

    title: Name
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]
    tiers: Annotated[list[ShippingTierIn], Field(min_length=1, max_length=MOST_TIERS)]
    by_weight: Annotated[bool, Field(description="Tiers are grams, not minor units.")] = False
    regions: Regions = []
    free_from: Annotated[Amount, Field(description="Goods of this amount are brought for nothing; 0: never.")] = 0
    tax_class: Annotated[str, Field(max_length=MAX_LABEL_LENGTH)] = ""
    most_weight_g: Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Heavier goods aren't taken; 0: any.")] = 0
    enabled: bool = True

    def to_content(self) -> ShippingMethod:
        return ShippingMethod(
            self.title,
            self.currency,
            tuple(ShippingTier(tier.starts_at, tier.price) for tier in self.tiers),
            self.by_weight,
            tuple(self.regions),
            self.free_from,
            self.tax_class,
            self.most_weight_g,
            self.enabled,
        )


class ShippingTierOut(Output):
    starts_at: int
    price: int


class ShippingMethodOut(Output):
    key: str
    version: int
    title: str
    currency: str
    tiers: list[ShippingTierOut]
    by_weight: bool
    regions: list[str]
    free_from: int
    tax_class: str
    most_weight_g: int
    enabled: bool

    @classmethod
    def of(cls, key: str, version: int, content: ShippingMethod) -> Self:
        shown = {name: getattr(content, name) for name in content.__struct_fields__}
        shown["tiers"] = [ShippingTierOut(starts_at=tier.starts_at, price=tier.price) for tier in content.tiers]
        shown["regions"] = list(content.regions)
        return cls(key=key, version=version, **shown)
