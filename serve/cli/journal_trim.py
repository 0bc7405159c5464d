"""`doorbuster journal trim`: keeps what old entries come to, and lets go of the entries."""

import asyncio
import time
from pathlib import Path

import click
from rich.console import Console

from actors.journals.trimming import Trimmed, trim_journal
from engine.kinds import KINDS

from .journal_source import bar, opened, settings_of, source_options
from .journal_verify import Audit

DAY_MS = 86_400_000


@click.command("trim", context_settings={"max_content_width": 120})
@click.option("--keep-days", type=click.IntRange(min=0), help="Days of history to keep; 0 for all. [journal_keep_days]")
@source_options
def trim(keep_days: int | None, data: str | None, journal: str | None, config: Path | None) -> None:
    """Put the state of carts, orders and stocks in the place of their entries that are older than --keep-days.

    Verifies the journal first, and trims nothing if anything does not add up: quantities are carried over from then on.
    Works while the shop runs, and may be ended at any moment. Answers, retries and quantities stay what they are; the
    history of an order or a stock then begins at that state. Orders under way, and what a consumer has yet to read,
    stay as they are. A shard is trimmed up to its last checkpoint at most, which is written every 1,000 entries.
    """
    console = Console(soft_wrap=True)
    settings = settings_of(data, journal, config)
    days = settings.journal_keep_days if keep_days is None else keep_days
    if not days:
        console.print("Everything is kept: journal_keep_days is 0. Name the days to keep with --keep-days.")
        return

    async def trimmed() -> Trimmed:
        async with opened(settings.journal) as source:
            with bar(console) as report:
                # As one closes books: what is carried over from now on was proven by the entries that go.
                audit = Audit(source, report)
                await audit.run()
                if audit.faults:
                    raise click.ClickException(
                        f"{len(audit.faults):,} faults were found, nothing was trimmed: see doorbuster journal verify"
                    )
                return await trim_journal(source, KINDS, int(time.time() * 1_000) - days * DAY_MS, report)

    found = asyncio.run(trimmed())
    console.print(
        f"{found.removed:,} entries trimmed; {found.kept:,} as old ones stay: not finished, or moved to another shard.",
        highlight=False,
    )
