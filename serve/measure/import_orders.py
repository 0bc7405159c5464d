"""Measures the import of a table of orders into a running shop: the first run, and a second that finds all of it there.

    python -m serve.measure.import_orders FILE --data DIR [--preset online-retail]

`DIR` is the data directory of the shop that runs on this machine. Prints one line of JSON.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def bytes_in(directory: Path) -> int:
    """What the files of a directory take."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def run(file: Path, data: Path, preset: str, url: str) -> dict[str, Any]:
    """One import as a process of its own: its seconds, its memory and what it said."""
    command = [sys.executable, "-m", "serve.cli", "import", "orders", str(file), "--preset", preset]
    options = ["--data", str(data), *(["--url", url] if url else [])]
    began = time.perf_counter()
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"the import failed:\n{said}")
    lines = int(re.findall(r"([\d,]+) lines", said)[0].replace(",", ""))
    orders = sum(int(number.replace(",", "")) for number in re.findall(r"([\d,]+) (?:orders|there already)", said)[:2])
    return {
        "seconds": round(seconds, 1),
        "lines_per_s": round(lines / seconds),
        "orders_per_s": round(orders / seconds),
        "peak_mb": round(used.ru_maxrss / 1_000),
        "lines": lines,
        "said": said.strip().splitlines()[-1],
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--preset", default="online-retail")
    parser.add_argument("--url", default="")
    chosen = parser.parse_args(arguments)
    journal = chosen.data / "journal"
    before = bytes_in(journal)
    first = run(chosen.file, chosen.data, chosen.preset, chosen.url)
    grown = bytes_in(journal) - before
    again = run(chosen.file, chosen.data, chosen.preset, chosen.url)
    print(json.dumps({"first": first, "again": again, "journal_mb": round(grown / 1e6, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
