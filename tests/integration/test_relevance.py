"""The ranking on a real catalogue, by the judgements of people."""

import os
from pathlib import Path

import pytest

from serve.search.evaluation import evaluate, index_of, mean, read_catalogue, read_judgements
from serve.search.weights import learned_weights

pytestmark = pytest.mark.integration

CATALOGUES = ("products.jsonl.gz", "products.csv.gz")
"""The same products with typed attributes, and as a Shopify export, whose attributes are in no column."""
NEEDED = (*(f"catalogue/{name}" for name in CATALOGUES), "search/judgements.csv.gz")


@pytest.fixture
def data() -> Path:
    root = Path(os.environ.get("DOORBUSTER_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not all((root / name).is_file() for name in NEEDED):
        pytest.skip(f"no {' and '.join(NEEDED)} in $DOORBUSTER_TEST_DATA or ../shared/data")
    return root


@pytest.mark.parametrize("name", CATALOGUES)
def test_people_find_what_they_look_for(data: Path, name: str) -> None:
    snapshot = index_of(read_catalogue(data / "catalogue" / name))
    judgements = read_judgements(data / "search/judgements.csv.gz")
    quality = mean(list(evaluate(snapshot, judgements, learned_weights()).values()))
    assert quality.ndcg >= 0.80
    assert quality.recall >= 0.90
