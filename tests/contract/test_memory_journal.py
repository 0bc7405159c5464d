"""The memory journal keeps the port's promises, and the port's errors travel."""

import pickle
from pathlib import Path

import pytest

from actors.journals.memory import MemoryJournal
from actors.journals.port import (
    Fenced,
    Journal,
    JournalMismatch,
    JournalTooNew,
    JournalUnavailable,
    StillNeeded,
    VersionTaken,
)
from actors.journals.urls import open_journal

from .journal_suite import JournalSuite


class TestMemoryJournal(JournalSuite):
    @pytest.fixture(autouse=True)
    def _fresh_data(self) -> None:
        self.data = MemoryJournal()

    def open(self, directory: Path) -> Journal:
        return self.data

    def open_split(self, directory: Path) -> Journal:
        return MemoryJournal(volumes=2)


@pytest.mark.parametrize(
    "error",
    [
        Fenced(3, 7),
        VersionTaken("order", "o-1", 2),
        JournalUnavailable("the disk is full"),
        StillNeeded(3, "search", 7),
        JournalMismatch("16 shards, not 8"),
        JournalTooNew(2, 1),
    ],
)
def test_errors_survive_the_way_to_another_process(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert copy.args == error.args
    assert vars(copy) == vars(error)


def test_a_url_names_the_store() -> None:
    assert isinstance(open_journal("memory:", shards=4, volumes=2), MemoryJournal)
    assert open_journal("memory:", shards=4, volumes=2).volume_of(3) == 1


@pytest.mark.parametrize("url", ["postgres://localhost/shop", "sqlite:///", "memory", "", "./var"])
def test_a_url_of_no_known_store_is_refused_with_the_known_ones(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///DIRECTORY.*memory:") as refusal:
        open_journal(url)
    assert repr(url) in str(refusal.value)
