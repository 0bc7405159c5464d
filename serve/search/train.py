"""Learns the ranking's weights from judgements, and says how far they can be trusted. Offline; the same seed, the same
weights.

    python -m serve.search.train --catalogue products.jsonl.gz --judgements judgements.csv.gz

Few weights are searched at random around what is known to work, each candidate by the very code that serves. What a
figure on the judged queries themselves is worth is told by cross-validation: each query is ranked by weights that were
chosen without it.
"""

import random
from collections.abc import Collection, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from .evaluation import Judgements, Quality, evaluate, index_of, mean, read_catalogue, read_judgements
from .generation import Snapshot
from .weights import Weights

RECALL_COUNTS = 0.5
"""Beside NDCG, in what is maximized."""
FOLDS = 5
REPEATS = 10
SEARCHED_BETWEEN: dict[str, tuple[float, float]] = {
    "body": (0.85, 1.05),
    "attributes": (0.3, 0.7),
    "synonym": (0.2, 0.6),
    "every_term": (1.0, 5.0),
    "head": (0.0, 0.2),
}
"""Weights that are learned, and where; a title's match is the unit of all others. The middle lies where search in
shops is known to work: with so few judged queries, a wider search finds their noise."""
BEST_OF = 15
"""Candidates whose mean is taken: it lies on a hill, where the single best may stand on a needle."""

Table = list[list[Quality]]
"""For each candidate, the quality of each query, over all catalogues."""


class Judged(NamedTuple):
    """What is learned from: the same judged queries on one or more catalogues."""

    snapshots: Sequence[Snapshot]
    judgements: Judgements

    def qualities(self, weights: Weights, queries: Collection[str] | None = None) -> list[Quality]:
        """Of each query (or of some), the mean over the catalogues."""
        chosen = {query: grades for query, grades in self.judgements.items() if queries is None or query in queries}
        found = [evaluate(snapshot, chosen, weights) for snapshot in self.snapshots]
        return [mean([qualities[query] for qualities in found]) for query in chosen]


def candidates(seed: int, count: int) -> list[Weights]:
    """Random weights."""
    dice = random.Random(seed)  # noqa: S311
    drawn = ({name: dice.uniform(*bounds) for name, bounds in SEARCHED_BETWEEN.items()} for _ in range(count))
    return [Weights(**chosen) for chosen in drawn]


def learned(table: Table, tried: Sequence[Weights], queries: Sequence[int]) -> Weights:
    """The middle of the candidates that do best on these queries."""
    order = sorted(range(len(table)), key=lambda row: -_score([table[row][query] for query in queries]))
    chosen = [tried[row] for row in order[:BEST_OF]]
    middle = {name: sum(getattr(weights, name) for weights in chosen) / len(chosen) for name in SEARCHED_BETWEEN}
    return Weights(**{name: round(value, 3) for name, value in middle.items()})


def cross_validated(judged: Judged, table: Table, tried: Sequence[Weights], seed: int) -> Quality:
    """The quality of queries ranked by weights that were learned without them, on the catalogues of `judged`."""
    queries = list(judged.judgements)
    left_out = []
    for repeat in range(REPEATS):
        for fold in _folds(len(queries), seed + repeat):
            others = [query for query in range(len(queries)) if query not in fold]
            left_out += judged.qualities(learned(table, tried, others), {queries[query] for query in fold})
    return mean(left_out)


def _folds(queries: int, seed: int) -> list[set[int]]:
    """The queries dealt out at random."""
    order = list(range(queries))
    random.Random(seed).shuffle(order)  # noqa: S311
    return [set(order[number::FOLDS]) for number in range(FOLDS)]


def _score(qualities: Sequence[Quality]) -> float:
    quality = mean(qualities)
    return quality.ndcg + RECALL_COUNTS * quality.recall


@click.command(help="Learn the ranking's weights from judgements, by random search with cross-validation.")
@click.option("--catalogue", "catalogues", type=click.Path(exists=True, path_type=Path), multiple=True, required=True)
@click.option("--judgements", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--candidates", "count", default=200, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--write", is_flag=True, help="Replace the weights that come with the program.")
def main(catalogues: tuple[Path, ...], judgements: Path, count: int, seed: int, write: bool) -> None:
    snapshots = [index_of(read_catalogue(file)) for file in catalogues]
    judged = Judged(snapshots, read_judgements(judgements))
    tried = candidates(seed, count)
    table = [judged.qualities(weights) for weights in tried]
    chosen = learned(table, tried, range(len(judged.judgements)))
    card: dict[str, Any] = {
        "learned_from": f"{len(judged.judgements)} judged queries on {', '.join(file.name for file in catalogues)}",
        "maximized": f"NDCG@10 + {RECALL_COUNTS} Recall@50",
        "searched": {name: list(bounds) for name, bounds in SEARCHED_BETWEEN.items()},
        "candidates": count,
        "seed": seed,
        "figures": {
            file.name: _figures(Judged([snapshot], judged.judgements), table, tried, chosen, seed)
            for file, snapshot in zip(catalogues, snapshots, strict=True)
        },
    }
    content = msgspec.json.format(msgspec.json.encode({"card": card, "weights": chosen}), indent=2)
    click.echo(content.decode())
    if write:
        Path(str(resources.files(__package__).joinpath("weights.json"))).write_bytes(content + b"\n")


def _figures(
    judged: Judged, table: Table, tried: Sequence[Weights], chosen: Weights, seed: int
) -> dict[str, dict[str, float]]:
    return {
        "weights_by_hand": _told(mean(judged.qualities(Weights()))),
        "in_sample": _told(mean(judged.qualities(chosen))),
        "cross_validated": _told(cross_validated(judged, table, tried, seed)),
    }


def _told(quality: Quality) -> dict[str, float]:
    return {name: round(value, 4) for name, value in quality._asdict().items()}


if __name__ == "__main__":
    main()
