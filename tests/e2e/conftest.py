"""One shop for all tests that leave it as they found it."""

from collections.abc import Iterator

import pytest

from .running import RunningShop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A running shop without a demo catalogue, in which one address may try to log in as often as it likes."""
    running = RunningShop(
        tmp_path_factory.mktemp("shop"), "--demo-products", "0", "--auth-per-minute", "0", recommends=True
    )
    running.start()
    yield running
    running.close()
