"""Writes products in the columns of a Shopify product export.

What those columns can't say exactly stands in a column of the shop's own: each group of rows is read back as an import
would read it, and whatever came out differently is added there. So nothing is lost on the way, whatever it is.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from engine.category_tree import Taxonomy
from engine.family import FamilyPut, Variant
from engine.product import ProductView

from . import OWN_COLUMN, OWN_FAMILY_COLUMN
from .amounts import format_price
from .html_text import markup
from .reading import SINGLE_VARIANT, FamilyRow, ImportRow, RowError, products_of_rows

MOST_OPTION_COLUMNS = 3

COLUMNS = (
    *("Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Published"),
    *("Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value"),
    *("Variant SKU", "Variant Grams", "Variant Inventory Tracker", "Variant Inventory Qty"),
    *("Variant Inventory Policy", "Variant Fulfillment Service", "Variant Price", "Variant Compare At Price"),
    *("Variant Requires Shipping", "Variant Taxable", "Variant Barcode"),
    *("Image Src", "Image Position", "Image Alt Text", "Gift Card", "SEO Title", "SEO Description", "Status"),
    *(OWN_COLUMN, OWN_FAMILY_COLUMN),
)

_PRODUCT_DEFAULTS: dict[str, Any] = {
    "status": "active",
    "publish_at": None,
    "unpublish_at": None,
    "compare_at_price": None,
    "tax_class": "",
    "barcode": "",
    "weight_g": 0,
    "image_alts": [],
    "categories": None,
    "components": [],
}
_FAMILY_DEFAULTS: dict[str, Any] = {
    "status": "active",
    "publish_at": None,
    "unpublish_at": None,
    "categories": [],
    "image_alts": [],
    "seo_title": "",
    "seo_description": "",
}


class Sellable(NamedTuple):
    """A product as it is to be written: its fields in the import's JSON, and units on hand where they are wanted."""

    sku: str
    fields: Mapping[str, Any]
    quantity: int | None = None


class Page(NamedTuple):
    """A family as it is to be written."""

    handle: str
    fields: Mapping[str, Any]


def header() -> str:
    """The first line."""
    return _lines([dict(zip(COLUMNS, COLUMNS, strict=True))])


def group_lines(handle: str, page: Page | None, products: Sequence[Sellable], currency: str) -> str:
    """The lines of one handle: its products, which are the variants of the page if there is one."""
    rows = _plain_rows(handle, page, products, currency)
    numbered = list(enumerate(rows))
    read = products_of_rows(numbered, currency)
    products_read = {row.sku: row for row in read if isinstance(row, ImportRow)}
    for row, product in zip(rows, products, strict=False):
        was_read = products_read.get(product.sku)
        row[OWN_COLUMN] = _json(_lost(product.fields, was_read.fields if was_read else {}, _PRODUCT_DEFAULTS))
    family_read = next((row for row in read if isinstance(row, FamilyRow)), None)
    if page is not None:
        lost = _lost(page.fields, family_read.fields if family_read else {}, _FAMILY_DEFAULTS)
        if family_read is None or family_read.handle != page.handle:
            lost = {**page.fields, "handle": page.handle}
        rows[0][OWN_FAMILY_COLUMN] = _json(lost)
    assert not any(isinstance(row, RowError) for row in read), "what is in the shop can be written"
    return _lines(rows)


def _plain_rows(handle: str, page: Page | None, products: Sequence[Sellable], currency: str) -> list[dict[str, str]]:
    first = products[0].fields
    named = zip(first["images"], [*first["image_alts"], *[""] * len(first["images"])], strict=False)
    # A row with nothing but a blank picture would be read as a product without a SKU; our own column has it anyway.
    images = [(url, alt) for url, alt in named if url.strip()]
    rows = [_variant_row(handle, page, product, currency) for product in products]
    rows += [{"Handle": handle} for _ in range(len(rows), len(images))]
    for position, (row, (url, alt)) in enumerate(zip(rows, images, strict=False), 1):
        row |= {"Image Src": url, "Image Position": str(position), "Image Alt Text": alt}
    shared = page.fields if page else first
    rows[0] |= {
        "Title": shared["title"].strip() or products[0].sku,
        "Body (HTML)": markup(first["description"]),
        "Vendor": first["vendor"],
        "Product Category": " > ".join(first["category"]),
        "Type": str(first["attributes"].get("type", "")),
        "Tags": ", ".join(first["tags"]),
        "Published": "TRUE" if first["status"] == "active" else "FALSE",
        "Gift Card": "FALSE",
        "SEO Title": shared.get("seo_title", ""),
        "SEO Description": shared.get("seo_description", ""),
        "Status": first["status"],
    }
    for number, option in enumerate(shared.get("options", ())[:MOST_OPTION_COLUMNS], 1):
        rows[0][f"Option{number} Name"] = option["name"]
    if page is None:
        rows[0] |= {"Option1 Name": "Title", "Option1 Value": SINGLE_VARIANT}
    return rows


