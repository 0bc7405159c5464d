"""What `doorbuster ml train` and `retrain` have in common: options, the Ray they run on, and progress."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from ..settings import Settings

if TYPE_CHECKING:
    from ml.training.job import Around, Plan

Command = Callable[..., Any]
TASKS = ("next-item", "basket")
DAY_MS = 86_400_000


def training_options(command: Command) -> Command:
    """Add what says how is measured, and on what it runs."""
    for option in (
        click.option("--here", is_flag=True, help="In this process, without Ray."),
        click.option(
            "--cluster", is_flag=True, help="On the Ray of the running shop or cluster of the data directory."
        ),
        click.option("--cpus", type=click.IntRange(1), help="Of the Ray that is started here; default: the machine's."),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
        click.option("--days", type=click.FloatRange(0), default=0, help="Length of the window; 0: the last tenth."),
        click.option("--task", type=click.Choice(TASKS), help="What is predicted; by default what the data are of."),
    ):
        command = option(command)
    return command


def plan_of(model: str, refit: bool, options: Mapping[str, Any]) -> "Plan":
    """The plan that a model's name and the options describe. Raises ParameterRefused."""
    from ml.evaluation.split import Task
    from ml.evaluation.trial import named
    from ml.training.fitting import Recipe
    from ml.training.job import Plan

    return Plan(
        Recipe(*named(model)),
        task=Task(options["task"]) if options["task"] else None,
        window_ms=round(options["days"] * DAY_MS) or None,
        seed=options["seed"],
        refit=refit,
    )


def around_of(at: datetime, options: Mapping[str, Any]) -> "Around":
    """With lines of progress on the terminal."""
    from ml.training.fitting import FitOnRay, fit_here
    from ml.training.job import Around
    from ml.training.progress import OnConsole

    return Around(at, fit_here if options["here"] else FitOnRay(), OnConsole(Console(stderr=True)))


@contextmanager
def training_ray(settings: Settings, options: Mapping[str, Any], *, needed: bool = False) -> Iterator[None]:
    """The Ray that the options want: none, the shop's or cluster's, or one of our own while the block runs."""
    if options["cluster"]:
        from ..launcher.data import DataDirectory
        from ..launcher.errors import LaunchError
        from ..launcher.joining import address_of, joined

        data = DataDirectory(settings.data)
        try:
            with joined(address_of(data), data.ray_token):
                yield
        except LaunchError as error:
            raise click.ClickException(str(error)) from error
    elif options["here"] and not needed:
        yield
    else:
        from ml.training.local_ray import some_ray

        with some_ray(options["cpus"]):
            yield
