"""A small process that outlives `doorbuster up` and ends what it left behind, should it be killed without warning.

It waits on a pipe whose other end only `up` holds: however that process ends, the kernel closes it.
"""

import signal
import subprocess
import sys
from pathlib import Path

from . import logs, processes


def start(run_id: str, temporary: Path, kept_logs: Path) -> "subprocess.Popen[bytes]":
    """Start the watchdog. Its stdin is the pipe: keep the returned object for as long as the run lasts."""
    # -P keeps the current directory off the import path: the shop may be started from anywhere.
    command = [sys.executable, "-P", "-m", __name__, run_id, str(temporary), str(kept_logs)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def main() -> None:
    """Wait for the end of `up`, then kill whatever carries the run's mark; its logs stay, its other files go."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    run_id, temporary, kept_logs = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    sys.stdin.buffer.read()
    processes.kill(run_id)
    logs.keep(temporary, kept_logs)
    processes.remove_temporary(temporary)


if __name__ == "__main__":
    main()
