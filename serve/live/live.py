"""Everything that is told live by one process."""

import resource

from .orders import OrderTopics
from .stock import StockTopics
from .streams import MOST_PER_ADDRESS, MOST_STREAMS, Streams

OTHER_FILES = 1_000
"""Open files that are left for everything else."""


class Live:
    """The streams, and what they are about."""

    def __init__(self, most: int = MOST_STREAMS, most_per_address: int = MOST_PER_ADDRESS) -> None:
        self.streams = Streams(most, most_per_address)
        self.stock = StockTopics(self.streams)
        self.orders = OrderTopics(self.streams)


def streams_that_fit(wanted: int, replicas: int, connections: int) -> int:
    """How many of `connections` at the door the streams of one replica may take: half of them are for buyers. A process
    with few open files has fewer."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(wanted, connections // 2 // max(1, replicas), files - OTHER_FILES))
