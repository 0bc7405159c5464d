"""The contract of categories, collections and product families."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from engine.category_tree import Category as EngineCategory
from engine.category_tree import Taxonomy
from engine.collection import CollectionPut
from engine.collection import Rule as EngineRule
from engine.family import FamilyPut
from engine.family import Option as EngineOption
from engine.family import Variant as EngineVariant

from ..bounds import (
    CATALOGUE_KEY_PATTERN,
    CURRENCY_PATTERN,
    MAX_AMOUNT,
    MAX_CATEGORIES,
    MAX_DESCRIPTION_LENGTH,
    MAX_IMAGES,
    MAX_LABEL_LENGTH,
    MAX_TAGS,
    MAX_TITLE_LENGTH,
    MAX_URL_LENGTH,
)
from .catalogue import Availability, CatalogueKey, Crumb, Url
from .common import Input, Label, Money, Output, Sku, Timestamp
from .times import InstantText, instant_of, shown_instant

MAX_PICKED = 2_000
MAX_VARIANTS = 2_000

Name = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_LENGTH, examples=["Wall clocks"])]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE_LENGTH, examples=["Retro alarm clock"])]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION_LENGTH)]
ImageUrl = Annotated[str, Field(max_length=MAX_URL_LENGTH, description="A URL; empty: none.")]
StatusIn = Literal["active", "draft", "archived"]
Key = Annotated[str, Field(pattern=CATALOGUE_KEY_PATTERN)]


class Published(Input):
    """When shoppers see it."""

    status: Annotated[StatusIn, Field(description="Only what is active is shown.")] = "active"
    publish_at: InstantText | None = None
    unpublish_at: InstantText | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.unpublish_at and instant_of(self.unpublish_at) <= instant_of(self.publish_at):
            raise ValueError("unpublish_at: comes before publish_at")
        return self


# -- categories


class CategoryIn(Input):
    """A category; another parent moves it, with all below it."""

    name: Name
    parent: Annotated[
        str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,126})?$", description="The category above; empty: none.")
    ] = ""
    description: Annotated[str, Field(max_length=2_000)] = ""
    image: ImageUrl = ""
    image_alt: Label = ""

    def to_engine(self, id: str) -> EngineCategory:
        return EngineCategory(id, self.name, self.parent, self.description, self.image, self.image_alt)


class CategoryMoveIn(Input):
    """Where a category goes."""

    parent: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,126})?$", description="Empty: to the top.")] = ""
    before: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,126})?$", description="Empty: to the end.")] = ""


class CategoryNode(Output):
    """A category and what is below it, in order."""

    id: str
    name: str
    children: "list[CategoryNode]"


class CategoryTree(Output):
    """All categories, in order."""

    categories: list[CategoryNode]


class Category(Output):
    id: str
    name: str
    description: str
    image: str
    image_alt: str
    breadcrumbs: Annotated[list[Crumb], Field(description="From the top to the category itself.")]
    children: list[Crumb]

    @classmethod
    def of(cls, category: EngineCategory, tree: Taxonomy) -> Self:
        path = tree.path_to(category.id) or [category]
        return cls(
            id=category.id,
            name=category.name,
            description=category.description,
            image=category.image,
            image_alt=category.image_alt,
            breadcrumbs=crumbs(path),
            children=crumbs(tree.children.get(category.id, [])),
        )


def crumbs(categories: list[EngineCategory]) -> list[Crumb]:
    return [Crumb.model_construct(id=category.id, name=category.name) for category in categories]


# -- collections


class Rule(Input):
    """A condition on products: `tag`, `vendor` and `category` have a `value`; a price has `amount` and `currency`."""

    field: Literal["tag", "vendor", "category", "price"]
    operator: Literal["is", "is-not", "below", "above"]
    value: Label = ""
    amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Minor units.")] = 0
    currency: Annotated[str | None, Field(pattern=CURRENCY_PATTERN)] = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        compares = self.operator in ("below", "above")
        if compares != (self.field == "price"):
            raise ValueError("operator: a price is below or above, all else is or is-not")
        if not (self.currency if compares else self.value):
            raise ValueError("value: a price needs a currency, all else a value")
        return self

    def to_engine(self) -> EngineRule:
        return EngineRule(self.field, self.operator, self.currency or self.value, self.amount)

    @classmethod
    def of(cls, rule: EngineRule) -> "Rule":
        price = rule.field == "price"
        shown: dict[str, Any] = {
            "field": rule.field,
            "operator": rule.operator,
            "value": "" if price else rule.value,
            "amount": rule.amount,
            "currency": rule.value if price else None,
        }
        return cls.model_construct(**shown)


class CollectionIn(Published):
    """Products shown together: picked by hand, in this order, or all that fulfil the rules."""

    title: Title
    description: Description = ""
    image: ImageUrl = ""
    image_alt: Label = ""
    skus: Annotated[list[Sku], Field(max_length=MAX_PICKED)] = []
    rules: Annotated[list[Rule], Field(max_length=50)] = []
    match_any: Annotated[bool, Field(description="One fulfilled rule is enough.")] = False

    @model_validator(mode="after")
    def _picked_or_ruled(self) -> Self:
        if self.skus and self.rules:
            raise ValueError("rules: a collection is picked by hand or by rules")
        if len(set(self.skus)) < len(self.skus):
            raise ValueError("skus: a SKU stands there twice")
        return self

    def to_content(self) -> CollectionPut:
        return CollectionPut(
            self.title,
            self.description,
            self.image,
            self.image_alt,
            tuple(self.skus),
            tuple(rule.to_engine() for rule in self.rules),
            self.match_any,
            self.status,
            instant_of(self.publish_at),
            instant_of(self.unpublish_at),
        )


class MerchantCollection(Output):
    """A collection as whoever runs the shop sees it."""

    key: str
    version: int
    title: str
    description: str
    image: str
    image_alt: str
    skus: list[str]
    rules: list[Rule]
    match_any: bool
    status: str
    publish_at: Timestamp | None
    unpublish_at: Timestamp | None

    @classmethod
    def of(cls, key: str, version: int, content: CollectionPut) -> "MerchantCollection":
        return cls.model_construct(
            key=key,
            version=version,
            title=content.title,
            description=content.description,
            image=content.image,
            image_alt=content.image_alt,
            skus=list(content.skus),
            rules=[Rule.of(rule) for rule in content.rules],
            match_any=content.match_any,
            status=content.status,
            publish_at=shown_instant(content.publish_at),
            unpublish_at=shown_instant(content.unpublish_at),
        )


class Collection(Output):
    """A collection as shoppers see it."""

    handle: str
    title: str
    description: str
    image: str
    image_alt: str

    @classmethod
    def of(cls, handle: str, content: CollectionPut) -> "Collection":
        return cls.model_construct(
            handle=handle,
            title=content.title,
            description=content.description,
            image=content.image,
            image_alt=content.image_alt,
        )


class CollectionPage(Output):
    items: list[Collection]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


# -- families


class OptionIn(Input):
    """What variants differ in, with the order of its values."""

    name: Label
    values: Annotated[list[Label], Field(min_length=1, max_length=250)]


class VariantIn(Input):
    """A SKU, with its value of each option in the options' order."""

    sku: Sku
    values: Annotated[list[Label], Field(max_length=5)] = []


