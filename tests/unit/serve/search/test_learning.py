"""Measuring a ranking by judgements, and learning weights from them."""

import gzip
import json
import math
from pathlib import Path

from serve.search.evaluation import Quality, mean, ndcg, read_catalogue, read_judgements, recall
from serve.search.train import candidates, learned
from serve.search.weights import learned_weights


def test_the_best_order_has_all_the_gain_and_unjudged_products_none() -> None:
    grades = {"A": 3, "B": 1, "C": 0}
    assert ndcg(["A", "B", "C"], grades) == 1.0
    assert ndcg(["X", "A", "B"], grades) == (7 / math.log2(3) + 1 / math.log2(4)) / (7 + 1 / math.log2(3))
    assert ndcg([], grades) == 0.0
    assert recall(["X", "B"], grades) == 0.5


def test_judgements_and_catalogues_are_read(tmp_path: Path) -> None:
    table = tmp_path / "judgements.csv"
    table.write_text("query,sku,grade\ntv,A,3\ntv,B,0\nvans,A,0\n")
    assert read_judgements(table) == {"tv": {"A": 3, "B": 0}}
    records = tmp_path / "products.jsonl.gz"
    record = {
        "id": "A",
        "title": "TV",
        "price": 995,
        "supplier": "Acme",
        "attr_t_product_type": "LED",
        "attr_n_hdmi": 2,
    }
    records.write_bytes(gzip.compress(json.dumps(record).encode()))
    (found,) = read_catalogue(records)
    assert (found.title, found.vendor, found.category) == ("TV", "Acme", ("LED",))
    assert found.attributes == {"product_type": "LED", "hdmi": 2}


def test_the_same_seed_learns_the_same_weights_from_what_does_well() -> None:
    tried = candidates(7, 40)
    assert tried == candidates(7, 40) != candidates(8, 40)
    # Here, the more attributes count the better.
    table = [[Quality(weights.attributes, 0.0)] for weights in tried]
    assert learned(table, tried, [0]).attributes > 0.55


def test_the_weights_of_the_program_are_within_reason() -> None:
    weights = learned_weights()
    assert weights.title == 1.0
    assert 0 < weights.attributes < weights.body <= 1.2
    assert mean([Quality(1, 0), Quality(0, 1)]) == Quality(0.5, 0.5)
