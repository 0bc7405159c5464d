"""Processes of a run are found by its mark and ended, and the watchdog does so when nobody else can."""

import os
import secrets
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve.launcher import processes, watchdog

PATIENCE_S = 10.0


@pytest.fixture
def run_id() -> Iterator[str]:
    run = secrets.token_hex(8)
    yield run
    processes.kill(run)


def sleeper(run_id: str) -> "subprocess.Popen[bytes]":
    """A process of the run that would live for long, in a session of its own like Ray's workers."""
    environment = os.environ | {processes.MARK: run_id}
    process = subprocess.Popen(["sleep", "300"], env=environment, start_new_session=True)
    deadline = time.monotonic() + PATIENCE_S
    # It has no environment yet while it turns from this program into that one.
    while not Path(f"/proc/{process.pid}/environ").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.001)
    return process


def eventually_none_left(run_id: str) -> bool:
    return not processes.wait_until_gone(run_id, PATIENCE_S)


def test_a_process_is_found_by_the_mark_it_inherited(run_id: str) -> None:
    process = sleeper(run_id)
    assert processes.find(run_id) == [process.pid]
    assert processes.find(run_id[:-1]) == []
    process.kill()
    process.wait()
    assert processes.find(run_id) == []


def test_all_processes_of_a_run_are_killed_and_no_others(run_id: str) -> None:
    other = secrets.token_hex(8)
    first, second, bystander = sleeper(run_id), sleeper(run_id), sleeper(other)
    assert processes.kill(run_id) == []
    assert (first.wait(), second.wait()) == (-signal.SIGKILL, -signal.SIGKILL)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_temporary_directory_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ours, other = tmp_path / f"{processes.TEMPORARY_PREFIX}abc", tmp_path / "precious"
    for directory in (ours, other):
        directory.mkdir()
        processes.remove_temporary(directory)
    assert not ours.exists()
    assert other.exists()


def test_the_watchdog_ends_a_run_whose_owner_was_killed(run_id: str, tmp_path: Path) -> None:
    temporary = tmp_path / f"{processes.TEMPORARY_PREFIX}abc"
    temporary.mkdir()
    # The owner is a process of its own, so that it can die without a chance to clean up.
    owner = textwrap.dedent(f"""
        import os, subprocess, time
        from pathlib import Path
        from serve.launcher import watchdog
        dog = watchdog.start({run_id!r}, Path({str(temporary)!r}), Path({str(tmp_path / "logs")!r}))
        child = subprocess.Popen(["sleep", "300"], env=os.environ | {{"{processes.MARK}": {run_id!r}}})
        print(dog.pid, flush=True)
        time.sleep(300)
    """)
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        dog = int(process.stdout.readline())
        # The child has no environment yet while it turns from that program into another.
        deadline = time.monotonic() + PATIENCE_S
        while not (found := processes.find(run_id)) and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
    assert found
    assert eventually_none_left(run_id)
    deadline = time.monotonic() + PATIENCE_S
    while (temporary.exists() or Path(f"/proc/{dog}").exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not temporary.exists()
    assert not Path(f"/proc/{dog}").exists()


def test_the_watchdog_goes_when_it_is_dismissed(run_id: str, tmp_path: Path) -> None:
    with watchdog.start(run_id, tmp_path / "none", tmp_path / "logs") as dog:
        assert dog.stdin is not None
        dog.stdin.close()
        assert dog.wait(PATIENCE_S) == 0
