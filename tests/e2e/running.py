"""A shop as its operator runs it: `doorbuster up` as a process of its own, on loopback, with data of its own."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil

from loadtest.processes import answers_ok, clean_environment, family_of, free_port
from loadtest.shop import ADMIN_KEY_FILE, Shop, read_admin_key, shop_command
from serve.launcher import processes

START_TIMEOUT_S = 100.0
STOP_TIMEOUT_S = 60.0
GONE_WITHIN_S = 30.0


class RunningShop:
    """One shop; it can be started again on the same data."""

    def __init__(self, folder: Path, *options: str, process_group: bool = False, recommends: bool = False) -> None:
        self.data = folder / "data"
        self.log = folder / "shop.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = options if recommends else (*options, "--no-recommendations")
        self._process_group = process_group
        """Whether its processes are a group of their own, as service managers have it."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the shop and wait until it can sell."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command(),
                stdout=output,
                stderr=output,
                env=clean_environment(),
                start_new_session=self._process_group,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        try:
            while not answers_ok(f"{self.url}/readyz"):
                assert self._process.poll() is None, self.tail()
                assert time.monotonic() < deadline, self.tail()
                time.sleep(0.1)
        except AssertionError:
            # Nobody else knows of it yet.
            self.close()
            raise

    def command(self) -> list[str]:
        return shop_command(self.data, self.port, self._options)

    @property
    def api(self) -> Shop:
        """The administrative requests."""
        return Shop(self.url, read_admin_key(self.data / ADMIN_KEY_FILE))

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def run_id(self) -> str:
        """The mark that every process of this run carries."""
        return str(json.loads((self.data / "run.json").read_text())["id"])

    def processes(self) -> dict[int, str]:
        """The run's processes with their command lines."""
        found = {}
        for pid in [*processes.find(self.run_id), self.pid]:
            try:
                found[pid] = Path("/proc", str(pid), "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found

    def family(self) -> list[psutil.Process]:
        """The processes that it has started, and those that they have."""
        return family_of(self.pid)

    def tail(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text()[-2_000:]

    def process_of(self, part: str) -> int:
        """The one process whose command line has `part`."""
        (pid,) = [pid for pid, command in self.processes().items() if part in command]
        return pid

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop and wait until it has; the exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self.stopped()

    def stopped(self) -> int:
        """Wait until it has stopped; the exit status."""
        assert self._process is not None
        return self._process.wait(STOP_TIMEOUT_S)

    def leaves_nothing_after(self, number: signal.Signals) -> None:
        """That the signal ends it well, with every process and port of it."""
        run_id = self.run_id
        assert self.stop(number) == 0, self.tail()
        assert processes.find(run_id) == []
        assert not answers_ok(f"{self.url}/readyz")

    def ends_with_its_driver(self) -> None:
        """That nothing is left once the process that was started is killed, which can end nobody then."""
        run_id = self.run_id
        self.stop(signal.SIGKILL)
        assert processes.wait_until_gone(run_id, GONE_WITHIN_S) == []

    def kill_everything(self) -> None:
        """kill -9 of every process of the run at once, as a power cut would."""
        assert self._process is not None
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait(STOP_TIMEOUT_S)
        processes.kill(self.run_id)

    def close(self) -> None:
        """Whatever a test did: nothing of this shop is left."""
        if self.runs and self.data.exists():
            self.stop()
