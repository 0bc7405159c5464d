"""The contract of price lists and tax regions."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.price_list import HIGHEST_PRIORITY, PriceListPut
from engine.tax_region import MOST_RATES, WHOLE_PPM, TaxRate, TaxRegionPut

from ..bounds import CURRENCY_PATTERN, MAX_AMOUNT, MAX_IMPORT_ROWS, MAX_LABEL_LENGTH
from .common import Input, Label, Output, Sku, Timestamp
from .times import InstantText, instant_of, shown_instant

Name = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_LENGTH)]


class PriceListIn(Input):
    """When a list's prices count. Of several that do, the highest priority does, then the cheapest price."""

    name: Name
    currency: Annotated[str, Field(pattern=CURRENCY_PATTERN, examples=["EUR"])]
    group: Annotated[Label, Field(description="Customers that it is for; empty: everyone.")] = ""
    priority: Annotated[int, Field(ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY)] = 0
    starts_at: InstantText | None = None
    ends_at: InstantText | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends_at and instant_of(self.ends_at) <= instant_of(self.starts_at):
            raise ValueError("ends_at: comes before starts_at")
        return self

    def to_content(self) -> PriceListPut:
        return PriceListPut(
            self.name, self.currency, self.group, self.priority, instant_of(self.starts_at), instant_of(self.ends_at)
        )


class PriceList(Output):
    key: str
    version: int
    name: str
    currency: str
    group: str
    priority: int
    starts_at: Timestamp | None
    ends_at: Timestamp | None

    @classmethod
    def of(cls, key: str, version: int, content: PriceListPut) -> Self:
        return cls(
            key=key,
            version=version,
            name=content.name,
            currency=content.currency,
            group=content.group,
            priority=content.priority,
            starts_at=shown_instant(content.starts_at),
            ends_at=shown_instant(content.ends_at),
        )


class SkuPriceIn(Input):
    """A product's price in the list."""

    sku: Sku
    amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Minor units of the list's currency.")]
    compare_at: Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Minor units; 0: none.")] = 0


class ListPricesIn(Input):
    """Prices to set, and products to take out of the list."""

    prices: Annotated[list[SkuPriceIn], Field(max_length=MAX_IMPORT_ROWS)] = []
    removed: Annotated[list[Sku], Field(max_length=MAX_IMPORT_ROWS)] = []


class ListPriceResult(Output):
    sku: str
    status: Literal["set", "removed", "error"]
    error: str | None = None


class ListPriceResults(Output):
    """What became of each product, in the order of the request."""

    results: list[ListPriceResult]


class TaxRateIn(Input):
    """A rate of one class of products; the class "" is everything without one of its own."""

    tax_class: Annotated[str, Field(max_length=MAX_LABEL_LENGTH, examples=["books"])] = ""
    name: Annotated[str, Field(max_length=MAX_LABEL_LENGTH, examples=["VAT 7 %"])]
    rate_ppm: Annotated[int, Field(ge=0, le=WHOLE_PPM, description="Parts per million: 190000 is 19 %.")]


class TaxRegionIn(Input):
    """What a country, or a state of it, takes."""

    name: Name
    rates: Annotated[list[TaxRateIn], Field(max_length=MOST_RATES)]
    inclusive: Annotated[bool, Field(description="Prices have the tax in them; else it comes on top.")] = False
    taxes_shipping: bool = True

    @model_validator(mode="after")
    def _each_class_once(self) -> Self:
        if len({rate.tax_class for rate in self.rates}) < len(self.rates):
            raise ValueError("rates: a tax class stands there twice")
        return self

    def to_content(self) -> TaxRegionPut:
        rates = tuple(TaxRate(rate.tax_class, rate.name, rate.rate_ppm) for rate in self.rates)
        return TaxRegionPut(self.name, rates, self.inclusive, self.taxes_shipping)


class TaxRegion(Output):
    key: str
    version: int
    name: str
    rates: list[TaxRateIn]
    inclusive: bool
    taxes_shipping: bool

    @classmethod
    def of(cls, key: str, version: int, content: TaxRegionPut) -> Self:
        return cls(
            key=key,
            version=version,
            name=content.name,
            rates=[
                TaxRateIn(tax_class=rate.tax_class, name=rate.name, rate_ppm=rate.rate_ppm) for rate in content.rates
            ],
            inclusive=content.inclusive,
            taxes_shipping=content.taxes_shipping,
        )
