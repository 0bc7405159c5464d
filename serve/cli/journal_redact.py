"""`doorbuster journal redact`: lets go of what the journal still says of erased accounts."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from actors.codec import codecs_of
from actors.envelope import Address
from actors.journals.port import Journal, Recorded
from actors.journals.trimming import Trimmed, trim_journal
from engine.account import ACCOUNT, Account, Status
from engine.impressions import IMPRESSIONS, LEDGER_KEYS
from engine.kernel import Instant, Kind
from engine.kinds import KINDS
from engine.order import ORDER
from engine.visitor import VISITOR, Visitor

from .journal_source import bar, opened, settings_of, source_options

PAGE = 200
"""Accounts read at a time."""

Report = Callable[[str, int, int], None]


@click.command("redact", context_settings={"max_content_width": 120})
@source_options
def redact(data: str | None, journal: str | None, config: Path | None) -> None:
    """Put the states of erased accounts, their orders and visits, which name nobody, in the place of their entries.

    Run it every day: works while the shop runs, and may be ended at any moment. A shard is redacted up to its last
    checkpoint, which is written every 1,000 entries; what is younger goes with a later run. Backups that were made
    before an erasure still know whose the account was: keep them as briefly as your law says.
    """
    console = Console(soft_wrap=True)

    async def redacted() -> tuple[int, Trimmed]:
        async with opened(settings_of(data, journal, config).journal) as source:
            with bar(console) as report:
                return await redact_journal(source, int(time.time() * 1_000), report)

    accounts, found = asyncio.run(redacted())
    console.print(
        f"{accounts:,} erased accounts; {found.removed:,} entries let go, {found.kept:,} that have to stay yet.",
        highlight=False,
    )


async def redact_journal(journal: Journal, before: Instant, report: Report) -> tuple[int, Trimmed]:
    """Trim all that erased accounts and their orders recorded before an instant; how many accounts, and what became of
    it."""
    erased, addresses = 0, set[Address]()
    shards = sorted(await journal.shards())
    for done, shard in enumerate(shards):
        report("erased accounts", done, len(shards))
        accounts = await _erased_accounts(journal, shard)
        erased += len(accounts)
        for account in accounts:
            addresses |= {(ACCOUNT.name, account.account_id), (VISITOR.name, account.account_id)}
            addresses |= {(ORDER.name, order_id) for order_id in account.forgotten}
        for visitor in await _states(journal, shard, VISITOR, [account.account_id for account in accounts]):
            assert isinstance(visitor, Visitor)
            addresses |= {(VISITOR.name, device) for device in visitor.forgotten}
    report("erased accounts", len(shards), len(shards))
    if not addresses:
        return 0, Trimmed(0, 0)
    # Whoever was shown something stands among all others: it goes as a whole, and the states name nobody.
    addresses |= {(IMPRESSIONS.name, key) for key in LEDGER_KEYS}
    return erased, await trim_journal(journal, KINDS, before, report, only=addresses)


async def _erased_accounts(journal: Journal, shard: int) -> list[Account]:
    found = []
    async for addresses in journal.entities(shard):
        keys = [key for kind, key in addresses if kind == ACCOUNT.name]
        for account in await _states(journal, shard, ACCOUNT, keys):
            assert isinstance(account, Account)
            if account.status is Status.ERASED:
                found.append(account)
    return found


async def _states(journal: Journal, shard: int, kind: Kind, keys: Sequence[str]) -> list[Any]:
    states = []
    for start in range(0, len(keys), PAGE):
        group = [(kind.name, key) for key in keys[start : start + PAGE]]
        recorded = await journal.load(shard, group)
        states += [_state_of(kind, key, found) for (_, key), found in zip(group, recorded, strict=True)]
    return states


def _state_of(kind: Kind, key: str, recorded: Recorded) -> Any:
    codec = codecs_of({kind.name: kind})[kind.name]
    state: Any = kind.new(key)
    if recorded.snapshot is not None:
        state = codec.decode_state(recorded.snapshot.state)
    for entry in recorded.entries:
        for event in codec.decode_events(entry.events):
            kind.apply(state, event)
    return state
