"""A product as the catalogue shows it: key is the SKU. It knows by itself when it is on sale, and its prices in lists.

The price in its content is what everyone pays; price lists (by currency, customer group and time) may say another.
Which list counts is chosen by whoever asks: see `engine.price_list`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Message, Outcome, Rejected, ReminderDue, invalid
from .money import MOST_AMOUNT, Money
from .publication import Stage, Status, fault_of_window, next_change, stage_at
from .reasons import Reason

LONGEST_TITLE = 500
"""Characters."""

LONGEST_DESCRIPTION = 100_000
"""Characters."""

MOST_ITEMS = 250
"""Levels of a category, tags, images, attributes or categories of one product."""

MOST_COMPONENTS = 50
"""Different SKUs in one bundle."""

MOST_OF_A_COMPONENT = 1_000
"""Units of one SKU in one bundle."""

MOST_LIST_PRICES = 200
"""Price lists that one product can have a price in."""

LONGEST_WORD = 255
"""Characters of a tax class, a barcode, a category's or a price list's id."""

HEAVIEST_G = 1_000_000_000


class Component(Message, frozen=True):
    """A part of a bundle: so many units of another SKU's stock go with each bundle sold."""

    sku: str
    quantity: int


class ListPrice(Message, frozen=True):
    """The product's price in one list, in the list's currency; `compare_at` (0: none) is what it is shown beside."""

    list_id: str
    amount: int
    compare_at: int = 0


class PutProduct(Command, frozen=True):
    """Create or replace the product; with `if_version`, only if that is its version (0: only if it is new).

    What was deleted is there again. Prices in lists stay as they are.
    """

    title: str
    price: Money
    description: str = ""
    category: tuple[str, ...] = ()
    vendor: str = ""
    tags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}
    if_version: int | None = None
    status: str = Status.ACTIVE
    publish_at: Instant = 0
    unpublish_at: Instant = 0
    compare_at: int = 0
    tax_class: str = ""
    barcode: str = ""
    weight_g: int = 0
    image_alts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()


class SetListPrices(Command, frozen=True):
    """Set the prices in these lists, and take the product out of those of `removed`."""

    prices: tuple[ListPrice, ...] = ()
    removed: tuple[str, ...] = ()


class DeleteProduct(Command, frozen=True):
    """Take the product out of the shop; it can be restored as it was."""

    if_version: int | None = None


class RestoreProduct(Command, frozen=True):
    """Undo the deletion."""


class LookProduct(Command, frozen=True):
    """Read the product."""


class ProductPut(Event, frozen=True):
    """The product is now this. `compare_at` is in the price's currency; `image_alts` go with `images` in order."""

    title: str
    price: Money
    description: str = ""
    category: tuple[str, ...] = ()
    vendor: str = ""
    tags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}
    status: str = Status.ACTIVE
    publish_at: Instant = 0
    unpublish_at: Instant = 0
    compare_at: int = 0
    tax_class: str = ""
    barcode: str = ""
    weight_g: int = 0
    image_alts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()
    created_at: Instant = 0


class StageReached(Event, frozen=True):
    """The product is at this stage from now on; right after a put, it is published unless this follows."""

    stage: str
    at: Instant


class ListPricesSet(Event, frozen=True):
    """The product's prices in lists are now these, by list id."""

    prices: tuple[ListPrice, ...]


class ProductDeleted(Event, frozen=True):
    at: Instant


class ProductRestored(Event, frozen=True):
    at: Instant


class ProductView(Answer, frozen=True):
    """The product at a version (1, 2, ...: the number of its changes). Only what is `visible` is shown and sold."""

    sku: str
    version: int
    title: str
    price: Money
    description: str
    category: tuple[str, ...]
    vendor: str
    tags: tuple[str, ...]
    images: tuple[str, ...]
    attributes: dict[str, Any]
    status: str = Status.ACTIVE
    publish_at: Instant = 0
    unpublish_at: Instant = 0
    compare_at: int = 0
    tax_class: str = ""
    barcode: str = ""
    weight_g: int = 0
    image_alts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()
    visible: bool = True
    stage: str = Stage.PUBLISHED
    deleted: bool = False
    prices: tuple[ListPrice, ...] = ()
    created_at: Instant = 0


