"""The engine's own row: a program measures it, and the bench reads what it prints."""

import sys
from pathlib import Path

import pytest

from loadtest.contenders.engine_only import CALLERS, EngineOnly, EngineOnlyRedis, measurement_of
from loadtest.errors import ServerFailed
from loadtest.measurement import median_of
from loadtest.processes import ServerProcess
from loadtest.targets import Result, judge

TOLD = """\
2026-11-22 13:00:00,000 INFO worker.py -- Started a local Ray instance.
{"reservations_per_s": 71000, "p50_ms": 50.0, "p90_ms": 60.0, "p99_ms": 70.5, "max_ms": 90.0, "callers": 8}
"""


def test_the_figures_are_found_among_what_ray_says() -> None:
    measured = measurement_of(TOLD, 8)
    assert (measured.rate_per_s, measured.p50_ms, measured.p99_ms) == (71_000, 50.0, 70.5)


def test_the_row_is_judged_by_its_own_target() -> None:
    (level,) = EngineOnly().levels((1, 32, 128))
    assert level == CALLERS
    assert EngineOnlyRedis().levels((1, 32, 128)) == (level,)
    figures = {"engine-only": {level: median_of([measurement_of(TOLD, 8)])}}
    (verdict,) = [verdict for verdict in judge(figures) if verdict.target.startswith("engine-only")]
    assert (verdict.measured, verdict.result) == ("71,000/s", Result.PASS)


def test_a_program_without_figures_makes_no_row() -> None:
    with pytest.raises(ServerFailed, match="told no figures"):
        measurement_of("Traceback", 8)


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("import sys; sys.exit('no disk')", "status 1.*\n.*no disk"),
        ("import time; time.sleep(60)", "did not end in 1 s"),
    ],
    ids=["fails", "hangs"],
)
def test_a_program_that_fails_or_hangs_is_told_with_its_last_words(tmp_path: Path, program: str, fault: str) -> None:
    process = ServerProcess("the engine", [sys.executable, "-c", program], tmp_path / "log")
    try:
        with pytest.raises(ServerFailed) as failed:
            process.wait(5 if "exit" in program else 0.6)
    finally:
        process.stop()
    assert failed.match(fault)
