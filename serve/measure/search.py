"""Measures search on a large catalogue: a real one, each product many times with another name and price.

    python -m serve.measure.search --catalogue products.jsonl.gz --queries judgements.csv.gz --products 1000000

Prints JSON: seconds to build, bytes of the index, and how long a search takes inside of the process, with all facets
and without, alone and two at a time (whether searches wait for each other tells whether the index lets go of Python).
"""

import csv
import gzip
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import msgspec

from engine.money import Money
from engine.product import ProductView

from ..search.analysis import analysis_of
from ..search.document import document_of
from ..search.evaluation import read_catalogue
from ..search.generation import Generation, Snapshot
from ..search.request import SearchRequest
from ..search.searching import search
from ..search.synonyms import Synonyms
from ..search.weights import learned_weights

FACETS = ("category", "vendor", "price", "availability", "attributes")
ROUNDS = 5
"""Times that each query is asked."""
TRIES = 12
"""Times of which the quickest tells what a query takes by itself."""


def multiplied(originals: Sequence[ProductView], count: int) -> Iterator[ProductView]:
    """The products again and again, each time of another model and at another price."""
    for number in range(count):
        original = originals[number % len(originals)]
        copy = number // len(originals)
        if not copy:
            yield original
            continue
        title = f"{original.title} {chr(65 + copy % 26)}{copy * 7 % 1000}"
        price = Money(original.price.amount * (80 + copy) // 100, original.price.currency)
        yield msgspec.structs.replace(original, sku=f"{original.sku}-{copy}", title=title, price=price)


def build(originals: Sequence[ProductView], count: int, directory: Path) -> Snapshot:
    """An index of that many products on disk."""
    generation = Generation(analysis_of("english"), directory, expected=count)
    for product in multiplied(originals, count):
        document = document_of(product, in_stock=True)
        assert document is not None
        generation.put(document)
    generation.commit()
    generation.settle()
    return generation.commit()


def quantiles(run: Callable[[str], Any], queries: Sequence[str], threads: int) -> dict[str, float]:
    """Milliseconds of a search by the clock and on the processor (on a busy machine only that repeats), and searches a
    second."""

    def timed(query: str) -> tuple[float, float]:
        begun, worked = time.perf_counter(), time.thread_time()
        run(query)
        return (time.perf_counter() - begun) * 1_000, (time.thread_time() - worked) * 1_000

    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        taken = list(pool.map(timed, [*queries] * ROUNDS))
    elapsed = time.perf_counter() - begun
    told = {"per_second": round(len(taken) / elapsed, 1)}
    for name, times in zip(("clock", "processor"), map(sorted, zip(*taken, strict=True)), strict=True):
        told |= {f"{name}_p{percent}_ms": round(times[len(times) * percent // 100], 2) for percent in (50, 90, 99)}
    return told


def undisturbed(run: Callable[[str], Any], queries: Sequence[str]) -> dict[str, float]:
    """Milliseconds by the clock of each query's quickest time: what it takes where nothing else runs."""
    quickest = []
    for query in queries:
        taken = []
        for _ in range(TRIES):
            begun = time.perf_counter()
            run(query)
            taken.append(time.perf_counter() - begun)
        quickest.append(min(taken) * 1_000)
    quickest.sort()
    return {"median_ms": round(quickest[len(quickest) // 2], 2), "slowest_ms": round(quickest[-1], 2)}


@click.command(help="Measure search on a catalogue that is multiplied.")
@click.option("--catalogue", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--queries", "queries_file", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--products", "count", default=1_000_000, show_default=True)
@click.option("--each", is_flag=True, help="The time of each query, too.")
def main(catalogue: Path, queries_file: Path, count: int, each: bool) -> None:
    originals = list(read_catalogue(catalogue))
    by_sku = {product.sku: product for product in originals}
    with gzip.open(queries_file, "rt", encoding="utf-8", newline="") as lines:
        queries = list(dict.fromkeys(row["query"] for row in csv.DictReader(lines)))
    weights = learned_weights()
    synonyms = Synonyms.common(analysis_of("english"))
    with tempfile.TemporaryDirectory() as directory:
        begun = time.perf_counter()
        snapshot = build(originals, count, Path(directory) / "index")
        built_s = time.perf_counter() - begun

        def run(query: str, facets: tuple[str, ...] = FACETS) -> Any:
            request = SearchRequest(query, facets=facets)
            return search(snapshot, synonyms, weights, request, lambda sku: by_sku[sku.partition("-")[0]])

        if each:
            for query in queries:
                begun = time.perf_counter()
                total = run(query).total
                with_facets = (time.perf_counter() - begun) * 1_000
                begun = time.perf_counter()
                run(query, ())
                without = (time.perf_counter() - begun) * 1_000
                click.echo(f"{with_facets:8.2f} ms, {without:8.2f} without facets: {total:7} {query}")
        told = {
            "products": count,
            "build_s": round(built_s, 1),
            "index_bytes": sum(file.stat().st_size for file in Path(directory).rglob("*") if file.is_file()),
            "resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024,
            "segments": snapshot.searcher.num_segments,
            "with_facets": quantiles(run, queries, 1),
            "without_facets": quantiles(lambda query: run(query, ()), queries, 1),
            "with_facets_undisturbed": undisturbed(run, queries),
            "with_facets_two_at_a_time": quantiles(run, queries, 2),
        }
    click.echo(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