class Product(msgspec.Struct, array_like=True, gc=False):
    """The state of a product: what was put last, how often it changed, and what has become of it since.

    `put_at_version` is its version before the last put, to know that one's retry.
    """

    sku: str
    version: int = 0
    content: ProductPut | None = None
    stage: str = Stage.PUBLISHED
    deleted: bool = False
    prices: tuple[ListPrice, ...] = ()
    put_at_version: int = -1


CONTENT = tuple(field for field in ProductPut.__struct_fields__ if field != "created_at")
"""What a command says of a product; when it was put first, it can't know."""


def _put(product: Product, command: PutProduct, now: Instant) -> Outcome:
    if refusal := _misshapen(product.sku, command):
        return refusal
    created_at = now if product.content is None else product.content.created_at
    said: dict[str, Any] = {field: getattr(command, field) for field in CONTENT}
    content = ProductPut(**said, created_at=created_at)
    if content == product.content and not product.deleted and command.if_version in _versions_of_a_retry(product):
        # A retry, or the same import again.
        return Accepted((), view(product))
    if command.if_version is not None and command.if_version != product.version:
        return _conflict(product)
    stage = stage_at(content.status, content.publish_at, content.unpublish_at, now)
    events = (content,) if stage is Stage.PUBLISHED else (content, StageReached(stage, now))
    return _changed(product, *events)


def _versions_of_a_retry(product: Product) -> tuple[int | None, ...]:
    before = product.put_at_version if product.put_at_version >= 0 else product.version - 1
    return (None, before, product.version)


def _set_list_prices(product: Product, command: SetListPrices, _now: Instant) -> Outcome:
    for price in command.prices:
        if not 0 < len(price.list_id) <= LONGEST_WORD:
            return invalid("list_id", f"have 1 to {LONGEST_WORD} characters")
        if not (0 <= price.amount <= MOST_AMOUNT and 0 <= price.compare_at <= MOST_AMOUNT):
            return invalid("amount", f"be 0 to {MOST_AMOUNT} minor units")
    if product.content is None:
        return Rejected(Reason.NOT_FOUND)
    prices = {price.list_id: price for price in (*product.prices, *command.prices)}
    for list_id in command.removed:
        prices.pop(list_id, None)
    if len(prices) > MOST_LIST_PRICES:
        return invalid("prices", f"be in at most {MOST_LIST_PRICES} lists")
    kept = tuple(prices[list_id] for list_id in sorted(prices))
    return _changed(product, ListPricesSet(kept)) if kept != product.prices else Accepted((), view(product))


def _delete(product: Product, command: DeleteProduct, now: Instant) -> Outcome:
    if product.content is None:
        return Rejected(Reason.NOT_FOUND)
    if product.deleted:
        return Accepted((), view(product))
    if command.if_version is not None and command.if_version != product.version:
        return _conflict(product)
    return _changed(product, ProductDeleted(now))


def _restore(product: Product, _command: RestoreProduct, now: Instant) -> Outcome:
    if product.content is None:
        return Rejected(Reason.NOT_FOUND)
    if not product.deleted:
        return Accepted((), view(product))
    return _changed(product, ProductRestored(now), *_stage_events(product, now))


def _remind(product: Product, _command: ReminderDue, now: Instant) -> Outcome:
    if product.content is None or product.deleted:
        return Accepted()
    return Accepted(_stage_events(product, now))


def _stage_events(product: Product, now: Instant) -> tuple[Event, ...]:
    """What time has made of the product since it was told last."""
    assert product.content is not None
    stage = stage_at(product.content.status, product.content.publish_at, product.content.unpublish_at, now)
    return (StageReached(stage, now),) if stage != product.stage else ()


def _conflict(product: Product) -> Rejected:
    return Rejected(Reason.VERSION_CONFLICT, {"version": product.version})


def _changed(product: Product, *events: Event) -> Accepted:
    """The events, with the view that they lead to."""
    after = msgspec.structs.replace(product)
    for event in events:
        apply(after, event)
    return Accepted(events, view(after))


