"""Hits a shop under steady load, one fault after the other, each in a shop of its own, and audits the books after it.

Prints a row per fault: what clients saw, how long, and what was lost. Exit status 1 if anything was lost or sold twice.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..commands import exit_status
from ..processes import SCRATCH
from ..shop import start_shop
from .faults import FAULTS, Fault
from .report import Row, markdown, write_report
from .scene import Site
from .trial import attempt


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when nothing was lost and nothing sold twice."""
    options = parse(argv)
    chosen = [fault for fault in FAULTS if not options.fault or fault.name in options.fault]

    def work() -> int:
        rows: list[Row] = []
        for fault in chosen:
            rows.append(run(fault, options))
            write_report(rows, options.out, [each.name for each in FAULTS])
        print(markdown(rows))
        return 1 if any(row.lost or row.sold_twice or row.wrong for row in rows) else 0

    return exit_status("faults", work)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.faults", description=__doc__)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--fault", action="append", choices=names, metavar="NAME", help=f"({', '.join(names)})")
    parser.add_argument("--kills", type=int, default=0, help="how often each fault strikes (a host 20 times, others 3)")
    parser.add_argument("--rate", type=float, default=80, help="purchases per second (80)")
    parser.add_argument("--journal", help="URL of the journal (files of the run)")
    parser.add_argument("--out", type=Path, default=Path("var/faults"), help="where the table goes (var/faults)")
    parser.add_argument("--keep-logs", type=Path, help="copy the shop's logs here")
    return parser.parse_args(argv)


def run(fault: Fault, options: argparse.Namespace) -> Row:
    """One fault in a shop of its own."""
    arguments = [*fault.options, *(["--journal", options.journal] if options.journal else [])]
    if not fault.program:
        arguments += ["--demo-products", "0"]
    with tempfile.TemporaryDirectory(prefix="faults-", dir=SCRATCH, ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        say(f"{fault.title}: starting a shop ({' '.join(arguments)})")
        server, shop = start_shop(data, Path(folder) / "shop.log", options=arguments, program=fault.program)
        try:
            strikes = options.kills or fault.strikes
            return asyncio.run(attempt(fault, Site(shop, server, data), strikes, options.rate, say))
        finally:
            if options.keep_logs:
                shutil.copytree(data / "logs", options.keep_logs / fault.name, dirs_exist_ok=True)
            server.stop()


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
