"""The lake's tables: one row type each, from which the Parquet schema and the documentation are made.

What holds in all of them:

- Every row has its identity, (`shard`, `position`, `index`): the journal's entry that it was read from, and its place
  among that entry's rows of this table. It is never twice in the lake.
- A column that ends in `_at` is an instant (UTC, milliseconds); null where there is none. `happened_at` is when it
  happened in the shop, which for imported history is long before it was recorded. In Python it is `row.at`; in SQL that
  is a reserved word.
- Money is whole minor units of the row's `currency`. Rows of several currencies are never added.
- Texts that don't apply are empty, not null; a `customer` is an account's id, and empty for guests, for whoever was
  erased and for who doesn't want to be known. No name, address or e-mail address is here.

Columns are only ever added, at the end, with a default: old files then read as if they had it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

if TYPE_CHECKING:
    import pyarrow as pa


class Row(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What every row begins with."""

    shard: int
    position: int
    index: int
    at: int
    """In files and queries: `happened_at`."""


class Sale(Row, frozen=True, gc=False, kw_only=True):
    """The ledger of what was sold and undone: every total of a report is a sum over it.

    `kind` is one of
    - `sale`: a line of a confirmed order, or one that an edit or exchange added; all amounts positive;
    - `shipping`: the charge for bringing the order (no SKU, no units);
    - `cancel`: units that were cancelled before they left, and what they had cost; all amounts negative;
    - `return`: units that came back and were accepted, and what was given back for them; negative;
    - `exchange`: the same for units taken in by an edit or an exchange; negative;
    - `refund`: money given back without goods; negative;
    - `reversal`: a refund that the payment provider refused for good: positive, the money is still here.

    In every row `total` = `net` + `tax`, and summed over all rows of an order `total` is what was charged for it less
    what was given back, whoever paid (card or gift card). `gross` - `discount` is the price after discounts, which
    contains the tax where prices do; `total` adds the taxes that come on top.

    `category`, `vendor` and `groups` are as the shop knew them when the row was written.
    """

    kind: str
    order_id: str
    line: int
    """Index of the order's line; -1: of no line."""
    sku: str
    category: str
    """Levels joined by ` > `."""
    vendor: str
    units: int
    gross: int
    """Units x price, before discounts."""
    discount: int
    tax: int
    net: int
    """What the shop keeps: without tax, after discounts."""
    total: int
    currency: str
    customer: str
    groups: str
    """The customer's groups, by comma, in order."""
    country: str
    """ISO 3166, of the delivery; empty where nobody told."""
    region: str
    ordered_at: int
    """When the order was confirmed: `happened_at` of its first rows. What is undone later keeps it."""
    reason: str = ""
    """Of a cancellation, a return's line (`damaged`, `does-not-fit`, ...) or a refund."""


class OrderRow(Row, frozen=True, gc=False, kw_only=True):
    """One row for each change of an order's status, the last of them being what it is now.

    `status`: `placed`, then `confirmed`, `rejected`, `expired` or `cancelled`; later `partly-fulfilled`, `fulfilled`,
    `delivered`, `cancelled`, or `reopened` where all parcels came back. An order is `confirmed` once, an imported one
    when it was sold.
    """

    order_id: str
    status: str
    reason: str
    """Why it was rejected (`insufficient-stock`, `payment-declined`, ...), or the note of a cancellation."""
    lines: int
    units: int
    total: int
    """What it was placed for; 0 while its cart has yet to tell."""
    currency: str
    customer: str
    groups: str
    country: str
    region: str
    gateway: str
    cart_id: str
    coupons: str
    """Codes that took something off, by comma."""
    guest: bool
    """No account placed it."""
    imported: bool
    placed_at: int


class Refusal(Row, frozen=True, gc=False, kw_only=True):
    """A line that an order wanted and did not get: demand that was not met. Orders only: who is told "sold out" from
    memory never became an order."""

    order_id: str
    sku: str
    reason: str
    requested: int
    available: int
    price: int
    """Of one unit."""
    currency: str
    customer: str


