"""The load test: a minute of locust against a shop, then the audit; the exit status is the audit's and the answers'.

If no shop answers, one is started for the time of the test. A hot SKU is created for each run.
"""

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .audit import audit, print_findings
from .buyer import read_attempts
from .commands import exit_status
from .errors import ServerFailed
from .processes import PROJECT, clean_environment
from .shop import ADMIN_KEY_FILE, Shop, shop_at

STOP_TIMEOUT_S = 30
"""Locust lets requests under way end for this long, so that hardly any purchase is left without an answer."""
LOCUST_SLACK_S = 60
PERCENTILES = (50, 90, 99)
LOCUSTFILE = Path(__file__).with_name("locustfile.py")


@dataclass(frozen=True)
class Answers:
    """One kind of answer in locust's statistics; `times` counts answers by their time in (rounded) milliseconds."""

    name: str
    count: int
    failures: int
    seconds: float
    times: Mapping[float, int]

    def percentile_ms(self, share: float) -> float:
        """The time within which this share of the answers came."""
        wanted = share * sum(self.times.values())
        for time_ms in sorted(self.times):
            wanted -= self.times[time_ms]
            if wanted <= 0:
                return time_ms
        return 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when every answer was one that buyers expect and the books agree."""
    options = parse(argv)

    def work() -> int:
        with shop_at(options.url.rstrip("/"), options.admin_key_file) as shop:
            return load(shop, options.users, options.seconds, options.units)

    return exit_status("load", work)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.load", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the shop (http://127.0.0.1:8000)")
    parser.add_argument("--admin-key-file", type=Path, default=Path("var") / ADMIN_KEY_FILE, help="(var/admin.key)")
    parser.add_argument("--seconds", type=int, default=60, help="(60)")
    parser.add_argument("--users", type=int, default=50, help="concurrent shoppers, one in five only looks (50)")
    parser.add_argument("--units", type=int, default=20_000, help="units of the hot SKU (20000)")
    return parser.parse_args(argv)


def load(shop: Shop, users: int, seconds: int, units: int) -> int:
    """One run against a running shop."""
    sku = f"RETRO-CLOCK-{secrets.token_hex(3).upper()}"
    shop.put_product(sku, "Retro clock")
    shop.receive(sku, units)
    print(f"{users} shoppers for {seconds} s at {shop.url}, {units:,} units of {sku}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        attempts = Path(folder) / "attempts.jsonl"
        attempts.touch()
        kinds = drive(shop.url, sku, users, seconds, attempts)
        print_statistics(kinds)
        print("audit", flush=True)
        findings = asyncio.run(audit(shop, sku, units, read_attempts(attempts)))
    print_findings(findings)
    failures = sum(kind.failures for kind in kinds)
    print(f"  {'ok  ' if not failures else 'FAIL'} unexpected answers: {failures:,}")
    return 0 if not failures and all(finding.held for finding in findings) else 1


def drive(url: str, sku: str, users: int, seconds: int, attempts: Path) -> list[Answers]:
    """Run locust without its page, in a process of its own (it replaces the socket module of the one it runs in)."""
    statistics = attempts.with_name("statistics")
    command = [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", url, "--sku", sku),
        *("--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds}s"),
        *("--stop-timeout", str(STOP_TIMEOUT_S), "--attempts", str(attempts), "--json-file", str(statistics)),
        *("--only-summary", "--exit-code-on-error", "0", "--loglevel", "WARNING"),
    ]
    timeout_s = seconds + STOP_TIMEOUT_S + LOCUST_SLACK_S
    try:
        run = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=PROJECT,
            env=clean_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ServerFailed("locust", f"did not end in {timeout_s} s") from error
    if run.returncode != 0:
        raise ServerFailed("locust", f"ended with status {run.returncode}", run.stderr.strip())
    return read_statistics(Path(f"{statistics}.json"))


def read_statistics(file: Path) -> list[Answers]:
    """Locust's own statistics, complete up to the last answer (its CSV files may lack the last second)."""
    return [
        Answers(
            name=entry["name"],
            count=entry["num_requests"],
            failures=entry["num_failures"],
            seconds=max(entry["last_request_timestamp"] - entry["start_time"], 1e-9),
            times={float(time_ms): count for time_ms, count in entry["response_times"].items()},
        )
        for entry in json.loads(file.read_text())
    ]


def print_statistics(kinds: Sequence[Answers]) -> None:
    """Count, rate and percentiles of each kind of answer."""
    print(f"{'answer':<40}{'count':>9}{'per s':>9}" + "".join(f"{f'p{each} ms':>9}" for each in PERCENTILES))
    for kind in sorted(kinds, key=lambda kind: kind.name):
        latencies = "".join(f"{kind.percentile_ms(each / 100):>9,.0f}" for each in PERCENTILES)
        print(f"{kind.name:<40}{kind.count:>9,}{kind.count / kind.seconds:>9,.0f}{latencies}")


if __name__ == "__main__":
    sys.exit(main())
