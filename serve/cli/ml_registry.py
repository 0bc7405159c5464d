"""What the commands of `doorbuster ml` have in common: options, the registry, and errors for people."""

import getpass
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..settings import Settings
from .options import config_option, resolve_or_exit

if TYPE_CHECKING:
    from ml.registry.opening import Registry

Command = Callable[..., Any]


def registry_options(command: Command) -> Command:
    """Add `--market`, `--registry`, `--data` and `--config`."""
    for option in (
        click.option("--data", metavar="DIR", help="Data directory of the shop."),
        click.option("--registry", metavar="URL", help="MLflow server or sqlite:///FILE; by default the setting's."),
        click.option("--market", default="", help="Market of the model; the default market has no name."),
    ):
        command = option(command)
    return config_option(command)


def why_option(command: Command) -> Command:
    """Add `--why`."""
    return click.option("--why", default="", metavar="TEXT", help="Kept in the history of releases.")(command)


def settings_for(data: str | None, registry: str | None, config: Path | None) -> Settings:
    return resolve_or_exit({"data": data, "registry": registry}, config).settings


@contextmanager
def opened_registry(settings: Settings) -> Iterator["Registry"]:
    """The registry; what goes wrong with it, and with models, is for the user to read, without a trace."""
    with told():
        from ml.registry.opening import open_registry

        yield open_registry(settings.registry)


@contextmanager
def told() -> Iterator[None]:
    """Errors of models as the command line's."""
    from ml.errors import MlError

    try:
        yield
    except MlError as error:
        raise click.ClickException(str(error)) from error
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is not installed: pip install 'doorbuster[ml]'") from error


def by_whom() -> str:
    return f"{getpass.getuser()}@{platform.node()}"


def now() -> datetime:
    return datetime.now(UTC)
