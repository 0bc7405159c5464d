"""What training tells about whatever takes longer than a second: one line per step."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

Done = Callable[[int, int], None]
"""Told how many parts of how many are done."""


class Told(Protocol):
    """Where training tells of its steps."""

    def __call__(self, step: str) -> AbstractContextManager[Done]: ...


@contextmanager
def untold(step: str) -> Iterator[Done]:
    """Implements `Told`: nobody listens."""
    yield lambda _done, _of: None


class OnConsole:
    """Implements `Told` on a terminal: a moving line while a step runs, and a line that stays when it is through."""

    def __init__(self, console: "Console") -> None:
        self._console = console

    @contextmanager
    def __call__(self, step: str) -> Iterator[Done]:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(finished_text="[green]✓"), TextColumn("{task.description}"), TimeElapsedColumn())
        parts = (BarColumn(bar_width=24), TaskProgressColumn())
        with Progress(*columns[:2], *parts, columns[2], console=self._console) as lines:
            line = lines.add_task(step, total=None)
            yield lambda done, of: lines.update(line, completed=done, total=of)
            finished = lines.tasks[0].total or 1
            lines.update(line, completed=finished, total=finished)
