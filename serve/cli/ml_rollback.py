"""`doorbuster ml rollback`: what was released before is released again."""

from pathlib import Path

import click

from .ml_deploy import tell
from .ml_registry import by_whom, now, opened_registry, registry_options, settings_for, why_option


@click.command("rollback", context_settings={"max_content_width": 120})
@click.option("--to", "number", type=click.IntRange(1), default=None, help="Release to go back to; see ml status.")
@why_option
@registry_options
def command(
    number: int | None, why: str, market: str, registry: str | None, data: str | None, config: Path | None
) -> None:
    """Go back to the release before, challenger and share included; several times: further back.

    Nothing is asked, since it can be undone: by --to with the number of the release that it left.
    """
    settings = settings_for(data, registry, config)
    with opened_registry(settings) as opened:
        from ml.registry.releases import Releases

        releases = Releases(opened, market)
        before = releases.now()
        released = releases.rollback(to=number or 0, by=by_whom(), at=now(), why=why)
    tell(before, released)
