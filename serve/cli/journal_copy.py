"""`doorbuster journal copy`, `backup` and `restore`: the journal's data in another place."""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from actors.journals.copying import Copied, copy_journal
from actors.journals.port import JournalError
from actors.journals.sqlite_backup import check_files, copy_files
from actors.journals.urls import FIRST_FILE, SQLITE_PREFIX
from engine.kinds import KINDS

from .journal_source import Report, bar, directory_of, ensure_exists, opened_url, settings_of, source_options

LISTED = tuple(kind.name for kind in KINDS.values() if kind.listed)
UNFINISHED = ".unfinished"


@click.command("copy", context_settings={"max_content_width": 120})
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--volumes", type=click.IntRange(min=1), help="Volumes of the new data: one per host is best.")
@click.option("--accept-data-loss", is_flag=True, help="Copy to a Redis that may forget what was acknowledged.")
def copy(source: str, target: str, volumes: int | None, accept_data_loss: bool) -> None:
    """Copy a journal into another store and compare the two.

    FROM and TO are URLs of journals; TO must have no data. FROM may be in use: the copy is of one instant. To move a
    shop, stop it first, then copy, then start it with --journal TO.
    """
    console = Console(soft_wrap=True)
    ensure_exists(source)
    options = {"volumes": volumes, "accept_data_loss": accept_data_loss}
    with bar(console) as report:
        if target.startswith(SQLITE_PREFIX):
            with finished_or_nothing(directory_of(target)) as draft:
                copied = asyncio.run(_copy(source, f"{SQLITE_PREFIX}{draft}", report, **options))
        else:
            copied = asyncio.run(_copy(source, target, report, **options))
    _tell(console, copied)


@click.command("backup", context_settings={"max_content_width": 120})
@click.argument("target", metavar="DIRECTORY", type=click.Path(path_type=Path))
@source_options
def backup(target: Path, data: str | None, journal: str | None, config: Path | None) -> None:
    """Write a backup of the journal into a new DIRECTORY, as it is at one instant, while the shop sells.

    A backup is a SQLite journal, whatever the shop's own journal is: all commands of this group can read it. Keep
    secret.key of the data directory with it, which is not part of the journal.
    """
    console = Console(soft_wrap=True)
    url = settings_of(data, journal, config).journal
    ensure_exists(url)
    with finished_or_nothing(target) as draft, bar(console) as report:
        if url.startswith(SQLITE_PREFIX):
            _copy_files(directory_of(url), draft, report)
        else:
            _tell(console, asyncio.run(_copy(url, f"{SQLITE_PREFIX}{draft}", report)))
    console.print(f"The backup is in {target}.", highlight=False)


@click.command("restore", context_settings={"max_content_width": 120})
@click.argument("source", metavar="DIRECTORY", type=click.Path(path_type=Path, exists=True, file_okay=False))
@source_options
def restore(source: Path, data: str | None, journal: str | None, config: Path | None) -> None:
    """Bring a backup back into a journal that has no data, and compare the two. Nothing is ever overwritten.

    The shop must be stopped. Move what is left of its journal out of the way first.
    """
    console = Console(soft_wrap=True)
    if not (source / FIRST_FILE).exists():
        raise click.ClickException(f"{source} is not a backup: {FIRST_FILE} is missing.")
    settings = settings_of(data, journal, config)
    if settings.journal.startswith(SQLITE_PREFIX):
        target = directory_of(settings.journal)
        with finished_or_nothing(target) as draft, bar(console) as report:
            _copy_files(source, draft, report)
    else:
        with bar(console) as report:
            options = {"accept_data_loss": settings.accept_data_loss}
            _tell(console, asyncio.run(_copy(f"{SQLITE_PREFIX}{source}", settings.journal, report, **options)))
    console.print("The backup is restored. Check it with: doorbuster journal verify", highlight=False)


async def _copy(source: str, target: str, report: Report, **options: object) -> Copied:
    async with (
        opened_url(source, accept_data_loss=True, create=False) as old,
        opened_url(target, shards=old.base_shards, **options) as new,
    ):
        return await copy_journal(old, new, LISTED, report)


def _copy_files(source: Path, target: Path, report: Report) -> None:
    try:
        copy_files(source, target, lambda done, total: report("copying", done, total))
        check_files(target, lambda done, total: report("checking", done, total))
    except JournalError as error:
        raise click.ClickException(str(error)) from error


@contextlib.contextmanager
def finished_or_nothing(target: Path) -> Iterator[Path]:
    """A directory to write into, which gets its name when everything is there."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise click.ClickException(f"{target} is not empty: nothing is ever overwritten.")
    draft = target.with_name(target.name + UNFINISHED)
    shutil.rmtree(draft, ignore_errors=True)
    try:
        yield draft
        if target.exists():
            target.rmdir()
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _tell(console: Console, copied: Copied) -> None:
    console.print(
        f"{copied.entries:,} entries and {copied.snapshots:,} snapshots of {copied.shards} shards: copied and equal.",
        highlight=False,
    )
