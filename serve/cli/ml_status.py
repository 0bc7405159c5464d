"""`doorbuster ml status`: what is released, what the running shop really serves, and how each variant does."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import httpx
from rich.console import Console
from rich.table import Table

from ..settings import Settings
from .ml_deploy import described
from .ml_online import ONLINE, show_online
from .ml_registry import opened_registry, registry_options, settings_for

if TYPE_CHECKING:
    from ml.registry.overview import Overview

SERVING = "/v1/admin/recommendations/serving"
TIMEOUT_S = 5.0
CHANGES_SHOWN = 8
MEASURES_SHOWN = 4
WHY_NOT = {
    "champion": " (set aside: it ended its process again and again; deploy another, or roll back)",
    "challenger": " (asked no more: it failed)",
}
PREFERRED = ("ndcg_at_20", "ndcg_at_10", "recall_at_20", "mrr_at_20", "hit_rate_at_20")
"""Measures that are shown first, where a model has them."""


@click.command("status", context_settings={"max_content_width": 120})
@click.option("--url", help="Address of the shop; by default the one of the settings.")
@click.option("--key-file", type=click.Path(path_type=Path), help="File of the admin key.")
@registry_options
def command(
    url: str | None,
    key_file: Path | None,
    market: str,
    registry: str | None,
    data: str | None,
    config: Path | None,
) -> None:
    """Show the released versions with their measures, the last changes, and what the shop serves, if it runs.

    Measures without a word before them are offline: on a window of time that the model had not seen. `online` ones are
    of shoppers, with the probability that a difference as large would be chance.
    """
    settings = settings_for(data, registry, config)
    with opened_registry(settings) as opened:
        from ml.registry.overview import overview_of

        overview = overview_of(opened, market)
    console = Console(soft_wrap=True)
    console.print(described(overview.released), highlight=False)
    _show_versions(console, overview)
    _show_changes(console, overview)
    show_shop(console, _asked(settings, url, key_file, SERVING), market)
    online = _asked(settings, url, key_file, ONLINE)
    if not isinstance(online, str):
        show_online(console, online, market)


def _show_versions(console: Console, overview: "Overview") -> None:
    known = {name for row in overview.rows for name in row.measures if "_at_" in name and "/" not in name}
    measures = [*(name for name in PREFERRED if name in known), *sorted(known.difference(PREFERRED))][:MEASURES_SHOWN]
    table = Table(box=None)
    for heading in ("version", "as", "model", "trained", "data"):
        table.add_column(heading, justify="right" if heading == "version" else "left")
    for measure in measures:
        table.add_column(measure.replace("_at_", "@"), justify="right")
    for row in overview.rows:
        figures = (f"{row.measures[name]:.4f}" if name in row.measures else "-" for name in measures)
        table.add_row(str(row.number), row.role, row.model, row.trained_at[:16], row.window, *figures)
    console.print(table if overview.rows else "Nothing is registered yet: doorbuster ml register DIR.", highlight=False)


def _show_changes(console: Console, overview: "Overview") -> None:
    if not overview.changes:
        return
    table = Table("release", "at", "by", "what", "why", box=None)
    for change in overview.changes[-CHANGES_SHOWN:]:
        versions = " / ".join(str(version) for version in (change.champion, change.challenger) if version)
        what = f"{change.what} {versions}" + (f" {change.mode} {change.share:.4g}" if change.share else "")
        what += f" (as release {change.restores})" if change.restores else ""
        table.add_row(str(change.number), change.at[:16], change.by, what, change.why)
    console.print(table, highlight=False)


def _asked(settings: Settings, url: str | None, key_file: Path | None, path: str) -> Any:
    """What the shop says of its models, or a sentence why it says nothing: a registry is of use without one, too."""
    try:
        key = (key_file or settings.admin_key_file).read_text().strip()
        with httpx.Client(base_url=url or settings.url, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.get(path, headers={"Authorization": f"Bearer {key}"})
    except OSError as error:
        return f"The shop isn't asked: its admin key can't be read ({error.strerror})."
    except httpx.HTTPError:
        return f"No shop answers at {url or settings.url}."
    if not answer.is_success:
        return f"The shop at {url or settings.url} says nothing of its models ({answer.status_code})."
    return answer.json()


def show_shop(console: Console, told: Any, market: str) -> None:
    """What the running shop says that it serves, or why it says nothing."""
    if isinstance(told, str):
        console.print(told, highlight=False)
        return
    table = Table("the shop", "as", "serves", "model", "since", "answers", "fallbacks", box=None)
    for each in told["variants"]:
        if each["market"] == market:
            table.add_row(
                each["market"] or "default",
                each["variant"] + (WHY_NOT[each["variant"]] if each["quarantined"] else ""),
                str(each["version"] or "-"),
                each["model"] or "-",
                (each["since"] or "-")[:16],
                f"{each['answers']:,}",
                f"{each['fallbacks']:,}",
            )
    console.print(table, highlight=False)
