"""What is logged while a test runs: a test can read it, and the report of one that fails has the warnings."""

import logging
import sys
from collections.abc import Iterator

import pytest


class Logged(logging.Handler):
    """Keeps every record that reaches the root of the loggers."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def text(self) -> str:
        return "\n".join(self.format(record) for record in self.records)


def show_warnings() -> None:
    """Write warnings where pytest keeps what a test writes, past programs that are run inside of a test."""
    shown = logging.StreamHandler(sys.__stderr__)
    shown.setLevel(logging.WARNING)
    logging.getLogger().addHandler(shown)


@pytest.fixture
def logged() -> Iterator[Logged]:
    """What is logged from here on."""
    kept = Logged()
    logging.getLogger().addHandler(kept)
    yield kept
    logging.getLogger().removeHandler(kept)
