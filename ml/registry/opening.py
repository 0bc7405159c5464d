"""Opening a registry with MLflow's own client, and MLflow's errors in our words.

The first opening of a SQLite registry makes MLflow's tables, which takes a few seconds.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ..errors import RegistryRefused, RegistryUnreachable
from ..workplace import workplace
from .following import SERVER, SQLITE
from .mlflow_alone import quiet_mlflow
from .moving import settle_in
from .sqlite_follower import ARTIFACTS

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "doorbuster"
MEMORY = Path("/dev/shm")  # noqa: S108
REFUSALS = frozenset(
    {
        "RESOURCE_DOES_NOT_EXIST",
        "RESOURCE_ALREADY_EXISTS",
        "INVALID_PARAMETER_VALUE",
        "INVALID_STATE",
        "BAD_REQUEST",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
    }
)
"""MLflow's codes of errors that come again however often it is tried."""


class Registry(NamedTuple):
    """An open registry: whoever writes to it has MLflow's client."""

    client: "MlflowClient"
    url: str
    local: Path | None
    """The file of the database, where it is one on this machine."""

    def experiment(self) -> str:
        """The id of the experiment that has all runs; made on first use."""
        with in_our_words(self.url):
            found = self.client.get_experiment_by_name(EXPERIMENT)
            if found is not None:
                return str(found.experiment_id)
            place = (self.local.parent / ARTIFACTS).as_uri() if self.local else None
            return str(self.client.create_experiment(EXPERIMENT, artifact_location=place))


def open_registry(url: str) -> Registry:
    """Raises RegistryRefused, RegistryUnreachable."""
    quiet_mlflow()
    local = Path(url.removeprefix(SQLITE)).absolute() if url.startswith(SQLITE) else None
    if local is None and not url.startswith(SERVER):
        raise RegistryRefused("A registry is sqlite:///FILE or the address of an MLflow server, http://...")
    with in_our_words(url):
        if local is not None:
            _make(local)
            settle_in(local, EXPERIMENT)
        return Registry(_client(url), url, local)


def _make(file: Path) -> None:
    """MLflow's tables in a new file, unless it is there: whole or not at all, and by one process. MLflow itself would
    never open again what was killed in the middle of its hundred steps."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        return
    with alone(file):
        if file.exists():
            return
        # Each of the steps is synced: in memory that costs half of the time.
        with workplace(MEMORY if MEMORY.is_dir() else None) as directory:
            made = directory / file.name
            _client(f"{SQLITE}{made}")
            draft = file.with_name(f".{file.name}.draft")
            shutil.copyfile(made, draft)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(draft, file)


def _client(url: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=url, registry_uri=url)


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """No other process of this machine is in here for this registry."""
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def in_our_words(url: str) -> Iterator[None]:
    """MLflow's errors as RegistryRefused and RegistryUnreachable, without the credentials in the registry's URL."""
    import sqlite3

    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except MlflowException as error:
        kind = RegistryRefused if error.error_code in REFUSALS else RegistryUnreachable
        raise kind(_told(str(error), url)) from None
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise RegistryUnreachable(_told(str(error), url)) from None


def _told(message: str, url: str) -> str:
    """The first line, with the server's name in place of its address: that may hold a password."""
    userinfo, at, _ = urlsplit(url).netloc.rpartition("@")
    line = next(iter(message.splitlines()), "")
    return "The registry: " + (line.replace(userinfo + at, "") if at else line)
