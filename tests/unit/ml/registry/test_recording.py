"""The words under which a registry keeps what training says."""

import pytest

from ml.artifact import Artifact
from ml.registry.recording import measures_of, shown_window


@pytest.mark.parametrize(
    ("source", "window"),
    [
        ({}, ""),
        ({"from": "1790812800000", "to": "1794268799000"}, "2026-10-01 to 2026-11-09"),
        ({"from": "2026-10-01", "to": "2026-11-01"}, "2026-10-01 to 2026-11-01"),
        ({"from": "2026-10-01T00:41:15Z", "to": "2026-11-09T22:01:53Z"}, "2026-10-01 to 2026-11-09"),
        ({"from": "0", "to": "4711"}, "0 to 4711"),
    ],
)
def test_a_window_is_told_in_days_where_it_is_one(source: dict[str, str], window: str) -> None:
    assert shown_window(source) == window


def test_measures_have_names_that_mlflow_takes() -> None:
    about = Artifact(model="ease", metrics={"ndcg@10": 0.5, "hit rate (new)": 0.25}, baseline={"ndcg@10": 0.125})
    told = measures_of(about)
    assert (told["ndcg_at_10"], told["popularity/ndcg_at_10"], told["hit rate _new_"]) == (0.5, 0.125, 0.25)
