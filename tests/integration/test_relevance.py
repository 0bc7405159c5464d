"""The ranking on a real catalogue, by the judgements of people."""

import os
from pathlib import Path

import pytest

from serve.search.evaluation import evaluate, index_of, mean, read_catalogue, read_judgements
from serve.search.weights import learned_weights

pytestmark = pytest.mark.integration

NEEDED = ("catalogue/products.jsonl.gz", "search/judgements.csv.gz")


@pytest.fixture
def data() -> Path:
    root = Path(os.environ.get("DOORBUSTER_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not all((root / name).is_file() for name in NEEDED):
        pytest.skip(f"no {' and '.join(NEEDED)} in $DOORBUSTER_TEST_DATA or ../shared/data")
    return root


def test_people_find_what_they_look_for(data: Path) -> None:
    catalogue, judgements = (data / name for name in NEEDED)
    weights = learned_weights()
    quality = mean(list(evaluate(index_of(read_catalogue(catalogue)), read_judgements(judgements), weights).values()))
    assert quality.ndcg >= 0.80
    assert quality.recall >= 0.90
