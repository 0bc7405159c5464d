"""The data directory of a shop: who may use it now, and the keys that live in it.

    journal/         the journal, unless its URL says otherwise
    admin.key        bearer key of the admin routes         \\
    secret.key       from it order ids and tokens derive     } mode 600, made by the first start
    ray.token        what Ray's own processes authenticate by/
    doorbuster.lock  held while a shop runs; says who holds it
    run.json         the run that uses the directory, so that the next start can clean up after a crash
    node.json        the node of a cluster that runs on this machine
    demo.json        says that the demo catalogue was loaded, or was not wanted
    logs/            what the last run logged
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import AlreadyRunning, LaunchError

KEY_BYTES = 32


class DataDirectory:
    """One shop's directory. `locked` makes sure that only one process at a time calls it its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.admin_key = path / "admin.key"
        self.secret_key = path / "secret.key"
        self.ray_token = path / "ray.token"
        self.run_file = path / "run.json"
        self.node_file = path / "node.json"
        self.demo_file = path / "demo.json"
        self.logs = path / "logs"
        self._lock_file = path / "doorbuster.lock"

    @property
    def keys(self) -> tuple[Path, ...]:
        """The files of the secrets. In a cluster all nodes have the same ones."""
        return (self.admin_key, self.secret_key, self.ray_token)

    def create(self) -> None:
        """Make the directory, for its owner only, if it isn't there."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def locked(self, url: str) -> Iterator[None]:
        """Hold the directory, creating it if need be. The kernel lets go of the lock even after `kill -9`."""
        with self.told_in_a_sentence():
            self.create()
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _parse(os.pread(descriptor, 4_096, 0))
                pid, where = int(holder.get("pid", 0)), str(holder.get("url", "it is just starting"))
                raise AlreadyRunning(self.path, pid, where) from None
            with self.told_in_a_sentence():
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def told_in_a_sentence(self) -> Iterator[None]:
        """Whatever the file system says while a start writes into the directory becomes a `LaunchError`."""
        try:
            yield
        except OSError as error:
            raise LaunchError(f"The data directory {self.path} can't be used: {error.strerror}.") from error

    def ensure_keys(self) -> None:
        """Make the keys that are not there yet. They are never shown: only their files' paths are."""
        for file in self.keys:
            _ensure_secret(file)

    def write_run(self, run: dict[str, Any]) -> None:
        """Note the run, before its first process exists."""
        self.run_file.write_text(json.dumps(run))

    def read_run(self) -> dict[str, Any]:
        """The run that was noted last and not cleared: empty after a clean stop."""
        try:
            return _parse(self.run_file.read_bytes())
        except FileNotFoundError:
            return {}

    def read_node(self) -> dict[str, Any]:
        """The node of a cluster that was started here last; empty if there is none."""
        try:
            return _parse(self.node_file.read_bytes())
        except OSError:
            return {}

    def clear_run(self) -> None:
        """Nothing of the noted run is left."""
        self.run_file.unlink(missing_ok=True)


def _ensure_secret(file: Path) -> None:
    """Create the secret whole or not at all, readable by its owner only."""
    if file.exists():
        return
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(secrets.token_hex(KEY_BYTES))
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(file)


def _parse(content: bytes) -> dict[str, Any]:
    """A small JSON object; empty when it was torn by a crash."""
    try:
        parsed = json.loads(content)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
