"""The shop on several machines, started by the very commands of cluster.yaml, while machines are killed under it.

The machines are namespaces of this one. Redis holds the journal and Ray's own tables; buyers come to every node's
ingress, and go to the next one when theirs doesn't answer, as a load balancer would have them do.
"""

import argparse
import asyncio
import itertools
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from . import machines
from .audit import Finding, audit, print_findings
from .buyer import FINAL_STATUSES, Attempt, answered
from .errors import LoadTestError, ServerFailed
from .machines import ROUTER, Machine
from .processes import POLL_INTERVAL_S, PROJECT, SCRATCH, ServerProcess, answers_ok, clean_environment
from .redis_program import require_redis_server
from .rush import put_on_sale
from .shop import Shop, order_body

CLUSTER_FILE = PROJECT / "cluster.yaml"
BOOTSTRAP = "/home/ray/ray_bootstrap_config.yaml"
"""Where `ray up` puts its own configuration on a head: the autoscaler reads it. Here there is none."""
REDIS_PORT = 6_390
REDIS_URL = f"redis://{ROUTER}:{REDIS_PORT}"
HTTP_PORT = 8_000
HEAD_NUMBER = 2
SMALL_STORE = "--object-store-memory=100000000"
"""Option of `ray start`, for several nodes that share one machine's memory."""
NO_DASHBOARD = "--include-dashboard=false"
"""Of a head: ten processes that only `serve deploy` asks anything."""
COMMAND_TIMEOUT_S = 120.0
READY_TIMEOUT_S = 60.0
DOORS_TIMEOUT_S = 5.0

TRY_TIMEOUT = aiohttp.ClientTimeout(total=12, sock_connect=1)
"""A machine that is gone refuses nothing: a buyer must notice by himself that nobody is there."""
PAUSE_S = 0.1
PATIENCE_S = 60.0
CALM_S = 3.0
UNITS = 1_000_000


@dataclass
class Purchase:
    """One purchase and everything that its buyer heard."""

    sent_at: float
    attempt: Attempt
    heard: list[str] = field(default_factory=list)
    ended_at: float = 0.0

    @property
    def seconds(self) -> float:
        return self.ended_at - self.sent_at


