"""`doorbuster deploy`: the shop on a cluster that runs."""

import click
import yaml
from rich.console import Console

from actors.errors import Unavailable
from actors.journals.port import JournalError

from ..launcher import deployment
from ..launcher import node as nodes
from ..launcher.errors import LaunchError
from ..launcher.progress import Progress
from ..resolving import Resolved
from .options import settings_options
from .stop_signals import leave

DERIVED_HERE = ("default", "derived")
"""Origins of values that the cluster finds by itself."""


@click.command("deploy", context_settings={"max_content_width": 120})
@click.option("--address", metavar="HOST:PORT", help="The head of the cluster; by default the one of this node.")
@click.option("--config-only", is_flag=True, help="Only print a configuration for `serve deploy`, and do nothing.")
@settings_options
def command(resolved: Resolved, address: str | None, config_only: bool) -> None:
    """Put the shop on a running cluster, or bring the shop there up to these settings.

    Runs on a node of the cluster, with its data directory. The cluster keeps the shop; this command ends.
    """
    settings = resolved.settings
    if config_only:
        configuration = deployment.serve_configuration(settings, given(resolved))
        click.echo(yaml.safe_dump(configuration, sort_keys=False), nl=False)
        return
    here = nodes.find(settings.data)
    target = address or (here.cluster if here else "")
    if not target:
        raise click.UsageError(f"No node runs with {settings.data}: name the cluster's head with --address HOST:PORT.")
    console = Console(soft_wrap=True)
    try:
        urls = deployment.deploy(settings, target, here, Progress(console))
    except (LaunchError, JournalError, Unavailable, ValueError) as error:
        click.ClickException(str(error)).show()
        leave(1)
    for url in urls:
        console.print(f"The shop takes requests at {url}", highlight=False)
    leave(0)


def given(resolved: Resolved) -> dict[str, bool | int | float | str]:
    """The settings that somebody gave, as YAML writes them."""
    names = [name for name, origin in resolved.origins.items() if origin not in DERIVED_HERE]
    values = {name: getattr(resolved.settings, name) for name in names}
    return {name: value if isinstance(value, (bool, int, float)) else str(value) for name, value in values.items()}
