"""docs/lake.md: its example runs as it is written, and every table is described."""

import re
from pathlib import Path
from typing import Any

import pytest

from ml.lake.tables import TABLES

from .shop import Shop, filled, run

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[3] / "docs" / "lake.md"


def test_the_example_answers_what_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    shop.open()
    shop.trade(15)
    run(filled(shop, tmp_path / "var" / "lake"))
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(program, found)
    assert sum(units for _, units, _ in found["best"]) == shop.ledger()["units"]
    assert sum(net for _, net in found["by_day"]) == shop.ledger()["total"]
    assert sum(net for _, _, net in found["best"]) * 100 == pytest.approx(shop.ledger()["total"])


def test_every_table_is_described() -> None:
    described = re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.MULTILINE)
    assert described == list(TABLES)
