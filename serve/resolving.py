"""Where the values of settings come from.

Flags come before `DOORBUSTER_*` environment variables, those before a TOML file, that before the defaults.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from .settings import DERIVED, Settings

ENVIRONMENT_PREFIX = "DOORBUSTER_"
CONFIG_VARIABLE = "DOORBUSTER_CONFIG"
DEFAULT_CONFIG_FILE = Path("doorbuster.toml")

OTHER_VARIABLES = frozenset(
    ENVIRONMENT_PREFIX + name
    for name in ("CONFIG", "RUN", "TEST_DATA", "BOOTED_AT", "NODE_ADDRESS", "DOOR_ADDRESS", "GCS_REDIS")
)
"""Variables with our prefix that are no settings: the file to read, the mark of a run, the data of the tests, the time
that a run counts from, and what belongs to one node of a cluster."""


class SettingsError(Exception):
    """The settings can't be used; the message names each one at fault and what it may be."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class _Sources(Settings, BaseSettings):
    """Tells pydantic-settings which names to look for; never instantiated."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, env_ignore_empty=True, extra="forbid")


class Resolved(NamedTuple):
    """Settings and, for each, where it came from: a flag, an environment variable, a file, or the default."""

    settings: Settings
    origins: dict[str, str]
    warnings: tuple[str, ...]


def resolve(flags: Mapping[str, Any], config: Path | None = None) -> Resolved:
    """Merge all sources; `flags` holds only what the user gave. Raises `SettingsError`."""
    file = _config_file(config)
    layers: list[tuple[str, Mapping[str, Any]]] = [
        ("flag", flags),
        ("environment", EnvSettingsSource(_Sources)()),
    ]
    if file is not None:
        layers.append((str(file), _read_toml(file)))
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, found in layers:
        for name, value in found.items():
            if name not in values:
                values[name] = value
                origins[name] = origin
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error, origins)) from error
    for name, field in Settings.model_fields.items():
        derived = name in DERIVED and getattr(settings, name) != field.default
        origins.setdefault(name, "derived" if derived else "default")
    return Resolved(settings, origins, tuple(_unknown_variables()))


def _config_file(config: Path | None) -> Path | None:
    """The file that was asked for, which must exist, or `doorbuster.toml` here if there is one."""
    if config is None and (named := os.environ.get(CONFIG_VARIABLE)):
        config = Path(named)
    if config is not None:
        if not config.is_file():
            raise SettingsError(f"the configuration file {config} does not exist")
        return config
    return DEFAULT_CONFIG_FILE if DEFAULT_CONFIG_FILE.is_file() else None


def _read_toml(file: Path) -> Mapping[str, Any]:
    try:
        return TomlConfigSettingsSource(_Sources, toml_file=file)()
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not readable as TOML: {error}") from error


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    lines = []
    for fault in error.errors():
        message = fault["msg"].removeprefix("Value error, ")
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            message = "there is no such setting" + _did_you_mean(name)
        lines.append(f"{name}: {message} (from {origins.get(name, 'default')})" if name else message)
    return "\n".join(lines)


def _unknown_variables() -> list[str]:
    """Environment variables that look like settings but are none: most likely misspelt."""
    known = {ENVIRONMENT_PREFIX + name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    return [
        f"{variable} is no setting{_did_you_mean(variable.removeprefix(ENVIRONMENT_PREFIX).lower())}"
        for variable in sorted(os.environ)
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in known
    ]


def _did_you_mean(name: str) -> str:
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    return f"; did you mean {close[0]}?" if close else ""