def _variant_row(handle: str, page: Page | None, product: Sellable, currency: str) -> dict[str, str]:
    fields = product.fields
    price, compare_at = fields["price"], fields["compare_at_price"]
    # In another currency the columns would lie about it: then the amount stands in the own column alone, behind a 0.
    amount = price["amount"] if price["currency"] == currency else 0
    row = {
        "Handle": handle,
        "Variant SKU": product.sku,
        "Variant Grams": str(fields["weight_g"] or ""),
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": "" if product.quantity is None else str(product.quantity),
        "Variant Inventory Policy": "deny",
        "Variant Fulfillment Service": "manual",
        "Variant Price": format_price(amount, currency),
        "Variant Requires Shipping": "TRUE",
        "Variant Taxable": "TRUE",
        "Variant Barcode": fields["barcode"],
    }
    if compare_at is not None and compare_at["currency"] == currency:
        row["Variant Compare At Price"] = format_price(compare_at["amount"], currency)
    variants = page.fields["variants"] if page else ()
    values: list[str] = next((one["values"] for one in variants if one["sku"] == product.sku), [])
    for number, value in enumerate(values[:MOST_OPTION_COLUMNS], 1):
        row[f"Option{number} Value"] = value
    return row


def _lost(fields: Mapping[str, Any], read: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that did not read back as they are. A default that was read as something else is said, too."""
    return {name: value for name, value in fields.items() if read.get(name, defaults.get(name)) != value}


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) if fields else ""


def _lines(rows: Iterable[Mapping[str, str]]) -> str:
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def product_fields(product: ProductView, tree: Taxonomy, shown_instant: Any) -> dict[str, Any]:
    """The product in the import's JSON. `categories` is None where the path says them."""
    categories = list(product.categories)
    by_path = [tree.id_at(product.category)] if product.category else []
    currency = product.price.currency
    return {
        "title": product.title,
        "price": {"amount": product.price.amount, "currency": currency},
        "description": product.description,
        "category": list(product.category),
        "vendor": product.vendor,
        "tags": list(product.tags),
        "images": list(product.images),
        "attributes": dict(product.attributes),
        "status": str(product.status),
        "publish_at": shown_instant(product.publish_at),
        "unpublish_at": shown_instant(product.unpublish_at),
        "compare_at_price": {"amount": product.compare_at, "currency": currency} if product.compare_at else None,
        "tax_class": product.tax_class,
        "barcode": product.barcode,
        "weight_g": product.weight_g,
        "image_alts": list(product.image_alts),
        "categories": None if categories == by_path else categories,
        "components": [{"sku": part.sku, "quantity": part.quantity} for part in product.components],
    }


def family_fields(family: FamilyPut, shown_instant: Any) -> dict[str, Any]:
    """The family in the import's JSON."""
    return {
        "title": family.title,
        "options": [{"name": option.name, "values": list(option.values)} for option in family.options],
        "variants": [_variant_fields(variant) for variant in family.variants],
        "description": family.description,
        "vendor": family.vendor,
        "categories": list(family.categories),
        "tags": list(family.tags),
        "images": list(family.images),
        "image_alts": list(family.image_alts),
        "seo_title": family.seo_title,
        "seo_description": family.seo_description,
        "status": str(family.status),
        "publish_at": shown_instant(family.publish_at),
        "unpublish_at": shown_instant(family.unpublish_at),
    }


def _variant_fields(variant: Variant) -> dict[str, Any]:
    return {"sku": variant.sku, "values": list(variant.values)}
