"""Drives one URL with wrk: a closed loop over a fixed number of connections, each request with a key of its own."""

import json
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import LoadTestError, ToolMissing
from .measurement import Measurement

SCRIPT = Path(__file__).with_name("drive.lua")
REQUEST_TIMEOUT_S = 10
RUN_SLACK_S = 30
DRIVER_THREADS = 1
"""One thread drives more than any contender answers, and leaves the machine's other core to the server."""


@dataclass(frozen=True)
class Target:
    """What is requested again and again, and the status whose answers count; a POST gets a fresh Idempotency-Key.

    `@@@` in the body stands for a number of three digits that goes round among `spread` of them.
    """

    url: str
    method: str = "GET"
    body: str = ""
    counted_status: int = 200
    spread: int = 1


def require_wrk() -> str:
    """Wrk's path, or ToolMissing with the command that installs it."""
    if found := shutil.which("wrk"):
        return found
    raise ToolMissing("wrk", "run `sudo apt-get install wrk` (Debian, Ubuntu) or `brew install wrk` (macOS)")


def drive(target: Target, connections: int, seconds: float) -> Measurement:
    """Load `target` for `seconds` (whole ones: wrk knows no others)."""
    whole_seconds = max(1, round(seconds))
    command = [
        *(require_wrk(), f"--threads={min(DRIVER_THREADS, connections)}", f"--connections={connections}"),
        *(f"--duration={whole_seconds}s", f"--timeout={REQUEST_TIMEOUT_S}s", f"--script={SCRIPT}", target.url),
        *("--", target.method, target.body, secrets.token_hex(6), str(target.spread)),
    ]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=whole_seconds + RUN_SLACK_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise LoadTestError(f"wrk did not end within {RUN_SLACK_S} s after its time") from error
    if run.returncode != 0:
        raise LoadTestError(f"wrk ended with status {run.returncode}: {(run.stderr or run.stdout).strip()}")
    return read_result(run.stdout, target.counted_status)


def read_result(output: str, counted_status: int) -> Measurement:
    """The measurement in the JSON line that drive.lua prints among wrk's own lines."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise LoadTestError(f"wrk printed no result: {output.strip()}")
    result = json.loads(lines[-1])
    seconds = result["duration_us"] / 1e6
    statuses = {int(status): count for status, count in result["statuses"].items()}
    return Measurement(
        seconds=seconds,
        rate_per_s=statuses.get(counted_status, 0) / seconds,
        p50_ms=result["p50_us"] / 1e3,
        p90_ms=result["p90_us"] / 1e3,
        p99_ms=result["p99_us"] / 1e3,
        max_ms=result["max_us"] / 1e3,
        statuses=statuses,
        unanswered=result["unanswered"],
    )