def _misshapen(sku: str, command: PutProduct) -> Rejected | None:
    if not 0 < len(command.title) <= LONGEST_TITLE:
        return invalid("title", f"have 1 to {LONGEST_TITLE} characters")
    if not command.price.is_price():
        return invalid("price", "be a price in minor units and an ISO 4217 currency")
    if not 0 <= command.compare_at <= MOST_AMOUNT:
        return invalid("compare_at", f"be 0 to {MOST_AMOUNT} minor units")
    if len(command.description) > LONGEST_DESCRIPTION:
        return invalid("description", f"have at most {LONGEST_DESCRIPTION} characters")
    for field in ("category", "tags", "images", "attributes", "image_alts", "categories"):
        if len(getattr(command, field)) > MOST_ITEMS:
            return invalid(field, f"have at most {MOST_ITEMS} items")
    for field in ("tax_class", "barcode"):
        if len(getattr(command, field)) > LONGEST_WORD:
            return invalid(field, f"have at most {LONGEST_WORD} characters")
    if not 0 <= command.weight_g <= HEAVIEST_G:
        return invalid("weight_g", f"be 0 to {HEAVIEST_G} grams")
    if fault := fault_of_window(command.status, command.publish_at, command.unpublish_at):
        return invalid(*fault)
    return _misshapen_bundle(sku, command.components)


def _misshapen_bundle(sku: str, components: tuple[Component, ...]) -> Rejected | None:
    skus = {component.sku for component in components}
    if len(components) > MOST_COMPONENTS or len(skus) < len(components):
        return invalid("components", f"be at most {MOST_COMPONENTS}, each SKU once")
    if sku in skus:
        return invalid("components", "not hold the bundle itself")
    if not all(0 < component.quantity <= MOST_OF_A_COMPONENT and component.sku for component in components):
        return invalid("components", f"be 1 to {MOST_OF_A_COMPONENT} units of a SKU")
    return None


def _look(product: Product, _command: LookProduct, _now: Instant) -> Outcome:
    if product.content is None:
        return Rejected(Reason.NOT_FOUND)
    return Accepted((), view(product))


def view(product: Product) -> ProductView:
    """The product as the world sees it, once it was put."""
    content = product.content
    assert content is not None, "only a product that was put is looked at"
    shown: dict[str, Any] = {field: getattr(content, field) for field in CONTENT}
    return ProductView(
        product.sku,
        product.version,
        **shown,
        visible=product.stage == Stage.PUBLISHED and not product.deleted,
        stage=product.stage,
        deleted=product.deleted,
        prices=product.prices,
        created_at=content.created_at,
    )


def _apply_put(product: Product, event: ProductPut) -> None:
    product.put_at_version = product.version - 1
    product.content = event
    product.stage = Stage.PUBLISHED
    product.deleted = False


def _apply_stage(product: Product, event: StageReached) -> None:
    product.stage = event.stage


def _apply_list_prices(product: Product, event: ListPricesSet) -> None:
    product.prices = event.prices


def _apply_deleted(product: Product, _event: ProductDeleted) -> None:
    product.deleted = True


def _apply_restored(product: Product, _event: ProductRestored) -> None:
    product.deleted = False


_DECISIONS: dict[type[Command], Callable[[Product, Any, Instant], Outcome]] = {
    PutProduct: _put,
    SetListPrices: _set_list_prices,
    DeleteProduct: _delete,
    RestoreProduct: _restore,
    LookProduct: _look,
    ReminderDue: _remind,
}

_CHANGES: dict[type[Event], Callable[[Product, Any], None]] = {
    ProductPut: _apply_put,
    StageReached: _apply_stage,
    ListPricesSet: _apply_list_prices,
    ProductDeleted: _apply_deleted,
    ProductRestored: _apply_restored,
}


def decide(product: Product, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](product, command, now)


def apply(product: Product, event: Event) -> None:
    """The product is now what the event says."""
    product.version += 1
    _CHANGES[type(event)](product, event)


def remind_at(product: Product) -> Instant | None:
    """When the product goes on sale, or off it, by itself."""
    if product.content is None or product.deleted:
        return None
    return next_change(product.stage, product.content.publish_at, product.content.unpublish_at)


PRODUCT = Kind(
    name="product",
    new=Product,
    decide=decide,
    apply=apply,
    commands=PutProduct | SetListPrices | DeleteProduct | RestoreProduct | LookProduct,
    events=ProductPut | StageReached | ListPricesSet | ProductDeleted | ProductRestored,
    answers=ProductView,
    state=Product,
    remind_at=remind_at,
    view=view,
    listed=True,
)
