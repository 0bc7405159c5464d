"""What the commands of `doorbuster journal` share: which journal is meant, how it is opened, and how progress looks."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from actors.journals.port import Journal, JournalError
from actors.journals.urls import SQLITE_PREFIX, open_journal

from ..settings import Settings
from .options import config_option, resolve_or_exit

Command = Callable[..., Any]
Report = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def source_options(command: Command) -> Command:
    """Add the options that say which shop's journal is meant."""
    for option in (
        click.option("--journal", metavar="URL", help="URL of the journal, if it is not in the data directory."),
        click.option("--data", metavar="DIR", help="Data directory of the shop."),
    ):
        command = option(command)
    return config_option(command)


def settings_of(data: str | None, journal: str | None, config: Path | None) -> Settings:
    """The settings that the options lead to."""
    return resolve_or_exit({"data": data, "journal": journal}, config).settings


def ensure_exists(url: str) -> None:
    """Opening a journal that is not there would create it: looking must not."""
    if url.startswith(SQLITE_PREFIX) and not directory_of(url).is_dir():
        raise click.ClickException(f"There is no journal at {url}. Name the shop's data directory with --data.")


def directory_of(url: str) -> Path:
    """Where the files of a SQLite journal are."""
    return Path(url.removeprefix(SQLITE_PREFIX))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Journal]:
    """The journal at a URL, for reading; whatever is wrong with it is for the user to read."""
    ensure_exists(url)
    async with opened_url(url, accept_data_loss=True, create=False) as source:
        yield source


@asynccontextmanager
async def opened_url(url: str, **options: Any) -> AsyncIterator[Journal]:
    """The journal at a URL, closed after the block; its errors leave as words for the user."""
    try:
        journal = open_journal(url, **options)
        try:
            yield journal
        finally:
            await journal.close()
    except (JournalError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def bar(console: Console) -> Iterator[Report]:
    """A progress bar where there is a terminal; nothing where there is none."""
    columns = (TextColumn("{task.description:<18}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def report(doing: str, done: int, total: int) -> None:
            if doing not in tasks:
                tasks[doing] = progress.add_task(doing, total=total)
            progress.update(tasks[doing], completed=done, total=total)

        yield report
