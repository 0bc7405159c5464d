"""One command-line flag per setting, with the setting's own description: the list of settings exists once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

from ..resolving import Resolved, SettingsError, resolve
from ..settings import Settings

Command = Callable[..., Any]


TABLES = frozenset({"oidc_providers"})
REPEATABLE = frozenset({"relay"})
"""Flags that may be given several times: elsewhere their values stand in one text, with spaces between."""


def settings_options(command: Command) -> Command:
    """Add `--config` and a flag for each setting; the command gets them as one `resolved` argument."""

    def with_settings(config: Path | None, **arguments: Any) -> Any:
        flags = {name: arguments.pop(name, None) for name in Settings.model_fields}
        return command(resolved=resolve_or_exit(flags, config), **arguments)

    with_settings.__name__ = command.__name__
    with_settings.__doc__ = command.__doc__
    with_settings.__dict__.update(command.__dict__)
    decorated: Command = with_settings
    for name, field in reversed(Settings.model_fields.items()):
        described = f"{field.description}  [{field.default}]" if str(field.default) else field.description
        if field.annotation is SecretStr or name in TABLES:
            # A command line can be read by everybody on the machine, and is no place for a table.
            continue
        flag = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            # Left out it is None, and another source may say so. What is on by itself can be switched off.
            flags = f"{flag}/--no-{flag.removeprefix('--')}" if field.default else flag
            option = click.option(flags, name, is_flag=True, default=None, help=field.description)
        elif name in REPEATABLE:
            option = click.option(flag, name, metavar="URL", multiple=True, callback=_joined, help=described)
        else:
            option = click.option(flag, name, metavar=_metavar(name), help=described)
        decorated = option(decorated)
    return config_option(decorated)


def config_option(command: Command) -> Command:
    """Add `--config FILE`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="TOML file with settings. By default $DOORBUSTER_CONFIG, else doorbuster.toml here.",
    )(command)


def resolve_or_exit(flags: dict[str, Any], config: Path | None) -> Resolved:
    """Resolve the settings from what was given; what is wrong with them is for the user to read, without a trace."""
    try:
        resolved = resolve({name: value for name, value in flags.items() if value is not None}, config)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    for warning in resolved.warnings:
        click.echo(f"Warning: {warning}", err=True)
    return resolved


def _joined(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> str | None:
    return " ".join(given) or None


def _metavar(name: str) -> str:
    kind = Settings.model_fields[name].annotation
    if kind is int or kind is float:
        return "N"
    metavars = {
        "data": "DIR",
        "lake": "DIR",
        "journal": "URL",
        "placement": "replica|actors",
        "application": "PATH",
    }
    return metavars.get(name, "TEXT")
