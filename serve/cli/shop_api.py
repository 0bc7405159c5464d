"""How a command reaches a running shop's HTTP API as its admin, and how it tells what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx

from .options import Command, config_option, resolve_or_exit

TIMEOUT_S = 120.0


def api_options(command: Command) -> Command:
    """Add the options that say which shop is asked, and with which key: `url`, `key_file`, `data`, `config`."""
    command = config_option(command)
    for option in (
        click.option("--data", metavar="DIR", help="Data directory of the shop."),
        click.option(
            "--key-file",
            type=click.Path(path_type=Path),
            help="File of the admin key; by default in the data directory.",
        ),
        click.option("--url", help="Address of the shop; by default the one of the settings."),
    ):
        command = option(command)
    return command


def post(path: str, body: Any, *, url: str | None, key_file: Path | None, data: str | None, config: Path | None) -> Any:
    """The answer's JSON; raises click.ClickException with the problem's own words."""
    with connected(url=url, key_file=key_file, data=data, config=config) as client:
        return checked(client.post(path, json=body))


@contextmanager
def connected(
    *, url: str | None, key_file: Path | None, data: str | None, config: Path | None
) -> Iterator[httpx.Client]:
    """A connection to the shop in the name of its admin; that nobody answers is for the user to read."""
    settings = resolve_or_exit({"data": data}, config).settings
    key_file = key_file or settings.admin_key_file
    try:
        key = key_file.read_text().strip()
    except OSError as error:
        raise click.ClickException(
            f"The admin key {key_file} can't be read ({error.strerror}). Name it with --key-file."
        ) from error
    base_url = url or settings.url
    headers = {"Authorization": f"Bearer {key}"}
    try:
        # Proxies of the environment are for the internet, not for a shop that was named by its address.
        with httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client:
            yield client
    except httpx.TransportError as error:
        raise click.ClickException(f"The shop at {base_url} does not answer ({error}). Does it run?") from error


def checked(answer: httpx.Response) -> Any:
    """The answer's JSON, unless it is a problem."""
    if answer.is_success:
        return answer.json()
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    detail = problem.get("detail") or problem.get("title") or "" if isinstance(problem, dict) else ""
    raise click.ClickException(f"The shop refuses: {answer.status_code} {detail}")
