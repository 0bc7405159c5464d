"""`doorbuster ml backup DIRECTORY`: the registry and its artifacts in another place."""

from pathlib import Path

import click

from .journal_copy import finished_or_nothing
from .ml_registry import settings_for, told
from .options import config_option


@click.command("backup", context_settings={"max_content_width": 120})
@click.argument("target", metavar="DIRECTORY", type=click.Path(path_type=Path))
@click.option("--data", metavar="DIR", help="Data directory of the shop.")
@click.option("--registry", metavar="URL", help="sqlite:///FILE; by default the setting's.")
@config_option
def command(target: Path, data: str | None, registry: str | None, config: Path | None) -> None:
    """Write a backup of the registry into a new DIRECTORY, as it is at one instant, while the shop serves and trains.

    Back: doorbuster ml restore DIRECTORY. It can be looked into before that, too: doorbuster ml status --registry
    sqlite:///DIRECTORY/registry.sqlite.
    """
    settings = settings_for(data, registry, config)
    with told():
        from ml.registry.backup import back_up

        with finished_or_nothing(target) as draft:
            copied = back_up(settings.registry, draft)
    click.echo(f"The backup is in {target}: {copied.versions} versions, {copied.released} of them released.")
