"""The load test: a minute of locust against a shop, then the audit; the exit status is the audit's and the answers'.

If no shop answers, one is started for the time of the test. A hot SKU is created for each run.
"""

import argparse
import asyncio
import csv
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from .audit import audit, print_findings
from .buyer import read_attempts
from .errors import LoadTestError, ServerFailed
from .processes import PROJECT, clean_environment, stopping_on_signals
from .shop import ADMIN_KEY_FILE, Shop, shop_at

STOP_TIMEOUT_S = 30
"""Locust lets requests under way end for this long, so that hardly any purchase is left without an answer."""
LOCUST_SLACK_S = 60
PERCENTILES = ("50%", "90%", "99%")
LOCUSTFILE = Path(__file__).with_name("locustfile.py")

Row = Mapping[str, str]
"""A line of locust's statistics, by its column titles."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when every answer was one that buyers expect and the books agree."""
    options = parse(argv)
    try:
        with stopping_on_signals(), shop_at(options.url.rstrip("/"), options.admin_key_file) as shop:
            return load(shop, options.users, options.seconds, options.units)
    except (LoadTestError, aiohttp.ClientError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


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
        rows = drive(shop.url, sku, users, seconds, attempts)
        print_statistics(rows)
        print("audit", flush=True)
        findings = asyncio.run(audit(shop, sku, units, read_attempts(attempts)))
    print_findings(findings)
    failures = sum(int(row["Failure Count"]) for row in rows)
    print(f"  {'ok  ' if not failures else 'FAIL'} unexpected answers: {failures:,}")
    return 0 if not failures and all(finding.held for finding in findings) else 1


def drive(url: str, sku: str, users: int, seconds: int, attempts: Path) -> list[Row]:
    """Run locust without its page, in a process of its own (it replaces the socket module of the one it runs in)."""
    prefix = attempts.with_name("locust")
    command = [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", url, "--sku", sku),
        *("--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds}s"),
        *("--stop-timeout", str(STOP_TIMEOUT_S), "--attempts", str(attempts), "--csv", str(prefix)),
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
    with Path(f"{prefix}_stats.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["Name"] != "Aggregated"]


def print_statistics(rows: Sequence[Row]) -> None:
    """Count, rate and percentiles of each kind of answer."""
    print(f"{'answer':<36}{'count':>9}{'per s':>9}" + "".join(f"{'p' + each[:-1] + ' ms':>9}" for each in PERCENTILES))
    for row in sorted(rows, key=lambda row: row["Name"]):
        latencies = "".join(f"{row[percentile]:>9}" for percentile in PERCENTILES)
        count, rate = int(row["Request Count"]), float(row["Requests/s"])
        print(f"{row['Name']:<36}{count:>9,}{rate:>9,.0f}{latencies}")


if __name__ == "__main__":
    sys.exit(main())
