"""One shop of two hosts and two replicas for all of these tests: whatever a test does to it, it must sell again."""

from collections.abc import Iterator

import pytest

from ..running import RunningShop

SHARDS = 16


@pytest.fixture(scope="package")
def hosts_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """Two hosts, two replicas."""
    options = ("--hosts", "2", "--replicas", "2", "--demo-products", "0")
    running = RunningShop(tmp_path_factory.mktemp("hosts"), *options)
    running.start()
    # The first requests after the first "ready": whichever replica takes one, every shard answers.
    for number in range(2 * SHARDS):
        running.api.put_product(f"FIRST-{number}", "First of all")
    yield running
    running.close()
