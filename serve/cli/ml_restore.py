"""`doorbuster ml restore DIRECTORY`: a backup of the registry becomes the shop's."""

from pathlib import Path

import click

from .ml_registry import settings_for, told
from .options import config_option


@click.command("restore", context_settings={"max_content_width": 120})
@click.argument("source", metavar="DIRECTORY", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--data", metavar="DIR", help="Data directory of the shop.")
@click.option("--registry", metavar="URL", help="sqlite:///FILE; by default the setting's.")
@config_option
def command(source: Path, data: str | None, registry: str | None, config: Path | None) -> None:
    """Bring a backup back to where there is no registry. Nothing is ever overwritten.

    A running shop serves what was released in it within ten seconds.
    """
    settings = settings_for(data, registry, config)
    with told():
        from ml.registry.backup import restore

        copied = restore(source, settings.registry)
    click.echo(f"The registry is restored: {copied.versions} versions, {copied.released} of them released.")
