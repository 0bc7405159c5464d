"""What `doorbuster ml evaluate` and `compare` have in common: options of a trial, progress, tables of figures."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

if TYPE_CHECKING:
    from ml.evaluation.bootstrap import Interval
    from ml.evaluation.evaluate import Scored
    from ml.evaluation.figures import Evaluation

Command = Callable[..., Any]
TASKS = ("next-item", "basket")
WIDE = 120
"""Characters of a table with intervals."""


def trial_options(command: Command) -> Command:
    """Add what says what is to be predicted of which data."""
    for option in (
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is drawn."),
        click.option("--resamples", type=click.IntRange(20, 100_000), default=1_000, show_default=True),
        click.option("--groups", type=click.IntRange(0), default=0, help="Sessions or customers drawn; 0: all."),
        click.option("--k", "ks", type=click.IntRange(1, 1_000), multiple=True, default=(5, 10, 20), show_default=True),
        click.option("--only-new", is_flag=True, help="Of a basket, what the customer never bought before."),
        click.option("--days", type=click.FloatRange(0), default=0, help="Length of the window; 0: the last tenth."),
        click.option("--task", type=click.Choice(TASKS), default="next-item", show_default=True),
        click.option(
            "--cases",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="A published test set, lines of items<TAB>next item: then all of the source is learned from.",
        ),
        click.option("--source", required=True, help="lake:DIR, sessions:FILE, orders:FILE, columns:FILE?item=..."),
    ):
        command = option(command)
    return command


def scored_of(names: tuple[str, ...], source: str, options: Mapping[str, Any]) -> "Mapping[str, Scored]":
    """Open the source and try the models, telling how far it is."""
    from ml.errors import MlError
    from ml.evaluation.split import Task
    from ml.evaluation.trial import Trial, tried
    from ml.sources.open import open_source

    trial = Trial(**{**options, "task": Task(options["task"]), "ks": tuple(sorted(set(options["ks"])))})
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("reading", total=None)
        try:
            data = open_source(source, now=time.time_ns() // 1_000_000)
            return tried(names, data, trial, lambda what, done, of: progress.update(
                bar, description=what, completed=done, total=of or None))  # fmt: skip
        except MlError as error:
            raise click.ClickException(str(error)) from error


def shown_evaluation(told: "Evaluation") -> Table:
    """A model's figures beside popularity's."""
    from ml.evaluation.measures import TITLES

    table = Table("measure", "k", told.model, "popularity", "difference", box=None)
    for name, each in told.measures.items():
        for place, (k, one) in enumerate(zip(told.ks, each, strict=True)):
            above = told.above_baseline.get(name)
            difference = shown_interval(above[place], "+.4f") if above else ""
            table.add_row(
                TITLES[name], str(k), shown_interval(one), f"{told.baseline[name][place].value:.4f}", difference
            )
    for place, k in enumerate(told.ks):
        table.add_row("Coverage", str(k), f"{told.coverage[place]:.4f}", f"{told.baseline_coverage[place]:.4f}", "")
    return table


def show(told: "Evaluation", table: Table) -> None:
    """A table of figures, after what they are figures of. As wide as it needs: it may go to a file."""
    data = told.data
    console = Console(soft_wrap=True)
    console.width = max(console.width, WIDE)
    console.print(
        f"{told.task}: {told.cases:,} cases of {told.groups:,} sessions or customers, {data.asked_from} to "
        f"{data.asked_to}, among {data.items:,} items;\nlearned from {data.interactions:,} interactions, "
        f"{data.learned_from} to {data.learned_to}. Intervals: {told.confidence:.0%}, "
        f"{told.resamples:,} resamples, seed {told.seed}.\n",
        highlight=False,
    )
    console.print(table, highlight=False)


def shown_interval(one: "Interval", form: str = ".4f") -> str:
    return f"{one.value:{form}}  ({one.low:{form}} to {one.high:{form}})"
