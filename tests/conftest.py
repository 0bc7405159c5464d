"""What all rings share: a test's ring is the directory it lies in, and its files lie in memory."""

import gc
import os
import shutil
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30
"""A whole run leaves less than half of it."""
GARBAGE_AFTER = 20_000
"""New objects between two looks for garbage: some tests make many, and hardly any of them go round in circles."""

# What is imported stays: looking through all of it for garbage again and again took a quarter of the unit tests' time.
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    """Have tests write where a sync is quick, if there is room.

    Some write a gigabyte; on a disk, the next one's first commit would stand still until all of it is written.
    """
    # Workers of a run are told theirs.
    if config.option.basetemp is None and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_BYTES:
        ours = MEMORY / f"doorbuster-tests-{os.getpid()}"
        config.option.basetemp = str(ours)
        config.add_cleanup(lambda: shutil.rmtree(ours, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the ring of its directory, so that `-m unit` and `tests/unit` mean the same."""
    for item in items:
        if item.path.is_relative_to(TESTS) and item.path.parent != TESTS:
            item.add_marker(item.path.relative_to(TESTS).parts[0])


def pytest_collection_finish() -> None:
    """From here on garbage is collected, but not looked for among what was imported."""
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 10, 10)
    gc.enable()
