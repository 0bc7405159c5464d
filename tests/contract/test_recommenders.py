"""Every model that ships, under the one suite; a model of one's own inherits it as these do."""

from ml.model import Model
from ml.models.popularity import Popularity

from .recommender_suite import RecommenderSuite


class TestPopularity(RecommenderSuite):
    personal = False

    def make(self) -> Model:
        return Popularity()
