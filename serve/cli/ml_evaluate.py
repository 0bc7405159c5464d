"""`doorbuster ml evaluate MODEL`: a model's figures on the last stretch of time, and its card."""

from pathlib import Path
from typing import Any

import click

from .ml_trial import scored_of, show, shown_evaluation, trial_options


@click.command("evaluate", context_settings={"max_content_width": 120})
@click.argument("model")
@trial_options
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="Where the card goes: HTML, PNG, JSON."
)
def command(model: str, source: str, output: Path | None, **options: Any) -> None:
    """Measure MODEL on the last stretch of time: a name, NAME?parameter=value&..., package.module:Class, or a directory
    with what was trained. Popularity stands beside it.

    It learns from everything before the window only; a trained one that has seen the window is refused.
    """
    scored = scored_of((model,), source, options)[model]
    show(scored.evaluation, shown_evaluation(scored.evaluation))
    if output is not None:
        from ml.evaluation.card import write_card

        click.echo(write_card(scored.evaluation, output))