class Buyers:
    """Purchases at a steady rate, each at the next node in turn, sent again with its key until it has ended."""

    def __init__(self, urls: Sequence[str], sku: str, rate_per_s: float) -> None:
        self.urls = list(urls)
        self.purchases: list[Purchase] = []
        self._sku = sku
        self._interval_s = 1 / rate_per_s
        self._tasks: set[asyncio.Task[None]] = set()

    async def keep_coming(self) -> None:
        """Send purchases until cancelled. A stall makes nobody come later."""
        due = time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._buy(number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            due += self._interval_s

    async def settled(self) -> None:
        """Wait until every purchase has ended, or its buyer has lost patience."""
        await asyncio.gather(*self._tasks)

    async def _buy(self, number: int) -> None:
        now = time.monotonic()
        purchase = Purchase(now, Attempt(secrets.token_hex(16), "/v1/orders", order_body([self._sku])))
        self.purchases.append(purchase)
        # A connection of his own, as a buyer has: none that was left over by somebody else.
        async with aiohttp.ClientSession(timeout=TRY_TIMEOUT) as session:
            for turn in itertools.count(number):
                await self._try(session, self.urls[turn % len(self.urls)], purchase)
                if purchase.attempt.status in FINAL_STATUSES or time.monotonic() > now + PATIENCE_S:
                    break
                await asyncio.sleep(PAUSE_S)
        purchase.ended_at = time.monotonic()

    async def _try(self, session: aiohttp.ClientSession, url: str, purchase: Purchase) -> None:
        attempt = purchase.attempt
        headers = {"Idempotency-Key": attempt.key}
        try:
            async with session.post(url + attempt.path, json=attempt.body, headers=headers) as answer:
                told = answered(attempt.key, attempt.path, attempt.body, answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            purchase.heard.append(type(error).__name__)
            return
        purchase.heard.append(str(told.status))
        purchase.attempt = told


@dataclass(frozen=True)
class Row:
    """What buyers saw between two moments."""

    title: str
    purchases: int
    heard: Mapping[str, int]
    sent_again: int
    slowest_s: float
    stall_s: float
    """The longest time in which no purchase of the whole shop ended."""

    def __str__(self) -> str:
        heard = ", ".join(f"{count} x {what}" for what, count in self.heard.items())
        return (
            f"{self.title}: {self.purchases} purchases, {self.sent_again} sent again; slowest {self.slowest_s:.1f} s, "
            f"longest stall of all {self.stall_s:.1f} s; heard: {heard}"
        )


def row_of(title: str, purchases: Sequence[Purchase], since: float, until: float) -> Row:
    """The purchases that were sent or ended in that time."""
    meanwhile = [each for each in purchases if each.sent_at < until and each.ended_at >= since]
    ended = sorted(each.ended_at for each in meanwhile if each.attempt.status in FINAL_STATUSES)
    return Row(
        title,
        len(meanwhile),
        dict(Counter(what for each in meanwhile for what in each.heard).most_common()),
        sum(len(each.heard) > 1 for each in meanwhile),
        max((each.seconds for each in meanwhile), default=0.0),
        max((after - before for before, after in itertools.pairwise([since, *ended])), default=0.0),
    )


class Cluster:
    """A head and its workers, started as `ray up cluster.yaml` would start them."""

    def __init__(self, file: Path, scratch: Path, workers: int, *, dashboard: bool = False) -> None:
        described = yaml.safe_load(file.read_text())
        self._start = {role: described[f"{role}_start_ray_commands"] for role in ("head", "worker")}
        self._mounts = [Path(target) for target in described["file_mounts"] if target.startswith("/home/ray/shop/")]
        self._scratch = scratch
        self._dashboard = dashboard
        self._environment = clean_environment(PATH=_search_path())
        self._secrets = self._make_secrets()
        self.head = self._machine("head", HEAD_NUMBER)
        self.workers = [self._machine(f"worker-{number + 1}", HEAD_NUMBER + 1 + number) for number in range(workers)]

    @property
    def data(self) -> Path:
        """The data directory of every node."""
        return self._mounts[0].parent

    @property
    def admin_key(self) -> str:
        return (self._secrets / "admin.key").read_text().strip()

    def start_head(self) -> None:
        self._run_all(self.head, "head")

    def start_workers(self) -> None:
        """All at once, as the autoscaler does."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.start, self.workers))

    def stop(self, machine: Machine) -> None:
        """The node leaves, as an operator would have it."""
        self._run(machine, f"doorbuster node stop --data {self.data}")

    def start(self, worker: Machine) -> None:
        """The node joins again."""
        self._run_all(worker, "worker")

    def deploy(self, *settings: str, by_configuration: bool = False) -> str:
        """Put the shop on the cluster, from its head; or have `serve deploy` do so."""
        command = f'doorbuster deploy --data {self.data} --journal "$(cat {self.data}/redis.url)" {" ".join(settings)}'
        if not by_configuration:
            return self._run(self.head, command)
        file = f"{self.data}/serve.yaml"
        token = f"RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH={self.data}/ray.token"
        return self._run(self.head, f"{command} --config-only > {file} && {token} serve deploy {file}")

    def keep_logs(self, folder: Path) -> None:
        """Copy what Ray, Serve and the shop wrote on each machine that lives."""
        for machine in (self.head, *self.workers):
            if machine.lives():
                target = folder / machine.name
                self._run(machine, f"mkdir -p {target} && cp -rL {self.data}/logs/. {target}")

    def restart_head(self) -> None:
        """The head's machine comes back, empty, with the same address."""
        self.head = self._machine("head", HEAD_NUMBER)
        self.start_head()

    def _run_all(self, machine: Machine, role: str) -> None:
        for line in self._start[role]:
            self._run(machine, small(line, dashboard=self._dashboard))

    def _run(self, machine: Machine, line: str) -> str:
        return machine.run(line, self._environment | {"RAY_HEAD_IP": self.head.address}, COMMAND_TIMEOUT_S)

    def _machine(self, name: str, number: int) -> Machine:
        """A machine with the secrets of cluster.yaml's file_mounts."""
        machine = Machine(name, number, self._scratch / f"{name}-{secrets.token_hex(3)}")
        copies = [f"mkdir -p -m 700 {self.data}"]
        copies += [f"install -m 600 {self._secrets / target.name} {target}" for target in self._mounts]
        machine.run(" && ".join(copies), self._environment, COMMAND_TIMEOUT_S)
        return machine

    def _make_secrets(self) -> Path:
        folder = self._scratch / "secrets"
        command = [shutil.which("doorbuster", path=_search_path()) or "doorbuster", "node", "secrets", str(folder)]
        subprocess.run(command, env=self._environment, check=True, stdout=subprocess.DEVNULL)
        (folder / "redis.url").write_text(REDIS_URL)
        return folder


def small(line: str, *, dashboard: bool = False) -> str:
    """The command without the autoscaler, which has no cloud here, and for a small machine."""
    if "doorbuster node start" not in line:
        return line
    line = line.replace(f" --autoscaling-config={BOOTSTRAP}", "")
    options = SMALL_STORE if dashboard or "--head" not in line else f"{SMALL_STORE} {NO_DASHBOARD}"
    return f"{line if ' -- ' in f'{line} ' else f'{line} --'} {options}"


@contextmanager
def redis_server(folder: Path, program: str) -> Iterator[None]:
    """A Redis that every machine reaches and that keeps what it acknowledges."""
    folder.mkdir()
    command = [program, "--bind", ROUTER, "--port", str(REDIS_PORT), "--dir", str(folder), "--save", ""]
    command += ["--appendonly", "yes", "--appendfsync", "always", "--protected-mode", "no"]
    server = ServerProcess("Redis", command, folder / "redis.log")
    try:
        server.wait_until(lambda: _accepts(server), READY_TIMEOUT_S)
        yield
    finally:
        server.stop()


def _accepts(server: ServerProcess) -> bool:
    return "Ready to accept connections" in server.tail()


def _search_path() -> str:
    """The commands of this environment first, as on a node."""
    return f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Story:
    """Says what happens, with the seconds since the beginning, and how long each step took."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def tell(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {line}", flush=True)

    def step(self, line: str, act: Callable[[], Any]) -> Any:
        began = time.monotonic()
        done = act()
        self.tell(f"{line} ({time.monotonic() - began:.1f} s)")
        return done


@dataclass(frozen=True)
class Plot:
    """How much is bought, and what happens meanwhile."""

    rate_per_s: float
    window_s: float
    """How long buyers go on coming after each of them."""
    stop_worker: bool
    kill_head: bool
    power_cut: bool
    """Machines that are killed say nothing to anybody."""


async def sell(cluster: Cluster, urls: Sequence[str], story: Story, plot: Plot) -> tuple[list[Row], list[Finding]]:
    """Sell while a worker is killed, and the head if asked to; what buyers saw, and the audit."""
    dies = {cluster.workers[0].address, *([cluster.head.address] if plot.kill_head else [])}
    shop = Shop(lasting(urls, dies), cluster.admin_key)
    (sku,) = await asyncio.to_thread(put_on_sale, shop, ("RETRO-CLOCK",), UNITS)
    buyers = Buyers(urls, sku, plot.rate_per_s)
    rows: list[Row] = []

    async def scene(title: str, act: Callable[[], None] | None = None) -> None:
        since = time.monotonic()
        coming = asyncio.create_task(buyers.keep_coming())
        if act is not None:
            await asyncio.to_thread(act)
        await asyncio.sleep(plot.window_s if act else CALM_S)
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await buyers.settled()
        rows.append(row_of(title, buyers.purchases, since, time.monotonic()))
        story.tell(str(rows[-1]))

    await scene("nothing happens")
    worker = cluster.workers[0]
    if plot.stop_worker:
        await scene(f"{worker.name} is stopped", partial(cluster.stop, worker))
        await scene(f"{worker.name} joins again", partial(cluster.start, worker))
    await scene(f"{worker.name} is killed", partial(worker.kill, silently=plot.power_cut))
    if plot.kill_head:
        await scene("the head is killed", partial(cluster.head.kill, silently=plot.power_cut))
        await scene("the head comes back, empty", cluster.restart_head)
        await scene("afterwards")
    findings = await audit(shop, sku, UNITS, [each.attempt for each in buyers.purchases])
    return rows, findings


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when everything was sold exactly."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m loadtest.cluster", description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="nodes beside the head (2)")
    parser.add_argument("--rate", type=float, default=40, help="purchases per second (40)")
    parser.add_argument("--window", type=float, default=10, help="seconds that buyers are watched after a kill (10)")
    parser.add_argument("--stop-worker", action="store_true", help="first stop a worker as planned, and start it again")
    parser.add_argument("--kill-head", action="store_true", help="kill the head too, and bring it back empty")
    parser.add_argument("--power-cut", action="store_true", help="machines that are killed say nothing to anybody")
    parser.add_argument("--keep-logs", type=Path, help="copy the logs of the machines that live at the end there")
    parser.add_argument("--serve-deploy", action="store_true", help="deploy by a configuration, with `serve deploy`")
    parser.add_argument("--cluster-file", type=Path, default=CLUSTER_FILE, help="(cluster.yaml)")
    options = parser.parse_args(arguments)
    try:
        program = require_redis_server()
        machines.enter("loadtest.cluster", arguments)
        return demonstrate(options, program)
    except (LoadTestError, aiohttp.ClientError) as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1


def demonstrate(options: argparse.Namespace, redis: str) -> int:
    story = Story()
    with tempfile.TemporaryDirectory(prefix="shop-", dir=SCRATCH, ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        with redis_server(scratch / "redis", redis):
            cluster = Cluster(options.cluster_file, scratch, options.workers, dashboard=options.serve_deploy)
            story.step("the head is up", cluster.start_head)
            story.step(f"{options.workers} workers are up", cluster.start_workers)
            replicas = options.workers + 1
            # Nobody here asks for recommendations: their process would start on one of the nodes.
            settings = ("--hosts 1", f"--replicas {replicas}", "--no-recommendations")
            deploy = partial(cluster.deploy, *settings, by_configuration=options.serve_deploy)
            print(story.step("the shop is deployed", deploy), end="")
            urls = story.step("nodes take requests", partial(open_doors, cluster))
            story.tell(f"buyers go to {', '.join(urls)}")
            plot = Plot(options.rate, options.window, options.stop_worker, options.kill_head, options.power_cut)
            try:
                rows, findings = asyncio.run(sell(cluster, urls, story, plot))
            finally:
                if options.keep_logs:
                    cluster.keep_logs(options.keep_logs.absolute())
    print_findings(findings)
    unsold = sum(count for row in rows for what, count in row.heard.items() if what == "409")
    return 0 if all(finding.held for finding in findings) and not unsold else 1


def lasting(urls: Sequence[str], dies: Collection[str]) -> str:
    """Where the books are read: at a node that is not killed; if there is none, at the head, which has come back."""
    return next((url for url in urls if not any(f"//{address}:" in url for address in dies)), urls[0])


def open_doors(cluster: Cluster) -> list[str]:
    """Where buyers can go: every node with a replica has an ingress. Waits for all, but not for long."""
    urls = [f"http://{machine.address}:{HTTP_PORT}" for machine in (cluster.head, *cluster.workers)]
    deadline = time.monotonic() + DOORS_TIMEOUT_S
    while True:
        found = [url for url in urls if answers_ok(f"{url}/readyz")]
        if len(found) == len(urls) or (found and time.monotonic() > deadline):
            return found
        if time.monotonic() > deadline + READY_TIMEOUT_S:
            raise ServerFailed("the cluster", f"takes no requests after {READY_TIMEOUT_S:.0f} s")
        time.sleep(POLL_INTERVAL_S)


if __name__ == "__main__":
    sys.exit(main())
