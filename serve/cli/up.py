"""`doorbuster up`: the shop in one command, until Ctrl-C or SIGTERM."""

import asyncio
import signal

import click
from rich.console import Console

from actors.journals.port import JournalError
from actors.journals.urls import SQLITE_PREFIX

from ..hosting import journal_of
from ..launcher.errors import LaunchError
from ..launcher.progress import Progress
from ..launcher.run import running
from ..resolving import Resolved
from ..settings import Settings
from .demo import load_demo
from .options import settings_options
from .stop_signals import StopRequested, StopSignals, leave


@click.command("up", context_settings={"max_content_width": 120})
@settings_options
def command(resolved: Resolved) -> None:
    """Start the shop and run it until Ctrl-C.

    Starts Ray, Serve and HAProxy on this machine, with the journal and the keys in the data directory. New data gets a
    demo catalogue; data that is there already goes on where it stopped.
    """
    console = Console(stderr=False, soft_wrap=True)
    ensure_store(resolved.settings)
    try:
        run_until_stopped(resolved.settings, console)
    except LaunchError as error:
        click.ClickException(str(error)).show()
        leave(1)
    leave(0)


def ensure_store(settings: Settings) -> None:
    """A journal on a server that can't be used is said at once, before anything else has started."""
    if settings.journal.startswith(SQLITE_PREFIX):
        # Its files belong to whoever holds the data directory's lock.
        return
    try:
        asyncio.run(journal_of(settings).close())
    except (JournalError, ValueError) as error:
        raise click.ClickException(str(error)) from error


def run_until_stopped(settings: Settings, console: Console) -> None:
    """Run the shop until a signal says to stop; a signal while it starts stops it too."""
    progress = Progress(console)
    signals = StopSignals()
    signals.arm()
    try:
        with running(settings, progress, signals.arm) as data:
            load_demo(settings, data, progress)
            announce(settings, console, progress.elapsed_s)
            while not signals.asked:
                signal.pause()
    except StopRequested:
        pass
    except LaunchError:
        # A start that is interrupted may fail in any way before it ends.
        if not signals.asked:
            raise
    console.print("The shop is closed.")


def announce(settings: Settings, console: Console, elapsed_s: float) -> None:
    """Say where the shop is, how to administer it, and how to buy something."""
    body = (
        '{"lines":[{"sku":"RETRO-CLOCK","quantity":1}],"email":"ada@example.org",'
        '"payment":{"method":"sandbox","token":"tok_ok"}}'
    )
    console.print(f"\nThe shop is open after {elapsed_s:.1f} s: [bold]{settings.url}[/] (API: {settings.url}/docs)")
    console.print(f"Admin key: {settings.admin_key_file}", highlight=False)
    console.print("Buy something:", highlight=False)
    console.print(
        f"  curl -s {settings.url}/v1/orders -H 'Content-Type: application/json' "
        f"-H \"Idempotency-Key: $(date +%s%N)\" \\\n    -d '{body}'",
        highlight=False,
        markup=False,
    )
    console.print("Ctrl-C stops everything.\n", highlight=False)
