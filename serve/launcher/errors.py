"""What can keep a shop from starting. Each message is a sentence for the person who typed the command."""

from collections.abc import Sequence
from pathlib import Path


class LaunchError(Exception):
    """Base of all errors of the launcher."""


class AlreadyRunning(LaunchError):
    """Another process runs a shop on this data."""

    def __init__(self, data: Path, pid: int, url: str) -> None:
        super().__init__(data, pid, url)
        self.data = data
        self.pid = pid
        self.url = url

    def __str__(self) -> str:
        return f"The shop of {self.data} runs already: {self.url} (process {self.pid}). Stop it with: kill {self.pid}"


class PortTaken(LaunchError):
    """Something else listens on the port."""

    def __init__(self, host: str, port: int, detail: str) -> None:
        super().__init__(host, port, detail)
        self.host = host
        self.port = port
        self.detail = detail

    def __str__(self) -> str:
        return f"Can't listen on {self.host}:{self.port} ({self.detail}). Choose another port with --port."


class NoCluster(LaunchError):
    """The Ray that is meant can't be found or joined."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"No running shop was found: {self.detail}."


class StartFailed(LaunchError):
    """Ray, Serve or the application did not come up."""

    def __init__(self, detail: str, logs: Path) -> None:
        super().__init__(detail, logs)
        self.detail = detail
        self.logs = logs

    def __str__(self) -> str:
        return f"The shop did not start: {self.detail}\nLogs: {self.logs}"


class NodeRuns(LaunchError):
    """A node of a cluster runs already with this data directory."""

    def __init__(self, data: Path, cluster: str) -> None:
        super().__init__(data, cluster)
        self.data = data
        self.cluster = cluster

    def __str__(self) -> str:
        return (
            f"A node of the cluster at {self.cluster} runs already with {self.data}. "
            f"Stop it with: doorbuster node stop --data {self.data}"
        )


class NodeMissing(LaunchError):
    """No node of a cluster was started with this data directory."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.data = data

    def __str__(self) -> str:
        return f"No node runs with {self.data}."


class NodeFailed(LaunchError):
    """Ray did not start on this machine; `detail` is what it said."""

    def __init__(self, detail: str, logs: Path | None = None) -> None:
        super().__init__(detail, logs)
        self.detail = detail
        self.logs = logs

    def __str__(self) -> str:
        return f"This machine is no node: {self.detail}" + (f"\nLogs: {self.logs}" if self.logs else "")


class SecretsMissing(LaunchError):
    """A node needs the secrets of the cluster, and doesn't make any of its own."""

    def __init__(self, data: Path, missing: Sequence[str]) -> None:
        super().__init__(data, missing)
        self.data = data
        self.missing = missing

    def __str__(self) -> str:
        return f"{self.data} lacks {', '.join(self.missing)}: copy them from the head, where they were made."


class DeployRefused(LaunchError):
    """Something speaks against selling on this cluster, or it did not begin to."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
