"""Logs are at one place while a shop runs and after it, and say what went wrong."""

from pathlib import Path

from serve.launcher import logs


def run_that_logged(temporary: Path, **lines: str) -> Path:
    serve = logs.written_by(temporary) / "serve"
    serve.mkdir(parents=True)
    for name, line in lines.items():
        (serve / f"{name}.log").write_text(line)
    return temporary


def test_logs_are_at_the_same_place_during_and_after_the_run(tmp_path: Path) -> None:
    place = tmp_path / "logs"
    temporary = run_that_logged(tmp_path / "run", replica_a="hello")
    logs.link(temporary, place)
    assert (place / "serve" / "replica_a.log").read_text() == "hello"
    logs.keep(temporary, place)
    assert not place.is_symlink()
    assert (place / "serve" / "replica_a.log").read_text() == "hello"


def test_the_next_run_drops_the_logs_of_the_one_before(tmp_path: Path) -> None:
    place = tmp_path / "logs"
    for name in ("first", "second"):
        temporary = run_that_logged(tmp_path / name, **{f"replica_{name}": name})
        logs.link(temporary, place)
        logs.keep(temporary, place)
    assert [file.name for file in (place / "serve").iterdir()] == ["replica_second.log"]


def test_keeping_twice_loses_nothing(tmp_path: Path) -> None:
    place = tmp_path / "logs"
    temporary = run_that_logged(tmp_path / "run", replica_a="hello")
    logs.link(temporary, place)
    logs.keep(temporary, place)
    logs.keep(tmp_path / "gone", place)
    assert (place / "serve" / "replica_a.log").exists()


def test_the_first_complaint_of_a_replica_is_found(tmp_path: Path) -> None:
    temporary = run_that_logged(
        tmp_path / "run",
        controller_1="ERROR 2026 controller -- something failed\n",
        replica_a="INFO 2026 a -- fine\nERROR 2026 a -- the data has 16 shards\nERROR 2026 a -- exiting\n",
    )
    assert logs.first_complaint(logs.written_by(temporary)) == "the data has 16 shards"


def test_silent_replicas_complain_of_nothing(tmp_path: Path) -> None:
    assert logs.first_complaint(tmp_path) is None
