"""What an operator reads on the screen stands, word for word, in the page that tells what to do about it."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from actors.journals.port import JournalError
from actors.journals.sqlite import SqliteJournal
from actors.journals.sqlite_errors import EXPLANATIONS
from serve.launcher.data import DataDirectory
from serve.launcher.errors import LaunchError

OPERATING = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()


@pytest.mark.parametrize(
    "code", ["SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CORRUPT"], ids=lambda code: code.lower()
)
def test_what_a_disk_does_is_explained(code: str) -> None:
    assert EXPLANATIONS[getattr(sqlite3, code)] in OPERATING


def a_newer_format(file: Path) -> None:
    set_format(file, 99)


def an_older_format(file: Path) -> None:
    set_format(file, 0)


def a_higher_mark(file: Path) -> None:
    file.with_suffix(".position").write_bytes((7).to_bytes(8, "little"))


def set_format(file: Path, number: int) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {number}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (a_newer_format, "was written by a newer version of Doorbuster"),
        (an_older_format, "is of format "),
        (a_higher_mark, "acknowledged entries are missing"),
    ],
)
def test_what_a_file_is_refused_for_is_explained(tmp_path: Path, damage: Callable[[Path], None], words: str) -> None:
    asyncio.run(SqliteJournal(tmp_path).close())
    damage(tmp_path / "volume-00.sqlite")
    with pytest.raises(JournalError) as refused:
        SqliteJournal(tmp_path)
    assert words in str(refused.value)
    assert words in OPERATING


def test_a_directory_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    with pytest.raises(LaunchError) as refused, DataDirectory(tmp_path).told_in_a_sentence():
        raise OSError(30, "Read-only file system")
    told = str(refused.value).replace(str(tmp_path), "…")
    assert told in OPERATING
