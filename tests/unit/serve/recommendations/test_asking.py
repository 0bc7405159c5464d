"""How models are asked: together, in time, by a sticky draw; and what becomes of those that fail."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from serve.recommendations.asking import FAILURES_TO_QUARANTINE, Asking
from serve.recommendations.gathering import GIVEN_UP_AFTER_S, Found, Gatherer
from serve.recommendations.port import (
    Answered,
    Mode,
    ModelBroken,
    ModelMissing,
    ModelSlow,
    Query,
    Standing,
    Suggestion,
    Variant,
)
from serve.recommendations.variants import CHAMPION, Drawn, draw
from tests.patience import SkippingLoop

from .models import PairModels, challenger

PATIENT_S = 3.0
"""A deadline that a busy machine keeps, too; the loop skips what nobody has to wait for."""
CLOCK = Query(3, session=("RETRO-CLOCK",))


def run(work: Coroutine[Any, Any, None]) -> None:
    loop = SkippingLoop()
    try:
        loop.run_without_waiting(work)
    finally:
        loop.close()


class Calls:
    """Answers when it is told to; each query gets its own SKU back."""

    def __init__(self) -> None:
        self.made: list[tuple[Sequence[Query], asyncio.Future[Answered]]] = []

    def __call__(self, queries: Sequence[Query]) -> "asyncio.Future[Answered]":
        self.made.append((queries, asyncio.get_running_loop().create_future()))
        return self.made[-1][1]

    def answer(self, number: int = -1) -> None:
        queries, call = self.made[number]
        call.set_result(Answered("echo", "1", tuple((Suggestion(query.sku),) for query in queries)))


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


def test_what_comes_while_a_call_is_under_way_goes_together_with_the_next() -> None:
    async def test() -> None:
        calls = Calls()
        gatherer = Gatherer(calls, deadline_s=60)
        first = asyncio.ensure_future(gatherer.recommend(Query(1, sku="FIRST")))
        await until(lambda: len(calls.made) == 1)
        others = [asyncio.ensure_future(gatherer.recommend(Query(1, sku=f"S-{number}"))) for number in range(5)]
        await asyncio.sleep(0.02)
        assert len(calls.made) == 1
        calls.answer()
        assert (await first).items[0].sku == "FIRST"
        await until(lambda: len(calls.made) == 2)
        calls.answer()
        assert [(await other).items[0].sku for other in others] == [f"S-{number}" for number in range(5)]
        assert (gatherer.calls, gatherer.asked) == (2, 6)

    run(test())


def test_nobody_waits_for_longer_than_the_deadline_nor_behind_a_call_that_is_late() -> None:
    async def test() -> None:
        calls = Calls()
        gatherer = Gatherer(calls, deadline_s=PATIENT_S)
        waiting = [asyncio.ensure_future(gatherer.recommend(CLOCK)) for _ in range(3)]
        assert [type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == [ModelSlow] * 3
        await asyncio.sleep(PATIENT_S)
        with pytest.raises(ModelSlow, match="late"):
            await gatherer.recommend(CLOCK)
        calls.answer(0)
        await asyncio.sleep(0.01)
        again = asyncio.ensure_future(gatherer.recommend(CLOCK))
        await until(lambda: len(calls.made) == 2)
        calls.answer()
        assert isinstance(await again, Found)

    run(test())


def test_a_call_that_never_ends_is_given_up() -> None:
    async def test() -> None:
        calls = Calls()
        gatherer = Gatherer(calls, deadline_s=0.03)
        for _ in range(2):
            with pytest.raises(ModelSlow):
                await gatherer.recommend(CLOCK)
            await asyncio.sleep(GIVEN_UP_AFTER_S)
        assert calls.made[0][1].cancelled()

    run(test())


def test_a_model_that_forgets_some_of_the_queries_is_broken() -> None:
    async def test() -> None:
        calls = Calls()
        gatherer = Gatherer(calls, deadline_s=60)
        waiting = [asyncio.ensure_future(gatherer.recommend(CLOCK)) for _ in range(2)]
        await until(lambda: len(calls.made) == 1)
        queries, call = calls.made[0]
        assert len(queries) == 2, "what is asked in one round of the loop goes in one call"
        call.set_result(Answered("echo", "1", ((),)))
        await waiting[0]
        with pytest.raises(ModelBroken):
            await waiting[1]
        gatherer.close()

    run(test())


def test_a_visitor_gets_the_same_variant_as_long_as_the_trial_lasts() -> None:
    standing = Standing("1", challenger(share=0.25))
    drawn = {f"visitor-{number}": draw(standing, f"visitor-{number}") for number in range(2_000)}
    assert all(draw(standing, visitor) == each for visitor, each in drawn.items())
    tried = [each for each in drawn.values() if each.variant is Variant.CHALLENGER]
    assert 420 < len(tried) < 580
    assert {each.propensity for each in tried} == {0.25}
    assert {each.propensity for each in drawn.values()} == {0.25, 0.75}
    other = Standing("1", challenger(share=0.25, version="3"))
    assert any(draw(other, visitor) != each for visitor, each in drawn.items())
    assert draw(None, "visitor-1") == CHAMPION
    assert draw(Standing("1", challenger(share=0.0)), "visitor-1").variant is Variant.CHAMPION
    assert draw(Standing("1", challenger(share=1.0)), "visitor-1").variant is Variant.CHALLENGER


def test_for_a_challenger_that_fails_the_champion_answers_until_it_is_set_aside() -> None:
    async def test() -> None:
        models = PairModels(challenger(share=1.0))
        asked = Asking(models, PATIENT_S)
        await asked.refresh()
        models.broken.add(Variant.CHALLENGER)
        for _ in range(FAILURES_TO_QUARANTINE):
            drawn = asked.draw("", "visitor-1")
            assert drawn.variant is Variant.CHALLENGER
            variant, found = await asked.recommend(drawn, "", CLOCK)
            assert (variant, found.items[1].sku) == (Variant.CHAMPION, "BRASS-LAMP")
        assert asked.trials.failed == FAILURES_TO_QUARANTINE
        assert asked.draw("", "visitor-1").variant is Variant.CHAMPION
        # Another one is tried again.
        models.broken.clear()
        models.standings = {"": Standing("1", challenger(share=1.0, version="3"))}
        await asked.refresh()
        drawn = asked.draw("", "visitor-1")
        variant, found = await asked.recommend(drawn, "", CLOCK)
        assert (variant, found.version) == (Variant.CHALLENGER, "3")

    run(test())


def test_a_challenger_that_hangs_delays_nobody_beyond_the_deadline_and_is_set_aside() -> None:
    async def test() -> None:
        models = PairModels(challenger(share=1.0))
        models.hanging.add(Variant.CHALLENGER)
        asked = Asking(models, PATIENT_S)
        await asked.refresh()
        loop = asyncio.get_running_loop()
        while (drawn := asked.draw("", "visitor-1")).variant is Variant.CHALLENGER:
            begun = loop.time()
            variant, _ = await asked.recommend(drawn, "", CLOCK)
            assert variant is Variant.CHAMPION
            assert loop.time() - begun < PATIENT_S
            await asyncio.sleep(5)
        asked.close()

    run(test())


def test_a_shadow_is_asked_and_never_waited_for() -> None:
    async def test() -> None:
        models = PairModels(challenger(Mode.SHADOW, share=1.0))
        models.hanging.add(Variant.CHALLENGER)
        asked = Asking(models, PATIENT_S)
        await asked.refresh()
        drawn = asked.draw("", "visitor-1")
        assert drawn == Drawn(Variant.CHAMPION, 1.0, shadowed=True)
        shadow = asked.shadow("", CLOCK)
        assert shadow is not None
        variant, _ = await asked.recommend(drawn, "", CLOCK)
        assert variant is Variant.CHAMPION
        models.answers.set()
        assert (await shadow).version == "2"
        asked.close()

    run(test())


def test_where_nothing_is_deployed_nobody_is_asked() -> None:
    async def test() -> None:
        models = PairModels()
        asked = Asking(models, PATIENT_S)
        with pytest.raises(ModelMissing):
            await asked.recommend(CHAMPION, "", CLOCK)
        assert models.asked == []

    run(test())


def test_a_champion_that_is_set_aside_is_not_asked_and_its_challenger_is() -> None:
    async def test() -> None:
        models = PairModels(challenger())
        models.standings[""] = Standing("1", challenger(), is_aside=True)
        asking = Asking(models, PATIENT_S)
        await asking.refresh()
        with pytest.raises(ModelMissing):
            await asking.recommend(CHAMPION, "", CLOCK)
        assert (await asking.recommend(Drawn(Variant.CHALLENGER, 0.5), "", CLOCK))[0] is Variant.CHALLENGER
        models.broken.add(Variant.CHALLENGER)
        with pytest.raises(ModelMissing):
            await asking.recommend(Drawn(Variant.CHALLENGER, 0.5), "", CLOCK)
        assert asking.aside == 1
        assert {asked[0] for asked in models.asked} == {Variant.CHALLENGER}

    run(test())
