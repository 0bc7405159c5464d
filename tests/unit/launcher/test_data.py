"""The data directory: one shop at a time, keys that only their owner reads, and runs that can be cleaned up after."""

import stat
from pathlib import Path

import pytest

from serve.launcher.data import DataDirectory
from serve.launcher.errors import AlreadyRunning, LaunchError

URL = "http://127.0.0.1:8000"


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "var")


def test_a_second_shop_on_the_same_data_is_told_who_runs_it(data: DataDirectory) -> None:
    with data.locked(URL), pytest.raises(AlreadyRunning) as refused, DataDirectory(data.path).locked("elsewhere"):
        pass
    assert URL in str(refused.value)
    assert f"process {refused.value.pid}" in str(refused.value)


def test_the_directory_is_free_again_after_the_shop(data: DataDirectory) -> None:
    for _ in range(2):
        with data.locked(URL):
            pass


def test_the_directory_is_its_owners_only(data: DataDirectory) -> None:
    with data.locked(URL):
        assert stat.S_IMODE(data.path.stat().st_mode) == 0o700


def test_keys_are_made_once_and_only_their_owner_reads_them(data: DataDirectory) -> None:
    with data.locked(URL):
        data.ensure_keys()
        first = [file.read_text() for file in (data.admin_key, data.secret_key, data.ray_token)]
        data.ensure_keys()
        assert [file.read_text() for file in (data.admin_key, data.secret_key, data.ray_token)] == first
        assert len(set(first)) == 3
        for file in (data.admin_key, data.secret_key, data.ray_token):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert len(bytes.fromhex(file.read_text())) == 32


def test_a_key_that_was_being_written_at_a_crash_is_made_anew(data: DataDirectory) -> None:
    with data.locked(URL):
        data.admin_key.with_suffix(".new").write_text("half")
        data.ensure_keys()
        assert len(data.admin_key.read_text()) == 64


def test_a_run_is_remembered_until_it_is_cleared(data: DataDirectory) -> None:
    with data.locked(URL):
        assert data.read_run() == {}
        data.write_run({"id": "abc"})
        assert data.read_run() == {"id": "abc"}
        data.clear_run()
        assert data.read_run() == {}


@pytest.mark.parametrize("torn", ["", "{", "[]", "null"])
def test_a_torn_note_of_a_run_is_no_run(data: DataDirectory, torn: str) -> None:
    with data.locked(URL):
        data.run_file.write_text(torn)
        assert data.read_run() == {}


def test_a_directory_that_cannot_be_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LaunchError, match="can't be used"), DataDirectory(tmp_path / "file" / "var").locked(URL):
        pass
