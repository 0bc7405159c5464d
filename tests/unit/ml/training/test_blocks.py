"""Items in blocks that each cost about as much."""

import numpy as np
import pytest

from ml.models.blocks import Block, blocks_of


@pytest.mark.parametrize(
    ("cost", "limit", "expected"),
    [
        ([], 5, []),
        ([1, 1, 1, 1], 2, [(0, 2), (2, 4)]),
        ([9, 1, 1, 9], 2, [(0, 1), (1, 3), (3, 4)]),
        ([0, 0, 0], 1, [(0, 3)]),
        ([2, 2, 2], 100, [(0, 3)]),
    ],
)
def test_blocks_cost_no_more_than_the_limit_or_are_one_item(
    cost: list[int], limit: int, expected: list[tuple[int, int]]
) -> None:
    assert blocks_of(np.array(cost, np.int64), limit) == [Block(*block) for block in expected]
