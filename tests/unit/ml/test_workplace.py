"""Directories of work under way: gone with the work, and swept away after the killed; nobody else's is touched."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ml import workplace as module
from ml.workplace import DRAFT, LOCK, TEMPORARY, sweep, workplace

WORKING = """
import sys
from pathlib import Path
from ml.workplace import workplace
with workplace(Path(sys.argv[1])) as directory:
    (directory / "half-a-model").touch()
    print(directory.name, flush=True)
    sys.stdin.read()
"""


@contextmanager
def somebody_working(parent: Path) -> Iterator[tuple[Path, "subprocess.Popen[str]"]]:
    """Another process, and the directory that it works in."""
    command = [sys.executable, "-c", WORKING, str(parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield parent / process.stdout.readline().strip(), process
        finally:
            process.kill()


def test_what_is_worked_in_is_gone_with_the_work_however_it_ends(tmp_path: Path) -> None:
    with workplace(tmp_path) as directory:
        (directory / "model").mkdir()
    with pytest.raises(ZeroDivisionError), workplace(tmp_path):
        1 / 0  # noqa: B018
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_swept_away_by_the_next_and_not_before_it_is_dead(tmp_path: Path) -> None:
    with somebody_working(tmp_path) as (directory, process):
        with workplace(tmp_path) as own:
            assert {path.name for path in tmp_path.iterdir()} == {directory.name, own.name}
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (directory / "half-a-model").exists()
        with workplace(tmp_path) as own:
            assert list(tmp_path.iterdir()) == [own]


def left(directory: Path) -> Path:
    directory.mkdir()
    (directory / LOCK).touch()
    return directory


def test_other_programs_directories_and_other_kinds_of_ours_stay(tmp_path: Path) -> None:
    kept = {left(tmp_path / name) for name in (f"{DRAFT}1", "somebodys")}
    (being_made := tmp_path / f"{TEMPORARY}1").mkdir()
    left(tmp_path / f"{TEMPORARY}2")
    sweep(tmp_path, TEMPORARY)
    assert set(tmp_path.iterdir()) == {*kept, being_made}


def test_a_link_to_somewhere_else_and_what_is_others_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = left(tmp_path / "elsewhere")
    (link := tmp_path / f"{TEMPORARY}1").symlink_to(elsewhere)
    theirs = left(tmp_path / f"{TEMPORARY}2")
    monkeypatch.setattr(module.os, "getuid", lambda: theirs.stat().st_uid + 1)
    sweep(tmp_path, TEMPORARY)
    monkeypatch.undo()
    assert link.is_symlink()
    assert theirs.exists()
    sweep(tmp_path, TEMPORARY)
    assert (elsewhere / LOCK).exists()
    assert not theirs.exists()
