"""What is learned from, what is asked; and every way in which the one gets into the other is found."""

from dataclasses import replace

import numpy as np
import pytest

from ml.errors import Leaked, NotEnoughData
from ml.evaluation.cases import next_item_cases
from ml.evaluation.leakage import Fitted, check, leaks
from ml.evaluation.split import Split, Task, Window, last_window, split, validation
from ml.interactions import Dataset, Did, Items, dataset_of

from .little_shop import CATALOGUE, CLOCK, CUP, DAY_MS, GRINDER, LAMP, SHOE, day, little_shop

WINDOW = Window(day(7), day(10))


def weekly(task: Task = Task.NEXT_ITEM, *, only_new: bool = False) -> Split:
    return split(little_shop(), task, WINDOW, only_new=only_new)


def test_what_happened_before_the_window_is_learned_from_and_nothing_else() -> None:
    parted = weekly()
    assert parted.train.at.max() < WINDOW.at <= parted.test.at.min()
    assert parted.train.source == {"source": "test", "from": "2023-11-15T00:00:00Z", "to": "2023-11-19T00:00:00Z"}


def test_a_session_that_goes_on_in_the_window_is_in_neither_part() -> None:
    parted = weekly()
    assert parted.straddling == 1
    assert 5 not in {*parted.train.session.tolist(), *parted.test.session.tolist()}


def test_each_item_of_a_session_is_asked_for_after_those_before_it() -> None:
    cases = weekly().cases
    assert [list(context.session) for context in cases.contexts] == [[CLOCK], [CLOCK, LAMP], [CLOCK, LAMP, CUP]]
    assert cases.truths.items.tolist() == [LAMP, CUP, CLOCK]
    assert cases.group.tolist() == [6, 6, 6]
    assert [list(context.history) for context in cases.contexts] == [[CLOCK, LAMP]] * 3, "what was bought before"
    assert [context.at for context in cases.contexts] == [day(8.1), day(8.2), day(8.3)]


def test_each_customer_who_bought_in_the_window_is_a_case() -> None:
    cases = weekly(Task.BASKET).cases
    assert [set(cases.truths.of(np.array([case])).items.tolist()) for case in (0, 1)] == [{CLOCK, CUP}, {SHOE}]
    assert [list(context.history) for context in cases.contexts] == [[CLOCK, LAMP], []]
    assert list(cases.contexts[0].history_at) == [day(0), day(2)]
    assert cases.group.tolist() == [0, 2]


def test_what_was_bought_before_may_be_left_out_of_the_question() -> None:
    cases = weekly(Task.BASKET, only_new=True).cases
    assert cases.truths.items.tolist() == [CUP, SHOE]


def test_validation_lies_within_what_may_be_learned_from() -> None:
    inner = validation(split(little_shop(), Task.BASKET, WINDOW))
    assert inner.window == (day(4), day(7))
    assert inner.train.at.max() < day(4)
    assert inner.test.at.max() < day(7)


def test_the_window_may_be_the_last_days_or_the_last_share() -> None:
    shop = little_shop()
    assert last_window(shop, 2 * DAY_MS) == (day(7) + 1, day(9) + 1)
    assert last_window(shop, share=0.5) == (day(6.9), day(9) + 1)


def test_without_a_before_or_an_after_there_is_no_split() -> None:
    for window in (Window(day(-1), day(10)), Window(day(20), day(30))):
        with pytest.raises(NotEnoughData):
            split(little_shop(), Task.NEXT_ITEM, window)


def test_lines_of_a_test_set_that_continue_each_other_are_one_group() -> None:
    session = [([CLOCK, LAMP, CUP], SHOE), ([CLOCK, LAMP], CUP), ([CLOCK], LAMP)]
    pairs = [*session, ([CLOCK], CUP), *reversed(session), ([SHOE], SHOE)]
    assert next_item_cases(CATALOGUE, pairs).group.tolist() == [0, 0, 0, 1, 2, 2, 2, 3]


def test_cases_are_drawn_by_whole_groups() -> None:
    cases = weekly(Task.BASKET).cases
    drawn = cases.sampled(1, seed=3)
    assert len(drawn) == 1
    assert drawn.fingerprint == cases.sampled(1, seed=3).fingerprint != cases.fingerprint
    assert cases.sampled(2, seed=3) is cases


def test_texts_that_items_got_later_are_not_learned_from() -> None:
    items = replace(CATALOGUE, titles=("a", "b", "c", "d", "e", "f"), since=[day(0)] * 5 + [day(8)])
    parted = split(replace(little_shop(), items=items), Task.NEXT_ITEM, WINDOW)
    assert parted.train.items.titles[GRINDER] == parted.train.items.categories[GRINDER] == ""
    assert parted.train.items.titles[:5] == ["a", "b", "c", "d", "e"]
    check(Fitted(parted.train), parted)


def with_rows(data: Dataset, *rows: tuple[int, int, int, int]) -> Dataset:
    """More interactions: (at, session, customer, item)."""

    def column(old: np.ndarray, new: list[int]) -> list[int]:  # type: ignore[type-arg]
        return [*old.tolist(), *new]

    return dataset_of(
        data.items,
        column(data.item, [row[3] for row in rows]),
        column(data.at, [row[0] for row in rows]),
        session=column(data.session, [row[1] for row in rows]),
        customer=column(data.customer, [row[2] for row in rows]),
        did=column(data.did, [Did.CLICK] * len(rows)),
        customers=data.customers,
    )


def test_an_honest_split_leaks_nothing() -> None:
    for task in Task:
        parted = weekly(task)
        assert leaks(Fitted(parted.train, until=int(parted.train.at[-1]), features={"price": day(6)}), parted) == []


def test_every_leak_that_is_planted_is_found() -> None:
    parted = weekly()
    train = parted.train
    later = Items(CATALOGUE.skus, ["lamp"] * 6, since=[day(8)] * 6)
    renamed = Items([*CATALOGUE.skus[1:], CATALOGUE.skus[0]])
    asked_again = with_rows(replace(train, items=renamed), (day(8), 99, 0, len(CATALOGUE) - 1))
    planted = {
        "all the data": (Fitted(little_shop()), "happened when the window had begun"),
        "one later interaction": (Fitted(with_rows(train, (day(7), 80, 1, CUP))), "1 interactions were learned from"),
        "a row of the window": (Fitted(with_rows(train, (day(8.2), 6, 0, CUP))), "to be predicted were learned from"),
        "the same under another index": (Fitted(asked_again), "1 of the interactions to be predicted"),
        "a session's beginning, dated back": (
            Fitted(with_rows(train, (day(5), 6, -1, LAMP))),
            "in both parts, such as 6",
        ),
        "texts of later": (Fitted(replace(train, items=later)), "6 items have texts"),
        "a feature of all times": (Fitted(train, features={"best seller": day(9)}), "The feature best seller"),
        "a saved model of later": (Fitted(until=day(9)), "The model learned until 2023-11-24"),
    }
    for fitted, told in planted.values():
        with pytest.raises(Leaked, match=told):
            check(fitted, parted)
