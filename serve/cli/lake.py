"""`doorbuster lake`: the event lake's copy for a rainy day."""

import sqlite3
from pathlib import Path

import click

from .journal_copy import finished_or_nothing
from .journal_source import settings_of
from .options import config_option


@click.group("lake")
def command() -> None:
    """The event lake: what reports and recommendations are made from."""


@command.command("backup", context_settings={"max_content_width": 120})
@click.argument("target", metavar="DIRECTORY", type=click.Path(path_type=Path))
@click.option("--data", metavar="DIR", help="Data directory of the shop.")
@config_option
def backup(target: Path, data: str | None, config: Path | None) -> None:
    """Write a backup of the lake into a new DIRECTORY, as it is at one instant, while the shop sells.

    Before the journal's: a lake goes on from an older instant than its journal, never from a newer one. To go back,
    move DIRECTORY to where the lake was.
    """
    settings = settings_of(data, None, config)
    if not settings.lake.is_dir():
        raise click.ClickException(f"There is no lake {settings.lake} yet.")
    from ml.lake.backup import back_up
    from ml.lake.manifest import LakeError

    try:
        with finished_or_nothing(target) as draft:
            files = back_up(settings.lake, draft)
    except (LakeError, sqlite3.Error, FileNotFoundError) as error:
        raise click.ClickException(f"The lake {settings.lake} can't be copied: {error}") from error
    click.echo(f"The backup is in {target}: {files:,} files.")
