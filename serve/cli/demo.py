"""Loads the demo catalogue into new data, once."""

import contextlib
import json
from pathlib import Path

from ..demo import rows
from ..launcher.data import DataDirectory
from ..launcher.errors import StartFailed
from ..launcher.progress import Progress
from ..settings import Settings


def load_demo(settings: Settings, data: DataDirectory, progress: Progress) -> None:
    """Bring the demo catalogue into data that was never asked before; a load that was cut short is done again."""
    if data.demo_file.exists():
        return
    if settings.demo_products:
        with progress.step(f"Loading {settings.demo_products} demo products"):
            _load(settings, data.logs)
    # A disk that is full must not end a shop that sells: unsaid, the next start brings in the same rows again.
    with contextlib.suppress(OSError):
        data.demo_file.write_text(json.dumps({"products": settings.demo_products}))


def _load(settings: Settings, logs: Path) -> None:
    from .bulk import BulkError, bring_in

    try:
        results = list(bring_in(rows(settings.demo_products), settings.url, settings.admin_key_file))
    except BulkError as error:
        raise StartFailed(f"the demo catalogue could not be loaded: {error}", logs) from error
    if faults := [result for result in results if result.status == "error"]:
        raise StartFailed(f"the demo catalogue was refused: {faults[0].sku}: {faults[0].error}", logs)
