"""The second stage of recommending for visits, trained by scikit-learn."""

import numpy as np
import pytest

from ml.interactions import Dataset, Items, dataset_of
from ml.model import Context
from ml.models.session_knn import SessionKnn
from ml.models.session_ranker import SessionRanker
from ml.sources.sessions_file import continuations

pytestmark = pytest.mark.integration

CLOCK, LAMP, SOFA = range(3)


def there_and_back(visits: int, seed: int) -> Dataset:
    """After some sofas: who looks at a clock and a lamp goes back to the clock, at a lamp and a clock, on to a sofa."""
    dice = np.random.default_rng(seed)
    items: list[int] = []
    lengths = []
    for _ in range(visits):
        before = dice.integers(SOFA, 12, size=dice.integers(4)).tolist()
        then = [CLOCK, LAMP, CLOCK] if dice.random() < 0.5 else [LAMP, CLOCK, int(dice.integers(SOFA, 12))]
        items += [*before, *then]
        lengths.append(len(before) + 3)
    skus = Items([f"ITEM-{number}" for number in range(12)])
    return dataset_of(skus, items, range(len(items)), session=np.repeat(np.arange(visits), lengths))


def test_the_order_is_learned_from_later_visits() -> None:
    learned, asked = there_and_back(1_500, seed=5), continuations(there_and_back(100, seed=6))
    right = {}
    for model in (SessionKnn(), SessionRanker(rounds=30)):
        model.fit(learned)
        first = model.recommend([Context(session=case.before) for case in asked], 1).items[:, 0]
        right[model.name] = np.mean(first == [case.then for case in asked])
    assert right["session-ranker"] > right["session-knn"] + 0.1
