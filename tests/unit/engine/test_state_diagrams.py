"""The diagrams in docs/orders.md are drawn from the code; `make diagrams` draws them anew."""

from pathlib import Path

from engine.order.aftersale.diagram import diagram_of, with_diagrams
from engine.order.aftersale.transitions import MACHINES

PAGE = Path(__file__).parents[3] / "docs" / "orders.md"


def test_the_diagrams_are_those_of_the_code() -> None:
    page = PAGE.read_text()
    assert with_diagrams(page) == page, "make diagrams"
    for name in MACHINES:
        assert f"<!-- states: {name} -->" in page


def test_a_diagram_has_every_step_and_marks_the_ends() -> None:
    drawn = diagram_of(MACHINES["refund"])
    assert "[*] --> asked: asked of the provider" in drawn
    assert "done --> [*]" in drawn
    assert diagram_of(MACHINES["order"]).count(" --> ") > len(MACHINES["order"])


def test_no_step_is_drawn_twice() -> None:
    for table in MACHINES.values():
        steps = [(step.before, step.after) for step in table]
        assert len(steps) == len(set(steps))
