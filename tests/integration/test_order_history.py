"""Real order history: read by its rules, and what is bought again beats what everybody buys."""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from ml.evaluation.measures import found, ndcg
from ml.evaluation.split import DAY_MS, Task, last_window, split
from ml.interactions import NOBODY, Dataset
from ml.measure.order_history import known_customers
from ml.models.library import make_model
from ml.sources.order_history import opened, order_history

pytestmark = pytest.mark.integration

NEEDED = "orders/online_retail.csv.gz"
LINES = 60_000
"""A sample: the first weeks of the file."""


@pytest.fixture(scope="module")
def data() -> Dataset:
    root = Path(os.environ.get("DOORBUSTER_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (root / NEEDED).is_file():
        pytest.skip(f"no {NEEDED} in $DOORBUSTER_TEST_DATA or ../shared/data")
    with opened(root / NEEDED) as text:
        return order_history(islice(text, LINES))


def test_only_purchases_of_goods_are_left(data: Dataset) -> None:
    assert 0.9 * LINES < len(data) < LINES
    assert not {"POST", "DOT", "M", "C2"} & set(data.items.skus)
    assert all(sku == sku.upper() for sku in data.items.skus)
    assert (data.quantity > 0).all()
    assert 0.6 < (data.customer != NOBODY).mean() < 0.9


def test_what_is_bought_again_beats_what_everybody_buys(data: Dataset) -> None:
    parted = split(data.where(data.customer != NOBODY), Task.BASKET, last_window(data, 14 * DAY_MS))
    cases = known_customers(parted.cases)
    figures = {}
    for name in ("popularity", "repeats"):
        model = make_model(name)
        model.fit(parted.train)
        lists = model.recommend(cases.contexts, 20).items
        figures[name] = float(np.mean(ndcg(found(lists, cases.truths), [10])))
    assert len(cases) > 100
    assert figures["repeats"] > 1.5 * figures["popularity"]
