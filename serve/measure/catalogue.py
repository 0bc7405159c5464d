"""Measures what a product costs in each replica's memory, and how long taking it in takes.

Prints one line of JSON. With a product export, its products are multiplied: `python -m serve.measure.catalogue 1000000
products.csv.gz`; without, made-up ones are.
"""

import argparse
import gc
import gzip
import json
import resource
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from engine.product import ProductView

from ..catalogue import CatalogueView
from ..demo import rows
from ..shopify_csv.reading import ImportRow, parse

MADE_UP = 1_000


def resident_bytes() -> int:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def products(samples: list[dict[str, Any]]) -> Iterator[bytes]:
    """Views as they come from a host, one after the other for ever, each with a SKU and a title of its own."""
    for number in count():
        fields = samples[number % len(samples)]
        # In an order that is nobody's: hosts tell of products as their shards come.
        sku = f"{(number * 7_919) % 10_000_019:08}-{fields['sku']}"
        view = [
            *("ProductView", sku, 1, f"{fields['title']} {number}", [fields["price"]["amount"], "USD"]),
            *(fields["description"], fields["category"], fields["vendor"], fields["tags"], fields["images"]),
            fields["attributes"],
        ]
        yield msgspec.msgpack.encode(view)


def main(arguments: list[str] | None = None) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("products", type=int, nargs="?", default=100_000, help="how many (100000)")
    parser.add_argument("export", type=Path, nargs="?", help="a gzipped product export; without it, made-up products")
    options = parser.parse_args(arguments)
    wanted = options.products
    samples = _real(options.export) if options.export else _made_up()
    decode = msgspec.msgpack.Decoder(ProductView).decode
    catalogue = CatalogueView()
    gc.collect()
    before = resident_bytes()
    seconds = 0.0
    for number, encoded in enumerate(products(samples), 1):
        view = decode(encoded)
        began = perf_counter()
        catalogue.put_product(view.sku, 1, view)
        seconds += perf_counter() - began
        if number == wanted:
            break
    gc.collect()
    held = resident_bytes() - before
    print(
        json.dumps(
            {
                "products": len(catalogue),
                "bytes_per_product": round(held / wanted),
                "megabytes": round(held / 1e6),
                "microseconds_to_take_one_in": round(seconds / wanted * 1e6, 1),
            }
        )
    )


def _real(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        return [{**row.fields, "sku": row.sku} for row in parse(text, "USD") if isinstance(row, ImportRow)]


def _made_up() -> list[dict[str, Any]]:
    defaults: dict[str, Any] = {"description": "", "images": [], "attributes": {}, "tags": [], "vendor": ""}
    return [{**defaults, **row} for row in rows(MADE_UP)]


if __name__ == "__main__":
    main()
