"""The side-by-side benchmark: every contender takes its turn in every round, alone on the machine; medians count.

Writes table, chart and raw figures below `--out`, and with `--docs` the results part of a page.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from .commands import exit_status
from .contenders import Contender, line_up
from .errors import LoadTestError
from .machine import describe_machine, describe_versions
from .measurement import Measurement
from .processes import SCRATCH
from .report import Run, write_report
from .wrk import require_wrk

WARM_UP_CONNECTIONS = 32
WARM_UP_S = 2.0
START_ESTIMATE_S = 10.0
BUSY_SHARE = 0.5
"""Load average per core from which on somebody else is taking what is to be measured."""
WORKSPACE_PREFIX = "bench-"
WORKSPACE_MODE = 0o711
"""Others may pass through the workspace (PostgreSQL runs as another user when we are root) but not look into it."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status, which doesn't depend on the targets."""
    options = parse(argv)

    def work() -> int:
        require_wrk()
        run = Bench(chosen(options), options.connections, options.seconds, options.rounds).run()
        write_report(run, options.out, options.docs)
        return 0

    return exit_status("bench", work)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="doorbuster bench", description=__doc__)
    parser.add_argument("--rounds", type=positive, default=3, help="how often each contender takes its turn (3)")
    parser.add_argument("--seconds", type=positive, default=8, help="length of one measurement (8)")
    parser.add_argument("--connections", type=numbers, default=(1, 32, 128), help="comma-separated (1,32,128)")
    parser.add_argument("--only", type=names, default=(), help="comma-separated names of contenders (all)")
    parser.add_argument("--out", type=Path, default=Path("var/bench"), help="where results go (var/bench)")
    parser.add_argument("--docs", type=Path, help="a Markdown page whose results part is replaced")
    parser.add_argument("--empty-path", default="/v1/ping", help="the shop's empty endpoint (/v1/ping)")
    parser.add_argument("--hosts", type=positive, default=2, help="host actors of doorbuster-actors (2)")
    parser.add_argument("--replicas", type=positive, default=2, help="Serve replicas of doorbuster-actors (2)")
    return parser.parse_args(argv)


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def numbers(text: str) -> tuple[int, ...]:
    return tuple(positive(part) for part in text.split(","))


def names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def chosen(options: argparse.Namespace) -> list[Contender]:
    """The contenders that `--only` names, in the order of the line-up."""
    everyone = list(line_up(options.empty_path, options.hosts, options.replicas))
    known = {contender.name for contender in everyone}
    if unknown := set(options.only) - known:
        raise LoadTestError(
            f"no contender is called {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}"
        )
    return [contender for contender in everyone if not options.only or contender.name in options.only]


class Bench:
    """Takes the contenders through the rounds and keeps every measurement.

    A contender that can't run is skipped from then on, with its reason in the report: one broken row doesn't cost
    the others theirs.
    """

    def __init__(self, contenders: Iterable[Contender], connections: Sequence[int], seconds: int, rounds: int) -> None:
        self._contenders = list(contenders)
        self._connections = tuple(connections)
        self._seconds = seconds
        self._rounds = rounds
        self._measured: dict[str, dict[int, list[Measurement]]] = {}
        self._skipped: dict[str, str] = {}
        self._begun = time.monotonic()

    def run(self) -> Run:
        begun_at = datetime.now(UTC)
        load_before = os.getloadavg()[0]
        if load_before > BUSY_SHARE * (os.cpu_count() or 1):
            self._say(f"the machine is busy already (load {load_before:.1f}): these figures will be worth little")
        for round_number in range(1, self._rounds + 1):
            for place, contender in enumerate(self._contenders):
                if contender.label not in self._skipped:
                    self._take_turn(contender, round_number, self._turns_left(round_number, place))
        return Run(
            begun_at=begun_at,
            rounds=self._rounds,
            seconds=self._seconds,
            connections=self._connections,
            load_before=load_before,
            machine=describe_machine(),
            versions=describe_versions(),
            contenders=self._contenders,
            measured=self._measured,
            skipped=self._skipped,
        )

    def _take_turn(self, contender: Contender, round_number: int, turns_left: int) -> None:
        # Unix sockets below it must stay under 108 characters, so the path of the workspace is short.
        workspace = Path(tempfile.mkdtemp(prefix=WORKSPACE_PREFIX, dir=SCRATCH))
        workspace.chmod(WORKSPACE_MODE)
        self._say(f"round {round_number}/{self._rounds}  {contender.label}: starting  ({self._remaining(turns_left)})")
        try:
            contender.start(workspace)
            contender.warm_up(WARM_UP_CONNECTIONS, WARM_UP_S)
            for level in contender.levels(self._connections):
                measured = contender.measure(level, self._seconds)
                self._measured.setdefault(contender.label, {}).setdefault(level, []).append(measured)
                self._say(
                    f"round {round_number}/{self._rounds}  {contender.label}: {level} connections  "
                    f"{measured.rate_per_s:,.0f}/s  p50 {measured.p50_ms:.2f} ms  p99 {measured.p99_ms:.2f} ms"
                )
            contender.verify()
        except Exception as error:
            # Whatever a contender trips over, its libraries' errors included, concerns its own row.
            self._skip(contender, str(error) or type(error).__name__)
        finally:
            contender.stop()
            with suppress(OSError):
                shutil.rmtree(workspace)

    def _skip(self, contender: Contender, reason: str) -> None:
        """A row with a hole, or with a sale that nobody heard of, is no row."""
        self._skipped[contender.label] = reason
        self._measured.pop(contender.label, None)
        self._say(f"skipping {contender.label}: {reason}")

    def _turns_left(self, round_number: int, place: int) -> int:
        active = [contender.label not in self._skipped for contender in self._contenders]
        return sum(active[place:]) + sum(active) * (self._rounds - round_number)

    def _remaining(self, turns: int) -> str:
        turn_s = START_ESTIMATE_S + WARM_UP_S + self._seconds * len(self._connections)
        return f"about {format_duration(turns * turn_s)} left"

    def _say(self, text: str) -> None:
        print(f"[{format_duration(time.monotonic() - self._begun)}] {text}", file=sys.stderr, flush=True)


def format_duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


if __name__ == "__main__":
    sys.exit(main())
