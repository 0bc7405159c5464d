"""`doorbuster config`: every setting, its value and where it came from."""

import click
from rich.console import Console
from rich.table import Table

from ..resolving import Resolved
from ..settings import Settings, display
from .options import settings_options


@click.command("config", context_settings={"max_content_width": 120})
@settings_options
def command(resolved: Resolved) -> None:
    """Show every setting, its value and where it came from. Secrets are masked."""
    table = Table("setting", "value", "from", "meaning")
    for name, field in Settings.model_fields.items():
        table.add_row(name, display(resolved.settings, name), resolved.origins[name], field.description)
    Console().print(table)
