"""The contract of products."""

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from engine.product import ProductView, PutProduct
from engine.stock import StockView

from ..bounds import (
    MAX_ATTRIBUTES,
    MAX_CATEGORY_DEPTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_IMAGES,
    MAX_LABEL_LENGTH,
    MAX_TAGS,
    MAX_TITLE_LENGTH,
    MAX_URL_LENGTH,
)
from .common import Input, Label, Money, Output


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
        )


class Availability(Output):
    """What can be bought now."""

    in_stock: bool
    available: Annotated[int, Field(ge=0, description="Units.")]


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
    availability: Availability

    @classmethod
    def of(cls, product: ProductView, stock: StockView | None) -> "Product":
        available = stock.available if stock else 0
        return cls.model_construct(
            sku=product.sku,
            version=product.version,
            title=product.title,
            price=Money.of(product.price),
            description=product.description,
            category=list(product.category),
            vendor=product.vendor,
            tags=list(product.tags),
            images=list(product.images),
            attributes=product.attributes,
            availability=Availability.model_construct(in_stock=available > 0, available=available),
        )


class ProductPage(Output):
    """Products in ascending order of their SKU."""

    items: list[Product]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


def is_put_by(command: PutProduct, product: ProductView) -> bool:
    """Whether the product already is what the command would make it."""
    return _content_of(command) == _content_of(product)


def _content_of(
    product: PutProduct | ProductView,
) -> tuple[str, object, str, object, str, object, object, Mapping[str, Any]]:
    return (
        product.title,
        product.price,
        product.description,
        product.category,
        product.vendor,
        product.tags,
        product.images,
        product.attributes,
    )
