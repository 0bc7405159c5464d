"""`doorbuster ml register DIR`: a trained model becomes a version in the registry."""

from pathlib import Path

import click

from .ml_registry import now, opened_registry, registry_options, settings_for


@click.command("register", context_settings={"max_content_width": 120})
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@registry_options
def command(directory: Path, market: str, registry: str | None, data: str | None, config: Path | None) -> None:
    """Put the trained model in DIRECTORY into the registry, with its parameters, measures, data and requirements.

    The same model again is the version that it was. Nothing is served before `doorbuster ml deploy`.
    """
    settings = settings_for(data, registry, config)
    with opened_registry(settings) as opened:
        from ml.registry.recording import register

        found = register(opened, directory, market, at=now())
    known = "" if found.new else ", as it was before"
    click.echo(f"{found.name} version {found.number}{known}. Next: doorbuster ml deploy {found.number}")
