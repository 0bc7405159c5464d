"""Spares every process of Serve a library that it imports and never needs: pandas, by which alone Serve would know
how to answer with a table. A third of a second and 70 MB, in each of six processes and more.

Nobody else's import of it is touched: reports, models and training have it when they ask.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType

SPARED = "pandas"
ONLY_FROM = "ray.serve._private.utils"
"""The module that goes on without it where it isn't installed."""
OF_IMPORTING = ("importlib", __name__)


class SpareServe:
    """Finds no module at all; of the one import it says that there is nothing to be found."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == SPARED and _asking() == ONLY_FROM:
            raise ModuleNotFoundError(f"{ONLY_FROM} does without {SPARED}", name=SPARED)
        return None


def spare_serve() -> None:
    """From now on, in this process. To be called before anything of Serve is imported; again is no harm."""
    if not any(isinstance(finder, SpareServe) for finder in sys.meta_path):
        sys.meta_path.insert(0, SpareServe())


def _asking() -> str:
    """The name of the module whose import this is."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith(OF_IMPORTING):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "")) if frame is not None else ""
