"""Every model that ships, under the one suite; a model of one's own inherits it as these do."""

from ml.model import Model
from ml.models.item_knn import ItemKnn
from ml.models.popularity import Popularity
from ml.models.sequential_rules import SequentialRules
from ml.models.session_knn import SessionKnn

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
