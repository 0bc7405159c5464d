"""What the tests of training have done in Ray's workers: it is imported there by its name."""

import os
import signal
from pathlib import Path

from ml.interactions import Dataset
from ml.models.item_knn import ItemKnn, Weighted
from ml.models.links import Links


class KilledOnce(ItemKnn):
    """Item-kNN, whose first block's process is killed in the middle of it, once."""

    def __init__(self, marker: Path) -> None:
        super().__init__()
        self._marker = marker

    def neighbours_of(self, weighted: Weighted, start: int, end: int) -> Links:
        if start == 0 and not self._marker.exists():
            self._marker.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().neighbours_of(weighted, start, end)


def dataset() -> Dataset:
    from tests.contract.recommender_suite import small_shop

    return small_shop()
