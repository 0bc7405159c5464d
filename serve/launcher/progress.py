"""Says what is being done and how long it took: one line per step, with a spinner where there is a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Steps on one console. Plain lines when it is no terminal, so that logs of a service read well."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started_at = time.monotonic()

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Run the block as one step; one that fails, or is told to stop, says so and lets the error through."""
        began = time.monotonic()
        status = self._console.status(f"{doing} ...") if self._console.is_terminal else None
        if status:
            status.start()
        outcome = "[yellow]stopped[/]"
        try:
            yield
            outcome = "[green]done[/]"
        except Exception:
            outcome = "[red]failed[/]"
            raise
        finally:
            if status:
                status.stop()
            self._console.print(f"  {doing:<34} {outcome} {time.monotonic() - began:5.1f} s", highlight=False)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first step could begin."""
        return time.monotonic() - self._started_at
