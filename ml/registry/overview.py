"""What a market's registry says for people: the released versions with their measures, and the last changes."""

from collections.abc import Mapping
from typing import NamedTuple

from .opening import Registry, in_our_words
from .recording import DATA_TAG, shown_window
from .release import CHALLENGER, CHAMPION, DEFAULT_MARKET, MODEL_TAG, Document, registered_name
from .releases import Change, Releases

REGISTERED_SHOWN = 5


class Row(NamedTuple):
    """One version."""

    number: int
    role: str
    """champion, challenger, or nothing."""
    model: str
    trained_at: str
    window: str
    """From when to when its data is."""
    measures: Mapping[str, float]


class Overview(NamedTuple):
    """A market at a glance."""

    released: Document
    rows: list[Row]
    """What is released first, then the newest that aren't."""
    changes: list[Change]


def overview_of(registry: Registry, market: str = DEFAULT_MARKET) -> Overview:
    """Raises RegistryRefused, RegistryUnreachable."""
    releases = Releases(registry, market)
    released = releases.now()
    named = ((released.champion, CHAMPION), (released.challenger, CHALLENGER))
    roles = {number: role for number, role in named if number is not None}
    name = registered_name(market)
    rows = []
    with in_our_words(registry.url):
        newest = registry.client.search_model_versions(
            f"name = '{name}'", max_results=REGISTERED_SHOWN, order_by=["version_number DESC"]
        )
        numbers = [*roles, *(number for each in newest if (number := int(each.version)) not in roles)]
        for number in numbers:
            version = registry.client.get_model_version(name, str(number))
            rows.append(_row(registry, number, roles.get(number, ""), version.tags.get(MODEL_TAG, "?"), version.run_id))
    return Overview(released, rows, releases.history())


def _row(registry: Registry, number: int, role: str, model: str, run: str | None) -> Row:
    if not run:
        return Row(number, role, model, "", "", {})
    data = registry.client.get_run(run).data
    window = shown_window({end: data.tags.get(f"{DATA_TAG}{end}", "") for end in ("from", "to")})
    return Row(number, role, model, data.tags.get("doorbuster.trained_at", ""), window, data.metrics)
