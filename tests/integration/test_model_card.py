"""A card is one page that says it all, and nothing in it is taken for markup."""

from pathlib import Path

import msgspec
import pytest

from ml.evaluation.card import known_limits, write_card
from ml.evaluation.evaluate import evaluate, question_of
from ml.evaluation.figures import Evaluation
from ml.evaluation.split import Task, Window, split
from tests.unit.ml.evaluation.little_shop import CLOCK, LAMP, Told, day, little_shop

pytestmark = pytest.mark.integration


def figures() -> Evaluation:
    parted = split(little_shop(), Task.NEXT_ITEM, Window(day(7), day(10)))
    return evaluate(Told(CLOCK, LAMP), question_of(parted, ks=(1, 2), resamples=20)).evaluation


def test_a_card_is_one_page_with_its_charts_inside_and_beside(tmp_path: Path) -> None:
    told = msgspec.structs.replace(figures(), model="<script>alert(1)</script>")
    page = write_card(told, tmp_path / "card", ["It knows no winter."]).read_text()
    assert "<script" not in page
    assert page.count("data:image/png;base64,") == 4
    for said in (told.data.fingerprint, told.data.learned_to, "It knows no winter.", "NDCG", "of 1\nsessions"):
        assert said in page
    pictures = {path.name for path in (tmp_path / "card").glob("*.png")}
    assert pictures == {"measures.png", "above-baseline.png", "segments.png", "spread.png"}
    assert msgspec.json.decode((tmp_path / "card" / "evaluation.json").read_bytes(), type=Evaluation).cases == 3


def test_limits_are_told_where_figures_show_them() -> None:
    said = " ".join(known_limits(figures()))
    assert "Few witnesses: 1 " in said
    assert "1 sessions that were under way" in said
    assert "Not shown to be above popularity" in said
