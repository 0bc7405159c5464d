"""Sends the tasks of an import's plan to a running shop: many to a request, several requests under way, each sent again
when it must be. What was answered is noted in the plan, so an import that is cut off goes on behind it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from ..order_csv.mapping import ColumnMapping
from ..order_csv.plan import Plan, Task
from ..order_csv.tasks import KINDS, body_of
from .bulk import REQUESTS_IN_FLIGHT

TASKS_PER_REQUEST = 100
LINES_PER_REQUEST = 1_500
"""A replica sells while it reads a request: a hundredth of a second of reading is little."""

ROUTES = {"order": "orders", "return": "returns", "credit": "credits"}


Post = Callable[[str, Any], list[dict[str, Any]]]
"""Sends a body to a bulk route and returns its results, however often it has to be sent for them."""
Answered = Future[list[dict[str, Any]]]


def send_plan(plan: Plan, mapping: ColumnMapping, post: Post, *, in_flight: int = REQUESTS_IN_FLIGHT) -> Iterator[int]:
    """Send all that is open; yields how many lines more were answered. Raises whatever `post` does."""
    with ThreadPoolExecutor(in_flight) as pool:
        for kind in KINDS:
            # A return needs its order: one kind ends before the next begins.
            yield from _send_kind(plan, kind, mapping, lambda path, body: pool.submit(post, path, body), in_flight)


def _send_kind(
    plan: Plan, kind: str, mapping: ColumnMapping, begin: Callable[[str, Any], Answered], in_flight: int
) -> Iterator[int]:
    batches = _batches(plan, kind)
    under_way: dict[Answered, Sequence[Task]] = {}
    while True:
        while len(under_way) < in_flight and (tasks := next(batches, None)):
            rows = [body_of(plan, task, mapping.currency) for task in tasks]
            body = {"source": mapping.source, ROUTES[kind]: rows}
            under_way[begin(f"/v1/admin/imports/{ROUTES[kind]}", body)] = tasks
        if not under_way:
            return
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for answered in done:
            tasks = under_way.pop(answered)
            with plan.transaction():
                for task, result in zip(tasks, answered.result(), strict=True):
                    plan.settle(task, result["status"], result["error"] or "")
            yield sum(task.lines for task in tasks)


def _batches(plan: Plan, kind: str) -> Iterator[Sequence[Task]]:
    batch: list[Task] = []
    lines = after = 0
    while page := plan.open_tasks(kind, after=after, limit=TASKS_PER_REQUEST):
        after = page[-1].id
        for task in page:
            if batch and (len(batch) == TASKS_PER_REQUEST or lines + task.lines > LINES_PER_REQUEST):
                yield batch
                batch, lines = [], 0
            batch.append(task)
            lines += task.lines
    if batch:
        yield batch
