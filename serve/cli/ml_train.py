"""`doorbuster ml train`: from interactions to a trained model in a directory of its own."""

import time
from pathlib import Path
from typing import Any

import click

from .ml_registry import now, settings_for, told
from .ml_training import training_options, training_ray
from .options import config_option


@click.command("train", context_settings={"max_content_width": 120})
@click.argument("model")
@click.option(
    "--source", help="lake:DIR?days=90, sessions:FILE, orders:FILE, columns:FILE?item=...; default: the lake."
)
@click.option("--tune", type=click.IntRange(0, 10_000), default=0, help="Search the other parameters: so many trials.")
@click.option("--minutes", type=click.FloatRange(0), default=0, help="Bound of the search; 0: none.")
@click.option("--out", type=click.Path(path_type=Path), help="Directory to make; default: in the data directory.")
@click.option("--refit/--no-refit", default=True, help="Learn from the window, too, once measured.", show_default=True)
@training_options
@click.option("--data", metavar="DIR", help="Data directory of the shop.")
@config_option
def command(
    model: str,
    source: str | None,
    tune: int,
    minutes: float,
    out: Path | None,
    data: str | None,
    config: Path | None,
    refit: bool,
    **options: Any,
) -> None:
    """Train MODEL by Ray tasks, and measure it on the last stretch of time: a name such as session-knn,
    NAME?parameter=value&..., or package.module:Class.

    Killed in the middle, nothing is there that could be taken for a model; the same command again begins anew, but goes
    on with a search. Next: doorbuster ml register DIR.
    """
    settings = settings_for(data, None, config)
    with told():
        from ml.training.job import train
        from ml.training.search import Search, search

        from .ml_training import around_of, plan_of

        at = now()
        plan = plan_of(model, refit, options)
        place = out or settings.models / "trained" / f"{plan.recipe.model.replace(':', '-')}-{at:%Y%m%dT%H%M%S}"
        with training_ray(settings, options, needed=bool(tune)):
            around = around_of(at, options)
            with around.told("Reading the interactions"):
                from ml.sources.open import open_source

                interactions = open_source(source or f"lake:{settings.lake}", now=time.time_ns() // 1_000_000)
            if tune:
                wanted = Search(trials=tune, minutes=minutes)
                plan, best = search(plan, interactions, settings.models / "searches", wanted, around)
                click.echo(f"Best of {best.trials} trials: {dict(best.recipe.parameters)}")
            trained = train(plan, interactions, place, around)
        figure = trained.evaluation.at("ndcg", trained.evaluation.longest)
        click.echo(
            f"{trained.directory}: ndcg@{trained.evaluation.longest} {figure.value:.4f} ({figure.low:.4f} to "
            f"{figure.high:.4f}). Next: doorbuster ml register {trained.directory}"
        )
