"""Blocks of items as Ray tasks: neighbourhoods and co-occurrence over all nodes, with what one process would find.

What all blocks need is put into the object store once, and read from there without being copied. A task whose process
or node dies is run again; one that raises isn't: it would raise again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..models.blocks import Block
from .progress import Done

Part = TypeVar("Part")
RETRIES = 3
"""Of one task, when what ran it died."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What one task is given. Ray only counts with it: a task that uses more isn't hindered."""

    cpus: float = 1.0
    memory_bytes: int = 0
    """0: nobody counts."""
    retries: int = RETRIES

    @property
    def options(self) -> dict[str, Any]:
        """As Ray takes them."""
        memory = {"memory": self.memory_bytes} if self.memory_bytes else {}
        return {"num_cpus": self.cpus, "max_retries": self.retries, **memory}


ONE_CPU = Resources()


@dataclass(frozen=True)
class BlocksOnRay:
    """Implements `EachBlock` over the Ray that this process belongs to."""

    resources: Resources = ONE_CPU
    done: Done | None = None

    def __call__(self, work: Callable[[Any, int, int], Part], shared: Any, blocks: Sequence[Block]) -> list[Part]:
        import ray

        kept = ray.put(shared)
        task = ray.remote(_work_on).options(**self.resources.options, name="doorbuster-block")
        asked = [task.remote(work, kept, block.start, block.end) for block in blocks]
        open_ones = list(asked)
        while open_ones:
            _, open_ones = ray.wait(open_ones, num_returns=1)
            if self.done:
                self.done(len(asked) - len(open_ones), len(asked))
        # Copied out of the object store, so that nothing keeps it from being emptied.
        parts: list[Part] = ray.get(asked)
        return parts


def _work_on(work: Callable[[Any, int, int], Any], shared: Any, start: int, end: int) -> Any:
    return work(shared, start, end)