class FamilyIn(Published):
    """A page for SKUs that differ in options."""

    title: Title
    options: Annotated[list[OptionIn], Field(max_length=5, examples=[[{"name": "Colour", "values": ["red"]}]])] = []
    variants: Annotated[list[VariantIn], Field(max_length=MAX_VARIANTS)] = []
    description: Description = ""
    vendor: Label = ""
    categories: Annotated[list[CatalogueKey], Field(max_length=MAX_CATEGORIES)] = []
    tags: Annotated[list[Label], Field(max_length=MAX_TAGS)] = []
    images: Annotated[list[Url], Field(max_length=MAX_IMAGES)] = []
    image_alts: Annotated[list[Label], Field(max_length=MAX_IMAGES)] = []
    seo_title: Label = ""
    seo_description: Annotated[str, Field(max_length=MAX_TITLE_LENGTH)] = ""

    def to_content(self) -> FamilyPut:
        return FamilyPut(
            self.title,
            tuple(EngineOption(option.name, tuple(option.values)) for option in self.options),
            tuple(EngineVariant(variant.sku, tuple(variant.values)) for variant in self.variants),
            self.description,
            self.vendor,
            tuple(dict.fromkeys(self.categories)),
            tuple(self.tags),
            tuple(self.images),
            tuple(self.image_alts),
            self.seo_title,
            self.seo_description,
            self.status,
            instant_of(self.publish_at),
            instant_of(self.unpublish_at),
        )


class FamilyRename(Input):
    """The new handle; the old one leads there from now on."""

    to: CatalogueKey


class MerchantFamily(Output):
    """A family as whoever runs the shop sees it."""

    key: str
    version: int
    title: str
    options: list[OptionIn]
    variants: list[VariantIn]
    description: str
    vendor: str
    categories: list[str]
    tags: list[str]
    images: list[str]
    image_alts: list[str]
    seo_title: str
    seo_description: str
    status: str
    publish_at: Timestamp | None
    unpublish_at: Timestamp | None
    moved_to: Annotated[str | None, Field(description="The handle that this one leads to.")]

    @classmethod
    def of(cls, key: str, version: int, content: FamilyPut) -> "MerchantFamily":
        return cls.model_construct(
            key=key,
            version=version,
            title=content.title,
            options=[OptionIn.model_construct(name=one.name, values=list(one.values)) for one in content.options],
            variants=[VariantIn.model_construct(sku=one.sku, values=list(one.values)) for one in content.variants],
            description=content.description,
            vendor=content.vendor,
            categories=list(content.categories),
            tags=list(content.tags),
            images=list(content.images),
            image_alts=list(content.image_alts),
            seo_title=content.seo_title,
            seo_description=content.seo_description,
            status=content.status,
            publish_at=shown_instant(content.publish_at),
            unpublish_at=shown_instant(content.unpublish_at),
            moved_to=content.moved_to or None,
        )


class FamilyVariant(Output):
    """A SKU that can be chosen."""

    sku: str
    title: str
    options: Annotated[dict[str, str], Field(examples=[{"Colour": "red"}])]
    price: Money
    compare_at_price: Money | None
    images: list[str]
    availability: Availability


class Family(Output):
    """A product page with what can be chosen on it."""

    handle: str
    title: str
    description: str
    vendor: str
    categories: list[str]
    breadcrumbs: Annotated[list[Crumb], Field(description="To its first category.")]
    tags: list[str]
    images: list[str]
    image_alts: list[str]
    seo_title: str
    seo_description: str
    options: list[OptionIn]
    variants: list[FamilyVariant]


class FamilyPage(Output):
    """Product pages in ascending order of their handle."""

    items: list[Family]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]
