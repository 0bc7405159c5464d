"""Servers as child processes: no one is left behind."""

import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest

from loadtest.errors import ServerFailed
from loadtest.processes import ServerProcess, clean_environment

LEAVES_A_CHILD_IN_A_SESSION_OF_ITS_OWN = """
import pathlib, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
signal.pause()
"""


def test_stopping_a_server_ends_children_that_left_its_session(tmp_path: Path) -> None:
    note = tmp_path / "child"
    server = ServerProcess(
        "stall", [sys.executable, "-c", LEAVES_A_CHILD_IN_A_SESSION_OF_ITS_OWN, str(note)], tmp_path / "log"
    )
    server.wait_until(lambda: note.exists() and note.read_text() != "", timeout_s=10)
    child = int(note.read_text())
    server.stop()
    server.stop()
    assert not server.alive()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_that_ends_while_starting_is_reported_with_its_last_words(tmp_path: Path) -> None:
    server = ServerProcess("stall", [sys.executable, "-c", "raise SystemExit('no goods today')"], tmp_path / "log")
    with pytest.raises(ServerFailed, match="no goods today"):
        server.wait_until(lambda: False, timeout_s=10)


def test_a_server_does_not_inherit_settings_that_its_row_does_not_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORBUSTER_MAILBOX_LIMIT", "1")
    monkeypatch.setenv("RAY_ADDRESS", "elsewhere:6379")
    environment = clean_environment(RAY_USAGE_STATS_ENABLED="0")
    assert "DOORBUSTER_MAILBOX_LIMIT" not in environment
    assert "RAY_ADDRESS" not in environment
    assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
