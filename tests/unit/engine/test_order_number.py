"""Numbers that survive being read aloud, and belong to one order."""

from hypothesis import given
from hypothesis import strategies as st

from engine.kernel import Rejected
from engine.order_number import ALPHABET, ClaimNumber, LookNumber, NumberView, number_of, read
from engine.reasons import Reason

from .world import World

ORDERS = st.integers(0, 10**9).map(lambda number: f"ord_{number:032x}")


@given(ORDERS, st.integers(0, 3))
def test_a_number_is_read_back_however_it_was_written(order_id: str, attempt: int) -> None:
    number = number_of(order_id, attempt)
    assert len(number) == 9
    for heard in (number, number.lower(), number.replace("-", ""), f" {number.replace('-', ' ')} ", "-".join(number)):
        assert read(heard) == number


@given(ORDERS, st.integers(0, 7), st.sampled_from(ALPHABET))
def test_a_wrong_character_is_noticed(order_id: str, place: int, wrong: str) -> None:
    number = number_of(order_id).replace("-", "")
    changed = number[:place] + wrong + number[place + 1 :]
    assert (read(changed) is None) == (changed != number)


@given(ORDERS, st.integers(0, 6))
def test_two_swapped_characters_are_noticed(order_id: str, place: int) -> None:
    number = number_of(order_id).replace("-", "")
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert (read(swapped) is None) == (swapped != number)


def test_letters_that_look_like_another_are_read_as_it() -> None:
    number = next(found for order in range(1_000) if "1" in (found := number_of(f"ord-{order}")))
    assert read(number.replace("1", "I")) == read(number.replace("1", "l")) == number
    assert read("") is read("0000-0000") is read(number[:-1]) is None


def test_a_number_belongs_to_the_first_order_that_claims_it() -> None:
    world = World()
    number = number_of("ord-1")
    assert world.send("order-number", number, LookNumber()) == NumberView("")
    for _ in range(2):
        assert world.send("order-number", number, ClaimNumber("ord-1")) == NumberView("ord-1")
    assert world.send("order-number", number, ClaimNumber("ord-2")) == Rejected(Reason.NUMBER_TAKEN)
    assert world.send("order-number", number, LookNumber()) == NumberView("ord-1")
    assert number_of("ord-2", 1) != number_of("ord-2")
    world.check_folds()
