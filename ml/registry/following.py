"""How serving learns what is released, without MLflow: importing that takes 1.3 s and 150 MB.

A `Follower` is asked every few seconds, from a thread. It reads the two things that `release` is made of from MLflow's
database or server (`sqlite_follower`, `server_follower`); tests hold both against MLflow's own answers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ..errors import RegistryRefused
from .release import DEFAULT_MARKET, Release, Version

SQLITE = "sqlite:///"
SERVER = ("http://", "https://")


class Follower(Protocol):
    """Reads a registry. Calls block, for a few milliseconds (`fetch`: as long as a download takes); they may come from
    several threads."""

    def release(self, market: str = DEFAULT_MARKET) -> Release:
        """What is released now; without a champion where nothing is. Raises RegistryUnreachable: keep what was."""
        ...

    def version(self, market: str, number: int) -> Version | None:
        """A registered version, released or not; None where there is none. Raises RegistryUnreachable."""
        ...

    def markets(self) -> Sequence[str]:
        """The markets that have models. Raises RegistryUnreachable."""
        ...

    def fetch(self, version: Version) -> Path:
        """Its artifact's directory on this machine, every hash checked, never half of it; `ml.artifact.load_artifact`
        loads it. Raises RegistryUnreachable, ArtifactDamaged."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def follower_of(registry: str, cache: Path) -> Follower:
    """A follower of the registry at a URL; what it has to download is kept in `cache`. Raises RegistryRefused."""
    if registry.startswith(SQLITE):
        from .sqlite_follower import SqliteFollower

        return SqliteFollower(Path(registry.removeprefix(SQLITE)), cache)
    if registry.startswith(SERVER):
        import httpx

        from .server_follower import ServerFollower

        try:
            return ServerFollower(registry, cache)
        except httpx.InvalidURL as error:
            raise RegistryRefused("The registry's address is none.") from error
    raise RegistryRefused("A registry is sqlite:///FILE or the address of an MLflow server, http://...")
