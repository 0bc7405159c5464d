"""What a figure can't be read without: the machine, its disk, and the versions of what was measured."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .processes import PROJECT, SCRATCH

SYNC_SAMPLES = 200
SYNC_BYTES = 4_096
PROBE_TIMEOUT_S = 10.0
LIBRARIES = ("ray", "fastapi", "uvicorn", "uvloop", "pydantic", "msgspec", "asyncpg", "redis", "hiredis")
PROGRAMS = {"PostgreSQL": ("postgres", "--version"), "Redis": ("redis-server", "--version"), "wrk": ("wrk", "-v")}


def describe_machine() -> dict[str, str]:
    """Hardware and system, for people."""
    return {
        "processor": f"{os.cpu_count()} x {processor_name()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "disk": f"fdatasync of {SYNC_BYTES:,} bytes: median {median_sync_ms():.2f} ms",
    }


def describe_versions() -> dict[str, str]:
    """Versions of the interpreter, libraries, servers and of this project."""
    versions = {"Python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    for name, (program, option) in PROGRAMS.items():
        if version := version_printed_by([program, option]):
            versions[name] = version
    if commit := output_of(["git", "-C", str(PROJECT), "describe", "--always", "--dirty"]):
        versions["Doorbuster"] = commit.strip()
    return versions


def processor_name() -> str:
    with open("/proc/cpuinfo") as lines:
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def median_sync_ms() -> float:
    """How long an append of one page takes until it is on the disk that the benchmark uses."""
    samples = []
    with tempfile.TemporaryFile(dir=SCRATCH) as file:
        for _ in range(SYNC_SAMPLES):
            file.write(b"x" * SYNC_BYTES)
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            samples.append((time.perf_counter() - begun) * 1e3)
    return sorted(samples)[len(samples) // 2]


def version_printed_by(command: list[str]) -> str:
    """The first thing that looks like a version in what the command prints."""
    found = re.search(r"\d+(\.\d+)+", output_of(command))
    return found.group() if found else ""


def output_of(command: list[str]) -> str:
    """Output and errors together (wrk prints its version as part of a complaint); empty if it can't be run."""
    if not shutil.which(command[0]) and not Path(command[0]).exists():
        return ""
    run = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False)
    return run.stdout + run.stderr
