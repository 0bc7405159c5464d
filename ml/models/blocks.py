"""Work in blocks of items: one after the other here, or as tasks on many machines, always with the same result."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..interactions import Dataset

Shared = TypeVar("Shared")
Part = TypeVar("Part")


class Block(NamedTuple):
    """Items from `start` up to, but without, `end`."""

    start: int
    end: int


class EachBlock(Protocol):
    """Has the work done for each block. `work` is a function or method that can be pickled; `shared` is the same for
    all and is changed by none. The parts come back in the order of the blocks."""

    def __call__(
        self, work: Callable[[Shared, int, int], Part], shared: Shared, blocks: Sequence[Block]
    ) -> Sequence[Part]: ...


@runtime_checkable
class FitsInBlocks(Protocol):
    """A model whose training can be spread: `fit(data)` is `fit_in_blocks(data, one_after_the_other)`."""

    def fit_in_blocks(self, data: "Dataset", each_block: EachBlock) -> None:
        """The same model as `fit` makes."""
        ...


def one_after_the_other(work: Callable[[Any, int, int], Part], shared: Any, blocks: Sequence[Block]) -> list[Part]:
    """Implements `EachBlock` in this process."""
    return [work(shared, start, end) for start, end in blocks]


def blocks_of(cost: "NDArray[np.int64]", limit: int) -> list[Block]:
    """Consecutive items that together cost no more than the limit, or a single one that costs more alone."""
    import numpy as np

    total = np.cumsum(cost)
    blocks = []
    start = 0
    while start < len(cost):
        before = total[start - 1] if start else 0
        end = max(int(np.searchsorted(total, before + limit, side="right")), start + 1)
        blocks.append(Block(start, end))
        start = end
    return blocks
