"""Opening a registry with MLflow's own client, and MLflow's errors in our words.

The first opening of a SQLite registry makes MLflow's tables, which takes a few seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ..errors import RegistryRefused, RegistryUnreachable
from .following import SERVER, SQLITE
from .mlflow_alone import quiet_mlflow
from .sqlite_follower import ARTIFACTS

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "doorbuster"
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
    if local is not None:
        local.parent.mkdir(parents=True, exist_ok=True)
    with in_our_words(url):
        from mlflow import MlflowClient

        return Registry(MlflowClient(tracking_uri=url, registry_uri=url), url, local)


@contextmanager
def in_our_words(url: str) -> Iterator[None]:
    """MLflow's errors as RegistryRefused and RegistryUnreachable, without the credentials in the registry's URL."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except MlflowException as error:
        kind = RegistryRefused if error.error_code in REFUSALS else RegistryUnreachable
        raise kind(_told(str(error), url)) from None
    except SQLAlchemyError as error:
        raise RegistryUnreachable(_told(str(error), url)) from None


def _told(message: str, url: str) -> str:
    """The first line, with the server's name in place of its address: that may hold a password."""
    userinfo, at, _ = urlsplit(url).netloc.rpartition("@")
    line = next(iter(message.splitlines()), "")
    return "The registry: " + (line.replace(userinfo + at, "") if at else line)
