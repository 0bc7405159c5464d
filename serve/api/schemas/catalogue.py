"""The contract of products."""

from math import isfinite
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from engine.money import Money as EngineMoney
from engine.price_list import Price
from engine.product import CONTENT, ProductView, PutProduct
from engine.product import Component as EngineComponent

from ..bounds import (
    CATALOGUE_KEY_PATTERN,
    MAX_AMOUNT,
    MAX_ATTRIBUTES,
    MAX_CATEGORIES,
    MAX_CATEGORY_DEPTH,
    MAX_COMPONENT_QUANTITY,
    MAX_COMPONENTS,
    MAX_DESCRIPTION_LENGTH,
    MAX_IMAGES,
    MAX_LABEL_LENGTH,
    MAX_TAGS,
    MAX_TITLE_LENGTH,
    MAX_URL_LENGTH,
    MAX_WEIGHT_G,
)
from .common import Input, Label, Money, Output, Sku, Timestamp
from .times import InstantText, instant_of, shown_instant


def _scalar(value: Any) -> Any:
    # One check instead of a union: a union's errors would point into members that no client can see.
    if isinstance(value, str) and len(value) <= MAX_DESCRIPTION_LENGTH:
        return value
    if isinstance(value, bool | int | float) and isfinite(value):
        return value
    raise ValueError(f"Attributes are numbers, booleans or texts of at most {MAX_DESCRIPTION_LENGTH} characters")


_ATTRIBUTE_SCHEMA = {"type": ["string", "number", "boolean"], "maxLength": MAX_DESCRIPTION_LENGTH}
Attribute = Annotated[Any, AfterValidator(_scalar), WithJsonSchema(_ATTRIBUTE_SCHEMA)]
AttributeName = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_LENGTH)]
Attributes = dict[AttributeName, Attribute]
Url = Annotated[str, Field(min_length=1, max_length=MAX_URL_LENGTH)]


CatalogueKey = Annotated[str, Field(pattern=CATALOGUE_KEY_PATTERN, examples=["alarm-clocks"])]


class Component(Input):
    """A part of a bundle."""

    sku: Sku
    quantity: Annotated[int, Field(ge=1, le=MAX_COMPONENT_QUANTITY, description="Units in each bundle.")] = 1


class ProductIn(Input):
    """A product to create or replace: `title` and `price` suffice."""

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE_LENGTH, examples=["Retro alarm clock"])]
    price: Money
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION_LENGTH)] = ""
    category: Annotated[
        list[Label],
        Field(max_length=MAX_CATEGORY_DEPTH, description="Path from the root", examples=[["Home", "Clocks"]]),
    ] = []
    vendor: Label = ""
    tags: Annotated[list[Label], Field(max_length=MAX_TAGS)] = []
    images: Annotated[list[Url], Field(max_length=MAX_IMAGES, description="URLs")] = []
    attributes: Annotated[Attributes, Field(max_length=MAX_ATTRIBUTES, examples=[{"colour": "red"}])] = {}
    status: Annotated[
        Literal["active", "draft", "archived"], Field(description="Only what is active is shown and sold.")
    ] = "active"
    publish_at: Annotated[InstantText | None, Field(description="Shown and sold from then on.")] = None
    unpublish_at: Annotated[InstantText | None, Field(description="Shown and sold until then.")] = None
    compare_at_price: Annotated[
        Money | None, Field(description="The price that `price` is shown beside; in the same currency.")
    ] = None
    tax_class: Annotated[str, Field(max_length=MAX_LABEL_LENGTH, examples=["books"])] = ""
    barcode: Label = ""
    weight_g: Annotated[int, Field(ge=0, le=MAX_WEIGHT_G, description="Grams.")] = 0
    image_alts: Annotated[
        list[Annotated[str, Field(max_length=MAX_TITLE_LENGTH)]],
        Field(max_length=MAX_IMAGES, description="What the images show, in their order."),
    ] = []
    categories: Annotated[
        list[CatalogueKey] | None,
        Field(
            max_length=MAX_CATEGORIES,
            description="Categories of the tree, the main one first; left out: the one at the end of `category`, which "
            "is made if there is none.",
        ),
    ] = None
    components: Annotated[
        list[Component], Field(max_length=MAX_COMPONENTS, description="Makes it a bundle: what goes with each sold.")
    ] = []

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.compare_at_price and self.compare_at_price.currency != self.price.currency:
            raise ValueError("compare_at_price: has another currency than price")
        if self.publish_at and self.unpublish_at and instant_of(self.unpublish_at) <= instant_of(self.publish_at):
            raise ValueError("unpublish_at: comes before publish_at")
        if len({component.sku for component in self.components}) < len(self.components):
            raise ValueError("components: a SKU stands there twice")
        return self

    def to_command(self, if_version: int | None = None) -> PutProduct:
        return PutProduct(
            title=self.title,
            price=self.price.to_engine(),
            description=self.description,
            category=tuple(self.category),
            vendor=self.vendor,
            tags=tuple(self.tags),
            images=tuple(self.images),
            attributes=dict(self.attributes),
            if_version=if_version,
            status=self.status,
            publish_at=instant_of(self.publish_at),
            unpublish_at=instant_of(self.unpublish_at),
            compare_at=self.compare_at_price.amount if self.compare_at_price else 0,
            tax_class=self.tax_class,
            barcode=self.barcode,
            weight_g=self.weight_g,
            image_alts=tuple(self.image_alts),
            categories=tuple(dict.fromkeys(self.categories or ())),
            components=tuple(EngineComponent(part.sku, part.quantity) for part in self.components),
        )