class StockMove(Row, frozen=True, gc=False, kw_only=True):
    """One row for each change of a stock: what changed and what it was after that.

    `kind`: `received`, `adjusted`, `dispatched` (to another location), `reserved`, `sold`, `released`, `expired`,
    `returned`, `backordered` (promised without being here), `backorder-filled`, `backorder-returned`, `policy` (safety
    stock, limits).
    """

    sku: str
    location: str
    kind: str
    units: int
    """How many it is about; with its sign where it is an adjustment."""
    on_hand_change: int
    reserved_change: int
    on_hand: int
    """After it, like all that follow."""
    reserved: int
    available: int
    """on_hand - reserved - safety_stock; below zero when the safety stock was raised over what is free."""
    safety_stock: int
    cost: int
    """What all units received cost, landed, in minor units of `currency`; 0: nobody knows."""
    unit_cost_milli: int
    """The moving average of a unit here after it, in thousandths of a minor unit; 0: nobody knows."""
    currency: str
    """Of the costs; empty: nobody knows."""
    order_id: str
    """Of reservations, sales and returns."""
    reason: str
    reference: str


class PurchaseRow(Row, frozen=True, gc=False, kw_only=True):
    """What was ordered from suppliers and what came: one row for each line of a purchase order and step.

    `kind`: `drafted`, `sent`, `rescheduled`, `received`, `closed`, `cancelled`.
    """

    purchase_id: str
    kind: str
    supplier: str
    location: str
    sku: str
    units: int
    """Ordered; at `received` those that came and are good; at `closed` and `cancelled` those that never came."""
    damaged: int
    unit_cost: int
    """In minor units of the purchase's `currency`."""
    landed_cost: int
    """Of these units with their share of freight and duty, in minor units of `cost_currency`."""
    currency: str
    cost_currency: str
    sent_at: int
    promised_at: int
    """When the supplier was to deliver, as of now."""
    first_promised_at: int
    """As of the sending: what a supplier's word is measured by."""


class ProductRow(Row, frozen=True, gc=False, kw_only=True):
    """A product's version: of one SKU the last row is what it is now."""

    sku: str
    version: int
    title: str
    category: str
    """Levels joined by ` > `; the first of its categories where it has no levels."""
    categories: str
    """Ids in the category tree, by comma."""
    vendor: str
    tags: str
    price: int
    compare_at: int
    currency: str
    active: bool
    """Published and not deleted: it can be bought."""
    deleted: bool
    bundle: bool
    """Made of other SKUs' stock."""
    weight_g: int
    created_at: int
    published_at: int
    description: str = ""
    """For content-based recommendations."""


class CustomerRow(Row, frozen=True, gc=False, kw_only=True):
    """An account at a change of what is told here: of one the last row is what it is now.

    `kind`: `registered`, `changed`, `grouped` (a customer group has it, or has it no more), `erased`.
    """

    customer: str
    kind: str
    groups: str
    country: str
    """Of an address in its book; empty where it has none."""
    registered_at: int
    imported: bool = False


class CartRow(Row, frozen=True, gc=False, kw_only=True):
    """One row for each change of a cart's line: abandoned carts, and what is put into carts together.

    `kind`: `set` (the line now has `units` of them), `removed`, `cleared`, `sealed` (an order takes it), `unsealed`,
    `merged` (into another cart), `owned` (an account uses it: the only rows with a customer). Only the first two have a
    SKU.
    """

    cart_id: str
    kind: str
    sku: str
    units: int
    price: int
    """Of one unit."""
    currency: str
    customer: str
    order_id: str


