"""Models of visits on those of a real shop: a part of the test set. All of it: `python -m ml.measure.diginetica`."""

from collections.abc import Sequence

import numpy as np
import pytest

from ml.interactions import Dataset, Items
from ml.measure.diginetica import DATA, TEST, TRAIN, accuracy, cases_of, divided, named_model
from ml.sources.sessions_file import Continued

pytestmark = pytest.mark.integration

EVERY = 50
"""Of the 60,858 cases: every so manyth."""


@pytest.fixture(scope="module")
def parts() -> tuple[Dataset, Sequence[Continued]]:
    if not all((DATA / name).is_file() for name in (TRAIN, TEST)):
        pytest.skip(f"no behaviour/{TRAIN} and {TEST} in $DOORBUSTER_TEST_DATA or ../shared/data")
    return divided(DATA, validate=False)


@pytest.mark.parametrize(
    ("named", "hit_rate", "mrr"),
    [("session-knn", 51.0, 18.0), ("sequential-rules:decay=0,backwards=0,normed=false", 38.0, 12.5)],
)
def test_visits_go_on_as_predicted(
    parts: tuple[Dataset, Sequence[Continued]], named: str, hit_rate: float, mrr: float
) -> None:
    data, asked = parts
    model = named_model(named)
    model.fit(data)
    cases = cases_of(data.items, asked)
    figures = accuracy(model, cases.of(np.arange(0, len(cases), EVERY)))
    assert figures["hit_rate"][0] >= hit_rate
    assert figures["mrr"][0] >= mrr


def test_the_points_of_one_visit_go_together() -> None:
    asked = [Continued((0, 1), 2), Continued((0,), 1), Continued((3,), 0), Continued((4, 0), 1), Continued((4,), 0)]
    cases = cases_of(Items(["CLOCK", "LAMP", "SOFA", "TABLE", "RUG"]), asked)
    assert cases.group.tolist() == [0, 0, 1, 2, 2]
