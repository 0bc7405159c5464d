"""`python -m tests.simulation`: replay one seed, or run many."""

import sys
from pathlib import Path

import click
from rich.console import Console

from .campaign import FOREVER, run_campaign, tell, write
from .chronicle import Chronicle
from .picture import picture_of
from .world import simulate

DIRECTORY = Path("var/simulation")
WIDTH = 150
"""Characters: the table of faults and statuses needs them, also where the output is no terminal."""
LINES_SHOWN = 60
"""Of a failed history, around its first violation; the file has all of them."""


@click.command()
@click.option("--seed", type=int, help="Replay one history and write its timeline.")
@click.option("--runs", type=click.IntRange(min=1), default=300, show_default=True, help="How many seeds to run.")
@click.option("--first", type=int, default=0, show_default=True, help="The first of them.")
@click.option("--minutes", type=float, default=FOREVER, help="Stop after so long, however many seeds were run.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes; all cores if left out.")
def main(seed: int | None, runs: int, first: int, minutes: float, workers: int | None) -> None:
    """Production's hosts, directory and clients on a virtual clock, network and disk."""
    console = Console(width=max(Console().width, WIDTH))
    if seed is not None:
        sys.exit(replay(seed, console))
    totals = run_campaign(first, runs, console, workers=workers, minutes=minutes)
    tell(totals, console)
    write(totals, DIRECTORY / f"campaign-{first}-{runs}.json")
    sys.exit(1 if totals.failures else 0)


def replay(seed: int, console: Console) -> int:
    """Replay one seed, write its timeline, and print the part around the first violation."""
    chronicle = Chronicle(verbose=True)
    result = simulate(seed, chronicle)
    events = chronicle.everything()
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    text, picture = DIRECTORY / f"seed-{seed}.txt", DIRECTORY / f"seed-{seed}.html"
    text.write_text("\n".join(map(str, events)) + "\n")
    picture.write_text(picture_of(seed, chronicle.events, chronicle.violations))
    if chronicle.violations:
        accused = next(number for number, event in enumerate(events) if event.what == chronicle.violations[0])
        for event in events[max(0, accused - LINES_SHOWN) : accused + 1]:
            console.print(str(event), highlight=False, markup=False, soft_wrap=True)
    for violation in chronicle.violations:
        console.print(violation, style="red", highlight=False, markup=False, soft_wrap=True)
    outcome = "[red]failed[/]" if chronicle.violations else "[green]all invariants hold[/]"
    console.print(
        f"seed {seed}: {outcome}; {result.virtual_s:.0f} simulated s, {result.purchases} orders, digest "
        f"{result.digest}\n  {text}\n  {picture}",
        highlight=False,
    )
    return 1 if chronicle.violations else 0


if __name__ == "__main__":
    main()
