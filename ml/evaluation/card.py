"""A model card (Mitchell et al., Model Cards for Model Reporting, 2019): one HTML page that needs nothing else, its
charts as PNG files, and the evaluation as JSON."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .charts import charts_of
from .figures import Evaluation, write_json
from .measures import TITLES

if TYPE_CHECKING:
    from jinja2 import Template

CARD, EVALUATION = "card.html", "evaluation.json"
TEMPLATE = Path(__file__).with_name("card_template.html")
CAPTIONS: Mapping[str, str] = {
    "measures": "Measures by length of the list, with intervals. Each has a scale of its own.",
    "above-baseline": "How far above popularity, case by case. Green: the whole interval is above zero.",
    "segments": "By segment. The dashed line is all cases together.",
    "spread": "How much of the catalogue is ever recommended, and how much of it all goes to a few items.",
}
"""Of the charts, by name."""


def write_card(told: Evaluation, directory: Path, limits: Sequence[str] = ()) -> Path:
    """Write `card.html`, `evaluation.json` and the charts into the directory; the page's path. `limits`: what else
    whoever deploys the model should know, in sentences."""
    directory.mkdir(parents=True, exist_ok=True)
    charts = charts_of(told)
    for name, picture in charts.items():
        (directory / f"{name}.png").write_bytes(picture)
    write_json(told, directory / EVALUATION)
    page = directory / CARD
    page.write_text(_page(told, charts, [*known_limits(told), *limits]), encoding="utf-8")
    return page


def known_limits(told: Evaluation) -> list[str]:
    """What the figures themselves say against relying on them."""
    found = [
        "Measured on what people did while something else recommended to them: items that nobody was shown could "
        "not be chosen. Only an experiment in the shop tells what the model would sell."
    ]
    worse = [TITLES[name] for name, each in told.above_baseline.items() if each[-1].low <= 0]
    if worse:
        found.append(f"Not shown to be above popularity at k = {told.longest}: {', '.join(worse)}.")
    if told.groups < 1_000:
        found.append(f"Few witnesses: {told.groups:,} sessions or customers. Intervals of so few are rough.")
    if told.data.straddling:
        found.append(
            f"{told.data.straddling:,} sessions that were under way when the window began are in neither part of it."
        )
    if "unseen items" in told.segments:
        share = told.segments["unseen items"].cases / told.cases
        found.append(f"In {share:.1%} of the cases an item was right that nobody had touched before the window.")
    if told.coverage[-1] < 0.05:
        found.append(f"{1 - told.coverage[-1]:.1%} of the catalogue is never recommended.")
    return found


def _page(told: Evaluation, charts: Mapping[str, bytes], limits: Sequence[str]) -> str:
    pictures = [(name, CAPTIONS[name], b64encode(picture).decode()) for name, picture in charts.items()]
    named = [(title, name) for name, title in TITLES.items() if name in told.measures]
    return _template().render(told=told, pictures=pictures, named=named, limits=limits)


def _template() -> "Template":
    from jinja2 import Environment

    # Names of models and data come from whoever trains: nothing of them is markup.
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
