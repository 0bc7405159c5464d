"""The second stage before anything is trained: what it is told of each candidate, and the order it begins with."""

from pathlib import Path

import numpy as np
import pytest

from ml.interactions import Dataset, Items, dataset_of
from ml.model import Context
from ml.models.session_features import FEATURES, between, features, learned
from ml.models.session_knn import SessionKnn
from ml.models.session_ranker import SessionRanker

CLOCK, LAMP, SOFA, TABLE = range(4)


def there_and_back(visits: int) -> Dataset:
    """After a clock and a lamp everybody goes back to the clock; after a lamp and a clock, on to one of four sofas."""
    dice = np.random.default_rng(5)
    items: list[int] = []
    for _ in range(visits):
        sofa = int(dice.integers(SOFA, 6))
        items += [CLOCK, LAMP, CLOCK] if dice.random() < 0.5 else [LAMP, CLOCK, sofa]
    skus = Items([f"ITEM-{number}" for number in range(40)])
    return dataset_of(skus, items, range(len(items)), session=np.repeat(np.arange(visits), 3))


def test_each_candidate_is_described_by_past_visits_and_the_running_one() -> None:
    data = there_and_back(40)
    nearest = SessionKnn()
    nearest.fit(data)
    facts = learned(data.by_session, len(data.items))
    found = nearest.candidates([LAMP, CLOCK], 30)
    assert found is not None
    told = features(facts, found, [LAMP, CLOCK])
    assert told.shape == (len(found.items), FEATURES)
    assert np.isfinite(told).all()
    back = dict(zip(found.items.tolist(), told[:, 24].tolist(), strict=True))
    assert (back[CLOCK], back[LAMP]) == (1.0, 2.0)
    assert set(back.values()) == {0.0, 1.0, 2.0}
    assert between(facts.next, CLOCK, np.array([LAMP, CLOCK]))[0] > 0
    assert between(facts.next, CLOCK, np.array([LAMP, CLOCK]))[1] == 0


def test_with_too_few_visits_the_order_is_that_of_the_nearest(tmp_path: Path) -> None:
    data = there_and_back(12)
    ranker, nearest = SessionRanker(), SessionKnn()
    for model in (ranker, nearest):
        model.fit(data)
    contexts = [Context(session=[CLOCK, LAMP]), Context(session=[LAMP])]
    assert (ranker.recommend(contexts, 5).items == nearest.recommend(contexts, 5).items).all()
    ranker.save(tmp_path)
    loaded = SessionRanker.load(tmp_path)
    assert (loaded.recommend(contexts, 5).items == nearest.recommend(contexts, 5).items).all()


def test_parameters_out_of_bounds_are_refused() -> None:
    for wrong in ({"candidates": 0}, {"leaves": 1}, {"held": 1.0}, {"rate": 0.0}):
        with pytest.raises(ValueError, match=r"least|between"):
            SessionRanker(**wrong)
