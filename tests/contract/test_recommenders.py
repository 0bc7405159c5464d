"""Every model that ships, under the one suite; a model of one's own inherits it as these do."""

from dataclasses import replace

import numpy as np
import pytest

from ml.errors import NotEnoughData
from ml.interactions import Dataset, Items
from ml.model import Context, Model
from ml.models.blend import Blend
from ml.models.content import Content
from ml.models.ease import Ease
from ml.models.factorization import Als, Bpr
from ml.models.item_knn import ItemKnn
from ml.models.nearest import Nearest
from ml.models.popularity import Popularity
from ml.models.ranker import Examples, Ranker
from ml.models.repeats import Repeats
from ml.models.sequential_rules import SequentialRules
from ml.models.session_knn import SessionKnn
from ml.models.session_ranker import SessionRanker
from ml.models.svd import Svd
from ml.models.trees import exported, predict

from .recommender_suite import RecommenderSuite


class TestPopularity(RecommenderSuite):
    personal = False

    def make(self) -> Model:
        return Popularity()


class TestItemKnn(RecommenderSuite):
    def make(self) -> Model:
        return ItemKnn()


class TestItemKnnOfCustomersWithBm25(RecommenderSuite):
    def make(self) -> Model:
        return ItemKnn(weights="bm25", together="customers")


class TestItemKnnWithTfIdf(RecommenderSuite):
    def make(self) -> Model:
        return ItemKnn(weights="tfidf")


class TestSequentialRules(RecommenderSuite):
    def make(self) -> Model:
        return SequentialRules()


class TestSessionKnn(RecommenderSuite):
    def make(self) -> Model:
        return SessionKnn()


class TestEase(RecommenderSuite):
    def make(self) -> Model:
        return Ease(l2=5.0)


class TestEaseOfSessions(RecommenderSuite):
    def make(self) -> Model:
        return Ease(l2=5.0, together="sessions")


class TestRepeats(RecommenderSuite):
    def make(self) -> Model:
        return Repeats()


class TestSvd(RecommenderSuite):
    def make(self) -> Model:
        return Svd(components=3)


class TestAls(RecommenderSuite):
    def make(self) -> Model:
        pytest.importorskip("implicit", reason="the extra implicit is not installed")
        return Als(factors=4)


class TestBpr(RecommenderSuite):
    def make(self) -> Model:
        pytest.importorskip("implicit", reason="the extra implicit is not installed")
        return Bpr(factors=4, learning_rate=0.05)


class TestNearest(RecommenderSuite):
    def make(self) -> Model:
        return Nearest(components=3)


class TestContent(RecommenderSuite):
    def make(self) -> Model:
        return Content()

    def test_an_item_that_nobody_met_is_recommended_by_its_text(self, data: Dataset) -> None:
        model = self.make()
        model.fit(data.where(data.item != 3))
        ranked = model.recommend([Context(history=[0, 1])], 6)
        assert 3 in ranked.items[0].tolist()

    def test_items_without_words_are_not_enough(self, data: Dataset) -> None:
        with pytest.raises(NotEnoughData):
            self.make().fit(replace(data, items=Items(data.items.skus)))


class TestContentAlone(RecommenderSuite):
    def make(self) -> Model:
        return Content(base="")


class TestBlendByScore(RecommenderSuite):
    def make(self) -> Model:
        return Blend()


class TestBlendByRank(RecommenderSuite):
    def make(self) -> Model:
        return Blend(models="ease?l2=5 repeats item-knn", weights="", fusion="rank")


class TestRanker(RecommenderSuite):
    def make(self) -> Model:
        return Ranker(models="repeats ease?l2=5 item-knn?together=customers", windows=3, trees=20)

    def test_the_saved_trees_say_what_the_grown_ones_do(self) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        dice = np.random.default_rng(3)
        features = dice.normal(size=(400, 5)).round(1)
        right = features[:, 0] * features[:, 1] + dice.normal(size=400) > 0
        grown = HistGradientBoostingClassifier(max_iter=20, early_stopping=False, random_state=1).fit(features, right)
        asked = np.concatenate((features, dice.normal(size=(200, 5)) * 9))
        np.testing.assert_allclose(predict(exported(grown), asked), grown.decision_function(asked), rtol=1e-9)

    def test_it_learns_from_what_came_after_the_models_it_asks(self, data: Dataset) -> None:
        asked: list[tuple[int, int]] = []

        class Watched(Ranker):
            def _of_window(self, data: Dataset, at: int, until: int) -> list[Examples]:
                asked.append((at, until))
                examples = super()._of_window(data, at, until)
                assert all(each.features.shape[0] == len(each.right) for each in examples)
                return examples

        Watched(models="repeats", windows=2, trees=5).fit(data)
        (late_at, late_until), (early_at, early_until) = asked
        assert late_until == data.at[-1] + 1
        assert (early_until, early_until - early_at) == (late_at, late_until - late_at)

    def test_nobody_who_comes_back_is_not_enough(self, data: Dataset) -> None:
        with pytest.raises(NotEnoughData):
            self.make().fit(data.where(np.arange(len(data)) < 6))


class TestSessionRanker(RecommenderSuite):
    def make(self) -> Model:
        return SessionRanker(rounds=20)