class Availability(Output):
    """What can be bought now."""

    in_stock: bool
    available: Annotated[int, Field(ge=0, description="Units.")]
    backorder: Annotated[int, Field(ge=0, description="Units that can be bought before they are here.")] = 0
    ships_from: Annotated[Timestamp | None, Field(description="When such units leave; null: nobody knows.")] = None
    expected_at: Annotated[
        Timestamp | None, Field(description="When sold out: the day of the next delivery, if one is on its way.")
    ] = None


class StockState(Availability):
    """What can be bought now of a SKU: the data of an event `stock`."""

    sku: str


class Crumb(Output):
    """A step of the way from the top to a category."""

    id: str
    name: str


class ProductFamily(Output):
    """The page that a product is a variant on, and what it is there."""

    handle: str
    title: str
    options: Annotated[dict[str, str], Field(examples=[{"Colour": "red"}])]


class Place(NamedTuple):
    """Where a product stands in the shop."""

    family: ProductFamily | None
    breadcrumbs: list[list[Crumb]]


class Product(Output):
    """A product with price and availability."""

    sku: Annotated[str, Field(examples=["RETRO-CLOCK"])]
    version: Annotated[int, Field(ge=1, description="The number of times it was put.")]
    title: str
    price: Money
    description: str
    category: list[str]
    vendor: str
    tags: list[str]
    images: list[str]
    attributes: dict[str, Attribute]
    compare_at_price: Money | None
    tax_class: str
    barcode: str
    weight_g: int
    image_alts: list[str]
    categories: list[str]
    components: Annotated[list[Component], Field(description="Of a bundle; empty for a plain product.")]
    availability: Availability
    family: Annotated[ProductFamily | None, Field(description="The page that it is a variant on.")]
    breadcrumbs: Annotated[list[list[Crumb]], Field(description="The way to each of its categories.")]

    @classmethod
    def of(cls, product: ProductView, price: Price, availability: Availability, place: Place) -> "Product":
        return cls.model_construct(
            sku=product.sku,
            version=product.version,
            title=product.title,
            price=Money.of(price.money),
            description=product.description,
            category=list(product.category),
            vendor=product.vendor,
            tags=list(product.tags),
            images=list(product.images),
            attributes=product.attributes,
            compare_at_price=compare_at_of(price),
            tax_class=product.tax_class,
            barcode=product.barcode,
            weight_g=product.weight_g,
            image_alts=list(product.image_alts),
            categories=list(product.categories),
            components=[Component.model_construct(sku=part.sku, quantity=part.quantity) for part in product.components],
            availability=availability,
            family=place.family,
            breadcrumbs=place.breadcrumbs,
        )


class ListedPrice(Input):
    """A product's price in a price list, in the list's currency."""

    list: CatalogueKey
    amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Minor units.")]
    compare_at: Annotated[int | None, Field(ge=0, le=MAX_AMOUNT, description="Minor units.")] = None


class MerchantProduct(Product):
    """A product as whoever runs the shop sees it."""

    status: str
    stage: Annotated[str, Field(description="published, hidden, scheduled or ended: what holds now.")]
    visible: Annotated[bool, Field(description="Whether shoppers see it and can buy it.")]
    deleted: bool
    publish_at: Timestamp | None
    unpublish_at: Timestamp | None
    list_prices: list[ListedPrice]

    @classmethod
    def of(cls, product: ProductView, price: Price, availability: Availability, place: Place) -> "MerchantProduct":
        shown = Product.of(product, price, availability, place)
        return cls.model_construct(
            **dict(shown),
            status=product.status,
            stage=product.stage,
            visible=product.visible,
            deleted=product.deleted,
            publish_at=shown_instant(product.publish_at),
            unpublish_at=shown_instant(product.unpublish_at),
            list_prices=[
                ListedPrice.model_construct(
                    list=entry.list_id, amount=entry.amount, compare_at=entry.compare_at or None
                )
                for entry in product.prices
            ],
        )


class MerchantProductPage(Output):
    """All products in ascending order of their SKU."""

    items: list[MerchantProduct]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


class ProductPage(Output):
    """Products in ascending order of their SKU."""

    items: list[Product]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


def compare_at_of(price: Price) -> Money | None:
    if not price.compare_at:
        return None
    return Money.of(EngineMoney(price.compare_at, price.money.currency))


def is_put_by(command: PutProduct, product: ProductView) -> bool:
    """Whether the product already is what the command would make it."""
    return not product.deleted and all(getattr(command, name) == getattr(product, name) for name in CONTENT)
