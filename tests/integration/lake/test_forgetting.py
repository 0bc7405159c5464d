"""Visitors who want to be forgotten are in no file of the lake any more; what they do afterwards is."""

import asyncio
import re
from pathlib import Path

import pytest

from engine.impressions import Impression, RecordImpressions
from engine.kernel import EffectAnswered, Send
from engine.visitor import Action, Behaved, ForgetVisitor, JoinAccount, RecordBehaviour, anonymous_key
from engine.visitor import effects as effects_of
from ml.lake.forgetting import Forgetting
from ml.lake.reading import instant_of

from .shop import Shop, asked, fill, run, writer

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[3] / "docs" / "behaviour.md"
ADA, BROWSER = "acc_ada", anonymous_key("browser-1")


def visit(shop: Shop, key: str, *names: str) -> None:
    shop.send("visitor", key, RecordBehaviour(tuple(Behaved(name, Action.VIEW, shop.now, "RADIO") for name in names)))


def settle(shop: Shop, key: str) -> None:
    for effect in effects_of(shop.state("visitor", key)):
        assert isinstance(effect, Send)
        reply = shop.send("visitor", effect.key, effect.command)
        shop.send("visitor", key, EffectAnswered(effect.id, reply))


def show(shop: Shop, list_id: str, visitor: str) -> None:
    shown = Impression(list_id, shop.now, "champion", "item-knn", "3", "home", visitor, ("RADIO",), 1.0)
    shop.send("impressions", "ledger_0", RecordImpressions(list_id, (shown,)))


def shown(lake: Path) -> list[str]:
    return [name for (name,) in asked(lake, "SELECT list_id FROM impressions ORDER BY 1")]


def remembered(lake: Path) -> list[str]:
    return [name for (name,) in asked(lake, "SELECT event_id FROM behaviour WHERE event_id <> '' ORDER BY 1")]


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    visit(shop, BROWSER, "b-1", "b-2")
    shop.send("visitor", BROWSER, JoinAccount(ADA))
    settle(shop, BROWSER)
    visit(shop, ADA, "a-1")
    visit(shop, anonymous_key("browser-2"), "c-1")
    return shop


async def told(shop: Shop, lake: Path, *, keep_house: bool = True) -> None:
    """Have the lake read what is new, and tidied up."""
    await shop.commit()
    shop.now += 3_600_000
    writing = writer(shop, lake)
    await writing.open()
    await fill(shop, writing)
    await writing.flush()
    if keep_house:
        writing.housekeeping.forget()
    await writing.close()


def test_who_was_forgotten_is_in_no_file_and_others_are(shop: Shop, tmp_path: Path) -> None:
    run(told(shop, tmp_path))
    assert remembered(tmp_path) == ["a-1", "b-1", "b-2", "c-1"]
    shop.send("visitor", ADA, ForgetVisitor())
    settle(shop, ADA)
    visit(shop, ADA, "a-2")
    run(told(shop, tmp_path))
    assert remembered(tmp_path) == ["a-2", "c-1"]
    assert asked(tmp_path, "SELECT count(*) FROM behaviour WHERE action IN ('forget', 'login')") == [(0,)]


def test_what_they_were_shown_goes_with_it_and_what_they_are_shown_later_stays(shop: Shop, tmp_path: Path) -> None:
    for list_id, visitor in (("l-1", ADA), ("l-2", "browser-1"), ("l-3", "browser-2"), ("l-4", "")):
        show(shop, list_id, visitor)
    run(told(shop, tmp_path))
    assert shown(tmp_path) == ["l-1", "l-2", "l-3", "l-4"]
    shop.send("visitor", ADA, ForgetVisitor())
    settle(shop, ADA)
    shop.now += 1
    show(shop, "l-5", ADA)
    run(told(shop, tmp_path))
    assert shown(tmp_path) == ["l-3", "l-4", "l-5"], "with the device that became the customer's"


async def told_twice(shop: Shop, lake: Path) -> None:
    """As `told`; then something comes that was on its way."""
    writing = writer(shop, lake)
    await writing.open()
    seen_at = shop.now
    shop.now += 60_000
    shop.send("visitor", ADA, ForgetVisitor())
    await shop.commit()
    await fill(shop, writing)
    await writing.flush()
    shop.now += 3_600_000
    writing.housekeeping.forget()
    late = Impression("l-late", seen_at, "champion", "item-knn", "3", "home", ADA, ("RADIO",), 1.0)
    shop.send("impressions", "ledger_0", RecordImpressions("late", (late,)))
    await shop.commit()
    await fill(shop, writing)
    await writing.flush()
    assert shown(lake) == ["l-late"]
    shop.now += 3_600_000
    writing.housekeeping.forget()
    await writing.close()


def test_what_was_on_its_way_when_they_were_forgotten_goes_the_next_time(shop: Shop, tmp_path: Path) -> None:
    run(told_twice(shop, tmp_path))
    assert shown(tmp_path) == []


def test_a_forgetting_that_is_cut_short_is_done_the_next_time(shop: Shop, tmp_path: Path) -> None:
    run(told(shop, tmp_path))
    shop.send("visitor", ADA, ForgetVisitor())
    run(told(shop, tmp_path, keep_house=False))
    files = instant_of(tmp_path).files["behaviour"]
    first = next(Forgetting(tmp_path).once(files))
    assert first[0] == files[0], "the file that says so is the last"
    run(told(shop, tmp_path))
    assert remembered(tmp_path) == ["b-1", "b-2", "c-1"]


def test_the_question_of_the_docs_finds_whose_a_browsers_events_are(shop: Shop, tmp_path: Path) -> None:
    run(told(shop, tmp_path))
    (question,) = re.findall(r"```sql\n(.*?)```", DOCS.read_text(), re.DOTALL)
    found = asked(tmp_path, f"SELECT event_id, who FROM ({question}) ORDER BY 1")
    assert found == [("a-1", ADA), ("b-1", ADA), ("b-2", ADA), ("c-1", "")]


def test_files_are_looked_at_once(shop: Shop, tmp_path: Path) -> None:
    asyncio.run(told(shop, tmp_path))
    files = instant_of(tmp_path).files["behaviour"]
    forgetting = Forgetting(tmp_path)
    assert list(forgetting.once(files)) == []
    (tmp_path / files[0].path).unlink()
    assert list(forgetting.once(files)) == []
