"""`doorbuster report verify`: whether the lake, which reports are asked of, says what the journals say."""

import asyncio
import sys
from pathlib import Path

import click
from rich.console import Console

from .journal_source import bar, opened, settings_of

FAULTS_SHOWN = 20


def verify(data: str | None, config: Path | None) -> None:
    """Fold every order and stock from its first event and compare; ends with status 1 if a total differs. Works while
    the shop runs: the journals are read up to where the lake reaches."""
    from ml.lake.verify import Verdict
    from ml.lake.verify import verify as compared

    settings = settings_of(data, None, config)
    console = Console(soft_wrap=True)

    async def verdict_of() -> Verdict:
        async with opened(settings.journal) as source:
            with bar(console) as report:
                return await compared(settings.lake, source, lambda done, all_of: report("Folding", done, all_of))

    verdict = asyncio.run(verdict_of())
    console.print(f"{verdict.entries:,} entries folded, {verdict.totals:,} totals compared.", highlight=False)
    for difference in verdict.differences[:FAULTS_SHOWN]:
        console.print(f"[red]differs[/] {difference}", highlight=False)
    if verdict.never_had:
        click.echo(
            f"{verdict.never_had:,} orders had been trimmed from the journal before this lake was begun: only a backup "
            "of the lake from before then has their sales."
        )
    if verdict.differences:
        click.echo(f"{len(verdict.differences) + verdict.more:,} totals differ.")
        sys.exit(1)
    console.print("[green]The lake says what the journals say.[/]")
