"""Files of visits, and of visits up to a point with what came next."""

import gzip
from pathlib import Path

import pytest

from ml.errors import DataRefused, NotEnoughData
from ml.interactions import Items
from ml.sources.sessions_file import Continued, continuations, read_continuations, read_sessions


def written(directory: Path, content: bytes, name: str = "visits.txt") -> Path:
    path = directory / name
    path.write_bytes(content)
    return path


def test_each_line_is_a_visit_and_lines_are_in_order_of_time(tmp_path: Path) -> None:
    data = read_sessions(written(tmp_path, b"LAMP CLOCK LAMP\nSOFA\nCLOCK SOFA\n"))
    assert list(data.items.skus) == ["LAMP", "CLOCK", "SOFA"]
    assert data.item.tolist() == [0, 1, 0, 2, 1, 2]
    assert data.session.tolist() == [0, 0, 0, 1, 2, 2]
    assert data.at.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_gzipped_file_is_the_same(tmp_path: Path) -> None:
    content = b"LAMP CLOCK\r\nSOFA LAMP\n"
    plain = read_sessions(written(tmp_path, content))
    packed = read_sessions(written(tmp_path, gzip.compress(content), "visits.txt.gz"))
    assert packed.fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"LAMP CLOCK\n\nSOFA\n", "line 2: empty"),
        (b"LAMP CLOCK\nSOFA\tLAMP\n", "line 2: a tab"),
        (b"LAMP \xff\n", "line 1: no text in UTF-8"),
        (b"LAMP\nSOFA \0\n", "line 2: no text"),
        (b"7 " * 600_000, "line 1: longer"),
    ],
)
def test_what_is_no_visit_is_refused_with_its_line(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DataRefused, match=words):
        read_sessions(written(tmp_path, content))


@pytest.mark.parametrize("content", [b"LAMP CLOCK\n", gzip.compress(b"LAMP CLOCK\n" * 5000, mtime=0)[:-12]])
def test_a_damaged_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataRefused, match="can't be read"):
        read_sessions(written(tmp_path, content, "visits.txt.gz"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"visits\.txt can't be read"):
        read_sessions(tmp_path / "visits.txt")


def test_an_empty_file_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData):
        read_sessions(written(tmp_path, b""))


def test_a_test_file_speaks_of_the_models_items_and_counts_what_nobody_can_predict(tmp_path: Path) -> None:
    path = written(tmp_path, b"LAMP CLOCK\tSOFA\nLAMP RUG\tCLOCK\nLAMP\tRUG\n")
    found = read_continuations(path, Items(["LAMP", "CLOCK", "SOFA"]))
    assert found.known == [Continued((0, 1), 2), Continued((0,), 1)]
    assert found.unknown == 1


@pytest.mark.parametrize("line", [b"LAMP CLOCK\n", b"LAMP\tCLOCK SOFA\n", b"\tCLOCK\n", b"LAMP\t\n", b"A\tB\tC\n"])
def test_a_line_without_one_next_item_is_refused(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(DataRefused, match="line 2: not"):
        read_continuations(written(tmp_path, b"LAMP\tCLOCK\n" + line), Items(["LAMP"]))


def test_visits_kept_from_training_are_asked_for_at_every_point(tmp_path: Path) -> None:
    data = read_sessions(written(tmp_path, b"LAMP CLOCK SOFA\nLAMP\n"))
    assert continuations(data) == [Continued((0,), 1), Continued((0, 1), 2)]
