"""A model's figures on a little shop, its baseline, its segments; and who beats whom."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ml.errors import Leaked, NotComparable, NotEnoughData, ParameterRefused
from ml.evaluation.cases import next_item_cases
from ml.evaluation.compare import Decision, beats, compare
from ml.evaluation.evaluate import Question, Scored, evaluate, evaluate_split, question_of
from ml.evaluation.figures import Evaluation, read_evaluation, write_json
from ml.evaluation.leakage import Fitted
from ml.evaluation.segments import head_items
from ml.evaluation.split import Task, Window, split
from ml.interactions import dataset_of
from ml.model import Model

from .little_shop import CATALOGUE, CLOCK, CUP, GRINDER, LAMP, SHOE, SKUS, SOCK, Told, day, little_shop

WINDOW = Window(day(7), day(10))


def asked(task: Task = Task.NEXT_ITEM, **options: object) -> Question:
    return question_of(split(little_shop(), task, WINDOW), ks=(1, 2), resamples=50, **options)  # type: ignore[arg-type]


def many(model: Model, seed: int = 0) -> Scored:
    """Measured on 200 sessions of one step: after the clock comes the lamp in half of them, else the cup."""
    cases = next_item_cases(CATALOGUE, [([CLOCK], LAMP), ([CLOCK], CUP)] * 100)
    train = dataset_of(CATALOGUE, [CLOCK, LAMP, CUP], [0, 1, 2])
    return evaluate(model, replace(asked(), cases=cases, train=train, seed=seed, resamples=200))


def test_a_model_is_measured_on_every_case() -> None:
    told = evaluate(Told().after(CLOCK, LAMP).after(LAMP, SHOE, CUP).after(CUP, SHOE), asked()).evaluation
    assert (told.cases, told.groups, told.data.straddling) == (3, 1, 1)
    assert told.at("hit_rate", 1).value == pytest.approx(1 / 3)
    assert told.at("hit_rate", 2).value == pytest.approx(2 / 3)
    assert told.at("mrr", 2).value == pytest.approx((1 + 1 / 2) / 3)
    assert told.coverage == [2 / 6, 3 / 6]
    assert told.measures["diversity"][1].value == 1.0, "a shoe and a cup"
    assert told.share_by_rank == [0.5, 0.75], "of four places, two went to the shoe"


def test_popularity_stands_beside_it_on_the_same_cases() -> None:
    told = evaluate(Told(GRINDER), asked()).evaluation
    assert told.baseline["hit_rate"][1].value == pytest.approx(2 / 3), "it says the clock and the lamp"
    assert told.above_baseline["hit_rate"][1].value == pytest.approx(-2 / 3)
    assert told.data.learned_to < told.data.asked_from


def test_figures_are_told_apart_by_segment() -> None:
    told = evaluate(Told(CLOCK, LAMP), asked(Task.BASKET)).evaluation
    assert told.segments["known customers"].cases == told.segments["new customers"].cases == 1
    assert told.segments["known customers"].measures["recall"].value == 0.5
    assert told.segments["new customers"].measures["recall"].value == 0.0
    assert told.segments["head items"].measures["recall"].value == 1.0, "the clock, of those that sell best"
    assert told.segments["unseen items"].measures["recall"].value == 0.0


def test_the_head_are_the_fewest_items_with_half_of_the_interactions() -> None:
    assert head_items(np.array([1, 5, 3, 1])).tolist() == [False, True, False, False]
    assert head_items(np.array([4, 4, 4, 0])).tolist() == [True, True, False, False]


def test_what_customers_have_is_not_counted_where_only_new_items_are_asked_for() -> None:
    parted = split(little_shop(), Task.BASKET, WINDOW, only_new=True)
    told = evaluate_split(Told(CLOCK, LAMP, CUP), parted, ks=(1,), resamples=20)
    assert told.segments["known customers"].measures["recall"].value == 1.0, "the cup, once clock and lamp are away"


def test_a_model_of_another_catalogue_is_asked_and_heard_in_its_own_words() -> None:
    backwards = Told().after(5 - CLOCK, 5 - LAMP).after(5 - LAMP, 5 - CUP)
    backwards.skus = SKUS[::-1]
    told = evaluate(backwards, asked()).evaluation
    assert told.at("hit_rate", 1).value == pytest.approx(2 / 3)
    assert list(backwards.asked[0].history) == [5 - CLOCK, 5 - LAMP]
    small = Told()
    small.skus = ("BRASS-LAMP", "SOLD-ELSEWHERE")
    small.after(0, 1, 0)
    assert evaluate(small, asked()).evaluation.at("hit_rate", 2).value == 0.0
    assert {tuple(context.session) for context in small.asked} == {(), (0,)}


def test_progress_is_told_and_speed_measured() -> None:
    said: list[tuple[int, int]] = []
    told = evaluate(Told(SOCK), asked(), lambda done, of: said.append((done, of))).evaluation
    assert said == [(3, 3)]
    assert told.speed.per_second > 0
    assert told.speed.single_p99_ms >= told.speed.single_p50_ms > 0


def test_an_evaluation_is_json_and_back(tmp_path: Path) -> None:
    told = evaluate(Told(CLOCK), asked()).evaluation
    write_json(told, tmp_path / "evaluation.json")
    assert read_evaluation(tmp_path / "evaluation.json") == msgspec.json.decode(
        msgspec.json.encode(told), type=Evaluation
    )
    assert set(told.flat()) >= {"ndcg_at_1", "coverage_at_2", "novelty_at_2", "per_second"}


def test_a_model_that_saw_the_window_is_not_measured() -> None:
    with pytest.raises(Leaked):
        evaluate_split(Told(CLOCK), split(little_shop(), Task.NEXT_ITEM, WINDOW), Fitted(little_shop()))


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ParameterRefused):
        evaluate(Told(CLOCK), replace(asked(), ks=(0, 5)))
    with pytest.raises(ParameterRefused):
        evaluate(Told(CLOCK), replace(asked(), ks=(5, 5)))
    with pytest.raises(NotEnoughData):
        evaluate(Told(CLOCK), replace(asked(), cases=asked().cases.of(np.empty(0, np.int64))))


def test_a_better_model_beats_a_worse_one_and_not_itself() -> None:
    good, worse = many(Told(LAMP, CUP)), many(Told(SHOE, LAMP))
    assert beats(good, worse).decision is Decision.BEATS
    assert beats(worse, good).decision is Decision.LOSES
    assert beats(good, good).decision is Decision.UNDECIDED
    assert beats(good, worse, measure="mrr", k=2).difference.value == pytest.approx(0.75 - 0.25)


def test_a_difference_within_chance_or_margin_is_no_victory() -> None:
    lamp, cup = many(Told(LAMP)), many(Told(CUP))
    assert beats(lamp, cup, k=1).decision is Decision.UNDECIDED, "each is right in half of the cases"
    good, worse = many(Told(LAMP, CUP)), many(Told(LAMP, SHOE))
    assert beats(good, worse).decision is Decision.BEATS
    assert beats(good, worse, margin=0.9).decision is Decision.UNDECIDED


def test_models_are_listed_best_first_against_the_reference() -> None:
    scored = {"now": many(Told(LAMP)), "bad": many(Told(SHOE)), "good": many(Told(LAMP, CUP))}
    told = compare(scored, "now")
    assert list(told.verdicts) == ["good", "bad"]
    assert (told.measure, told.k) == ("ndcg", 2)


def test_figures_of_different_cases_or_draws_are_not_compared() -> None:
    with pytest.raises(NotComparable):
        beats(many(Told(LAMP)), evaluate(Told(LAMP), asked()))
    with pytest.raises(NotComparable):
        beats(many(Told(LAMP)), many(Told(LAMP), seed=1))
    with pytest.raises(ParameterRefused):
        beats(many(Told(LAMP)), many(Told(LAMP)), measure="ndcg", k=7)