class Behaviour(Row, frozen=True, gc=False, kw_only=True):
    """What visitors did: the interactions that recommendations and funnels are made of.

    `action`: `view`, `search`, `click`, `add`, `remove`, `checkout`, `ordered` (the visitor says that `order_id` was
    theirs); and `login` (what the visitor did since the login before is the customer's), `forget` (nothing up to here
    shall be known of the visitor). What was bought is in `sales`; the view `interactions` has both. Who doesn't want to
    be known has no visitor, customer, session or order.
    """

    event_id: str
    action: str
    visitor: str
    """An anonymous id, or the account's id once both are joined."""
    customer: str
    session: str
    sku: str
    quantity: int
    price: int
    """Of one unit, as shown."""
    currency: str
    query: str
    """Of a search."""
    placement: str
    """Where it was shown: `home`, `product`, `cart`, `search`, ..."""
    rank: int
    """Place in the list it was shown in, from 1; 0: in none."""
    list_id: str
    """The recommendation, or search, that it was shown by."""
    variant: str
    """The model that made the list."""
    propensity: float
    """How likely that model was to show it; 0: nobody knows."""
    order_id: str
    """Of `ordered`: a claim, to be held against `sales`."""
    referrer: str
    category: str
    received_at: int
    """When the shop heard of it; `happened_at` is when the visitor did it."""


class ImpressionRow(Row, frozen=True, gc=False, kw_only=True):
    """One row for each list of recommendations that was shown: what clicks and sales are held against.

    Rows of `behaviour` that came of it have its `list_id`. Of whoever doesn't want to be known it says neither visitor
    nor session.
    """

    list_id: str
    variant: str
    """`champion` or `challenger`; `shadow`: the challenger's list for somebody who was shown the champion's."""
    model: str
    version: str
    """In the registry; empty: no model made it."""
    placement: str
    """Where it was shown: `home`, `product`, `cart`, `checkout`."""
    visitor: str
    """An anonymous id, or the account's id."""
    session: str
    market: str
    skus: str
    """Best first, by comma."""
    items: int
    propensity: float
    """How likely this visitor was to get this variant; 0: nobody knows."""
    shadow: bool
    """Nobody saw it."""
    fallback: str
    """What kept the model from it: then it is of what is popular."""
    received_at: int


TABLES: Mapping[str, type[Row]] = {
    "sales": Sale,
    "orders": OrderRow,
    "refusals": Refusal,
    "stock_moves": StockMove,
    "purchasing": PurchaseRow,
    "products": ProductRow,
    "customers": CustomerRow,
    "carts": CartRow,
    "behaviour": Behaviour,
    "impressions": ImpressionRow,
}
"""By the name that files and views have."""

NAMES: Mapping[type[Row], str] = {row: name for name, row in TABLES.items()}

PERSONAL: Mapping[str, tuple[str, ...]] = {
    "sales": ("customer", "groups"),
    "orders": ("customer", "groups"),
    "refusals": ("customer",),
    "customers": ("customer", "groups", "country"),
    "carts": ("customer",),
}
"""Columns that are emptied where an account was erased. Of `behaviour` and `impressions` their rows go as a
whole."""


STORED_AS = {"at": "happened_at"}
"""Fields that have another name in files."""


def is_instant(column: str) -> bool:
    """Whether the column holds milliseconds since the epoch, stored as a timestamp."""
    return column.endswith("_at")


def columns_of(row: type[Row]) -> Mapping[str, type]:
    """The columns with their Python types, in the order of the files."""
    hints = get_type_hints(row)
    return {STORED_AS.get(name, name): hints[name] for name in row.__struct_fields__}


def schema_of(row: type[Row]) -> "pa.Schema":
    """The Parquet schema of a table's files."""
    import pyarrow as pa

    types: dict[type, Any] = {int: pa.int64(), str: pa.string(), bool: pa.bool_(), float: pa.float64()}
    narrow = {"shard": pa.int32(), "index": pa.int32(), "line": pa.int32(), "rank": pa.int32()}
    fields = []
    for name, kind in columns_of(row).items():
        if is_instant(name):
            fields.append(pa.field(name, pa.timestamp("ms", tz="UTC")))
        else:
            fields.append(pa.field(name, narrow.get(name, types[kind]), nullable=False))
    return pa.schema(fields)
