"""`doorbuster ml retrain`: one round of retraining now, with the gate that the schedule has."""

import time
from pathlib import Path
from typing import Any

import click

from .ml_registry import now, registry_options, settings_for, told
from .ml_training import training_options, training_ray


@click.command("retrain", context_settings={"max_content_width": 120})
@click.argument("model", default="")
@click.option("--source", help="By default the shop's lake, its last `retrain_days` days.")
@click.option("--margin", type=click.FloatRange(0), default=0, help="By how much more NDCG@20 it must be better.")
@training_options
@registry_options
def command(
    model: str,
    source: str | None,
    margin: float,
    market: str,
    registry: str | None,
    data: str | None,
    config: Path | None,
    **options: Any,
) -> None:
    """Train a candidate on what is known by now, and make it the champion if it beats the present one: MODEL (as of `ml
    train`), or the champion's own recipe on newer data.

    Both answer the same cases of the last window; the candidate is released only if the whole 95 % interval of the
    difference is above the margin. Whatever is decided is a run of the registry, with its figures.
    """
    settings = settings_for(data, registry, config)
    with told():
        from ml.sources.open import open_source
        from ml.training.gate import Bar
        from ml.training.schedule import FIRST, Place, Round, retrain

        from .ml_training import around_of, plan_of

        plan = plan_of(model or FIRST.model, True, options)
        wanted = Round(plan, own_recipe=bool(model), bar=Bar(margin=margin))
        with training_ray(settings, options):
            around = around_of(now(), options)
            with around.told("Reading the interactions"):
                text = source or f"lake:{settings.lake}?days={settings.retrain_days}"
                interactions = open_source(text, now=time.time_ns() // 1_000_000)
            outcome = retrain(wanted, interactions, Place(settings.registry, settings.models, market), around)
        released = f"version {outcome.version} is released" if outcome.version else "nothing is released"
        click.echo(f"{outcome.judged.why}: {released} (run {outcome.run}).")
