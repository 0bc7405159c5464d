"""The state diagrams of docs/orders.md, drawn from the table that decisions obey."""

import re
from collections.abc import Iterable

from .transitions import MACHINES, Transition

_BLOCK = re.compile(r"(<!-- states: (?P<name>[a-z]+) -->\n).*?(<!-- /states -->)", re.DOTALL)


def diagram_of(table: Iterable[Transition]) -> str:
    """The table as a mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    for step in table:
        before = "[*]" if step.before is None else _name(step.before)
        lines.append(f"    {before} --> {_name(step.after)}: {step.happens}")
    states = {state for step in table for state in (step.before, step.after) if state is not None}
    begun = {step.before for step in table}
    lines += [f"    {_name(state)} --> [*]" for state in sorted(states) if state not in begun]
    lines += [f"    {_name(state)}: {state}" for state in sorted(states) if "-" in state]
    return "\n".join(lines)


def with_diagrams(page: str) -> str:
    """The page with the diagram of each machine between its marks, whatever was there before."""

    def drawn(block: re.Match[str]) -> str:
        return f"{block[1]}```mermaid\n{diagram_of(MACHINES[block['name']])}\n```\n{block[3]}"

    return _BLOCK.sub(drawn, page)


def _name(state: str) -> str:
    return str(state).replace("-", "_")
