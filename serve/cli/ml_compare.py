"""`doorbuster ml compare MODEL...`: several models on the same cases, and who beats whom."""

from typing import Any

import click
from rich.table import Table

from .ml_trial import scored_of, show, shown_interval, trial_options


@click.command("compare", context_settings={"max_content_width": 120})
@click.argument("models", nargs=-1, required=True)
@click.option("--against", default="popularity", show_default=True, help="The model that the others are held against.")
@click.option("--measure", default="ndcg", show_default=True, help="hit_rate, recall, precision, mrr, ndcg or map.")
@trial_options
def command(models: tuple[str, ...], against: str, measure: str, source: str, **options: Any) -> None:
    """Measure MODELS (as of `ml evaluate`) on the same cases, each against one of them by the paired difference.

    A model beats another where the whole interval of the difference is above zero.
    """
    from ml.errors import MlError
    from ml.evaluation.compare import compare

    scored = scored_of(tuple(dict.fromkeys((*models, against))), source, options)
    try:
        told = compare(scored, against, measure=measure)
    except MlError as error:
        raise click.ClickException(str(error)) from error
    table = Table("model", f"{told.measure}@{told.k}", f"less {against}", "", "lists/s", box=None)
    for name, verdict in told.verdicts.items():
        speed = f"{scored[name].evaluation.speed.per_second:,.0f}"
        difference = shown_interval(verdict.difference, "+.4f")
        table.add_row(name, shown_interval(verdict.candidate), difference, str(verdict.decision), speed)
    reference = scored[against].evaluation
    speed = f"{reference.speed.per_second:,.0f}"
    table.add_row(against, shown_interval(reference.at(told.measure, told.k)), "", "", speed)
    show(reference, table)
