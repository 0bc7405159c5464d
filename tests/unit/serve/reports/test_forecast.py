"""A forecast's method is the one that erred least on weeks it had not seen."""

import pytest

from serve.reports.forecast import AHEAD, METHODS, forecast


def test_steady_demand_is_foretold_without_error() -> None:
    found = forecast([5] * 20)
    assert list(found.units) == [5.0] * AHEAD
    assert found.error == 0


def test_a_step_is_followed_by_what_forgets_fast() -> None:
    found = forecast([2] * 20 + [20] * 8)
    assert found.units[0] == pytest.approx(20, abs=2)
    assert found.error is not None
    assert found.error < 0.3


def test_demand_that_mostly_is_zero_is_foretold_by_its_mean_pace() -> None:
    found = forecast([0, 0, 4, 0, 0, 0, 4, 0, 0, 4, 0, 0, 0, 4, 0, 0, 4, 0])
    assert 0.5 < found.units[0] < 2.5


def test_a_short_history_is_told_by_its_mean_and_with_no_error() -> None:
    assert forecast([1, 2, 3]) == ([2.0] * AHEAD, "mean", None, None)


def test_a_share_of_nothing_is_no_error() -> None:
    assert forecast([3] * 8 + [0] * 8).error is None


@pytest.mark.parametrize("name", METHODS)
def test_no_method_looks_at_what_was_held_out(name: str) -> None:
    seen: list[int] = []

    class Watched(list[int]):
        def __getitem__(self, place):  # type: ignore[no-untyped-def]
            seen.append(place if isinstance(place, int) else place.stop or 0)
            return super().__getitem__(place)

    METHODS[name](Watched([1, 2, 3, 4]))
    assert all(place < 4 for place in seen)
