"""What all rings share: a test's ring is the directory it lies in, and its files lie in memory."""

import gc
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from .logged import logged, show_warnings

__all__ = ["logged"]

TESTS = Path(__file__).parent
MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30
"""A whole run leaves less than half of it."""
SHOPS = "tests/e2e/"
FUZZER = "tests/e2e/test_the_whole_contract.py"
CALCULATING = (
    "tests/unit/ml/",
    "tests/unit/cli/test_ml",
    "tests/unit/loadtest/test_scaling.py",
    "tests/unit/serve/recommendations/",
    "tests/unit/serve/reports/",
    "tests/unit/serve/test_lake_section.py",
    "tests/unit/serve/test_reports.py",
    "tests/unit/test_cluster_files.py",
)
"""What imports numpy, pandas, Arrow and the like, two seconds of it: one lane does."""
GIVING_WAY = 5
"""Niceness of the lane without shops: a third of the processor where both want it."""
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
    show_warnings()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the ring of its directory, so that `-m unit` and `tests/unit` mean the same; shops first."""
    for item in items:
        if item.path.is_relative_to(TESTS) and item.path.parent != TESTS:
            item.add_marker(item.path.relative_to(TESTS).parts[0])
    items.sort(key=lambda item: (not watches_a_shop(item.nodeid), not item.nodeid.startswith(FUZZER)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With two processes (see the Makefile) one is the lane of whole shops: two at a time would be in each other's way.

    The other lane gets one file of the other rings after the other, and so does the first when it is through.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Lanes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if watches_a_shop(nodeid):
                return SHOPS
            if nodeid.startswith(CALCULATING):
                return CALCULATING[0]
            return nodeid if nodeid.startswith(FUZZER) else nodeid.partition("::")[0]

    return Lanes(config, log)


def watches_a_shop(nodeid: str) -> bool:
    """Whether the test sees how long a whole shop takes to answer; the fuzzer only sees what."""
    return nodeid.startswith(SHOPS) and not nodeid.startswith(FUZZER)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Whoever watches a whole shop has the right of way."""
    in_a_lane = hasattr(item.config, "workerinput")
    if in_a_lane and not watches_a_shop(item.nodeid) and os.nice(0) < GIVING_WAY:
        os.nice(GIVING_WAY - os.nice(0))


def pytest_collection_finish() -> None:
    """From here on garbage is collected, but not looked for among what was imported."""
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 10, 10)
    gc.enable()
