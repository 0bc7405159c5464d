"""The example of a recommender of one's own passes the suite of those that ship: this is all that it takes."""

from examples.own_recommender import NextStep
from ml.model import Model

from .recommender_suite import RecommenderSuite


class TestNextStep(RecommenderSuite):
    def make(self) -> Model:
        return NextStep()
