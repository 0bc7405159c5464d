"""Data that grow keep their distributions."""

from pathlib import Path

import numpy as np
import pytest

from ml.measure.growth import Fitted, Way, grown, measured, slope
from ml.sources.sessions_file import read_sessions

VISITS = "RETRO-CLOCK WALL-CLOCK\nTEAPOT TEACUP TEAPOT\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "visits.txt"
    path.write_text(VISITS)
    return path


@pytest.mark.parametrize(("way", "items"), [("wider", 12), ("denser", 4)])
def test_data_grow_by_visits_of_the_same_lengths(file: Path, way: Way, items: int) -> None:
    data = grown(read_sessions(file), 3, way)
    assert (len(data), len(data.items)) == (15, items)
    assert np.bincount(data.session).tolist() == [2, 3] * 3


def test_a_fit_is_measured_and_a_time_that_doubles_with_the_data_is_linear(file: Path) -> None:
    fit = measured(f"sessions:{file}", "item-knn", 2, "wider")
    assert (fit.interactions, fit.items) == (10, 8)
    assert fit.peak_mib >= fit.data_mib > 0
    line = [Fitted("item-knn", "wider", n, 100 * n, 10, 0.5 * n, 10.0, 20.0) for n in (1, 2, 4)]
    assert slope(line) == pytest.approx(1.0)
