"""How good the ranking is, by judgements of people: NDCG and recall on a catalogue.

python -m serve.search.evaluation --catalogue products.jsonl.gz --judgements judgements.csv.gz
"""

import csv
import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import click

from engine.money import Money
from engine.product import MOST_ITEMS, ProductView

from ..shopify_csv.reading import ImportRow, parse
from .analysis import analysis_of
from .document import document_of
from .generation import Generation, Snapshot
from .request import SearchRequest
from .searching import search
from .synonyms import Synonyms
from .weights import Weights, learned_weights

NDCG_AT = 10
RECALL_AT = 50

Judgements = Mapping[str, Mapping[str, int]]
"""For each query, the grades (0 to 3) of products by SKU; a product that isn't named is taken for irrelevant."""


class Quality(NamedTuple):
    """Of one query, or the mean of many."""

    ndcg: float
    recall: float


def read_judgements(file: Path) -> dict[str, dict[str, int]]:
    """A table of query, sku, grade; queries without any relevant product can't be done well or badly, and are left."""
    found: dict[str, dict[str, int]] = {}
    with _text_of(file) as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["query"], {})[row["sku"]] = int(row["grade"])
    return {query: grades for query, grades in found.items() if any(grades.values())}


def read_catalogue(file: Path) -> Iterator[ProductView]:
    """A Shopify product export, or one JSON object a line as Open Icecat's demonstration catalogue has them."""
    with _text_of(file) as lines:
        if ".csv" in file.name:
            for row in parse(lines, "USD"):
                if isinstance(row, ImportRow):
                    yield _of_row(row)
        else:
            for line in lines:
                yield _of_record(json.loads(line))


def index_of(products: Iterator[ProductView], language: str = "english") -> Snapshot:
    """The products in an index in memory."""
    generation = Generation(analysis_of(language))
    for product in products:
        if (document := document_of(product, in_stock=True)) is not None:
            generation.put(document)
    return generation.commit()


def evaluate(
    snapshot: Snapshot, judgements: Judgements, weights: Weights, synonyms: Synonyms | None = None
) -> dict[str, Quality]:
    """The quality of each query's answer."""
    synonyms = synonyms or Synonyms.common(snapshot.analysis)
    found = {}
    for query, grades in judgements.items():
        request = SearchRequest(query, limit=RECALL_AT)
        skus = search(snapshot, synonyms, weights, request, lambda _sku: None).skus
        found[query] = Quality(ndcg(skus, grades), recall(skus, grades))
    return found


def ndcg(skus: Sequence[str], grades: Mapping[str, int]) -> float:
    """Gain 2^grade - 1, discounted by log2(rank + 1), as a part of what the best order would gain."""
    best = _gain(sorted(grades.values(), reverse=True))
    return _gain([grades.get(sku, 0) for sku in skus]) / best


def recall(skus: Sequence[str], grades: Mapping[str, int]) -> float:
    """The part of the relevant products that is among those found."""
    relevant = {sku for sku, grade in grades.items() if grade}
    return len(relevant.intersection(skus[:RECALL_AT])) / len(relevant)


def mean(qualities: Sequence[Quality]) -> Quality:
    return Quality(*(sum(values) / len(values) for values in zip(*qualities, strict=True)))


def _gain(grades: Sequence[int]) -> float:
    return math.fsum((2**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(grades[:NDCG_AT]))


def _of_row(row: ImportRow) -> ProductView:
    fields = row.fields
    return _product(
        sku=row.sku,
        title=fields["title"],
        price=fields["price"]["amount"],
        description=fields["description"],
        category=tuple(fields["category"]),
        vendor=fields["vendor"],
        tags=tuple(fields["tags"]),
        attributes=fields["attributes"],
    )


def _of_record(record: Mapping[str, Any]) -> ProductView:
    named = [(name.split("_", 2)[2], value) for name, value in record.items() if name.startswith("attr_")]
    attributes = dict(named[:MOST_ITEMS])
    return _product(
        sku=record["id"],
        title=record["title"],
        price=int(record.get("price") or 0),
        description=record.get("short_description") or "",
        category=(attributes["product_type"],) if "product_type" in attributes else (),
        vendor=record.get("supplier") or "",
        tags=(),
        attributes=attributes,
    )


def _product(*, sku: str, price: int, **fields: Any) -> ProductView:
    return ProductView(sku=sku, version=1, price=Money(price, "USD"), images=(), **fields)


def _text_of(file: Path) -> TextIO:
    return gzip.open(file, "rt", encoding="utf-8", newline="") if file.suffix == ".gz" else file.open(encoding="utf-8")


@click.command(help="Measure the ranking by judgements: NDCG@10 and Recall@50.")
@click.option("--catalogue", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--judgements", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--each", is_flag=True, help="A line for each query, the worst first.")
def main(catalogue: Path, judgements: Path, each: bool) -> None:
    weights = learned_weights()
    found = evaluate(index_of(read_catalogue(catalogue)), read_judgements(judgements), weights)
    if each:
        for query, quality in sorted(found.items(), key=lambda item: item[1].ndcg):
            click.echo(f"{quality.ndcg:.3f} {quality.recall:.3f} {query}")
    quality = mean(list(found.values()))
    click.echo(
        f"{len(found)} queries with a relevant product: NDCG@{NDCG_AT} {quality.ndcg:.3f}, "
        f"Recall@{RECALL_AT} {quality.recall:.3f}"
    )


if __name__ == "__main__":
    main()
