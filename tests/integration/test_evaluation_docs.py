"""docs/recommendations.md: the examples of evaluation and of the lake run as they are written."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ml.lake.reading import connect
from tests.unit.ml.sources.small_lake import SmallLake

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "recommendations.md").read_text()


def test_the_evaluation_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"```python\n(from pathlib.*?)```", DOCS, re.DOTALL)
    subprocess.run([sys.executable, ROOT / "examples" / "visits.py", "visits.csv"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(program, found)
    assert found["verdict"].measure == "mrr"
    assert (tmp_path / "card" / "card.html").stat().st_size > 100_000


def test_the_question_of_the_docs_finds_what_was_clicked(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    lake.showed(1, "l-1", visitor="browser-1", version="3")
    lake.showed(1, "l-1", "shadow", visitor="browser-1", version="4")
    for minute in (2, 3):
        lake.did(minute, "click", "RADIO", visitor="browser-1", list_id="l-1")
    lake.did(4, "view", "RADIO", visitor="browser-1", list_id="l-1")
    lake.did(4, "click", "RADIO", visitor="browser-1", list_id="made-up")
    lake.write()
    lake.close()
    (question,) = re.findall(r"```sql\n(SELECT version.*?)```", DOCS, re.DOTALL)
    with connect(tmp_path) as connection:
        assert connection.execute(question).fetchall() == [("3", 1)]
