"""The draw is a permutation; a million places are small; digests find their numbers."""

from collections import Counter
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.digests import Digests, digest_of, number_of, put
from engine.waiting_room import place_of


@given(st.integers(1, 300), st.text("abcdef", min_size=1, max_size=64))
def test_every_place_is_drawn_once(early: int, seed: str) -> None:
    assert sorted(place_of(number, early, seed) for number in range(early)) == list(range(early))


def test_the_first_to_come_gets_any_place_with_equal_chance() -> None:
    tenths = Counter(place_of(0, 1_000, f"seed-{draw}") // 100 for draw in range(3_000))
    assert len(tenths) == 10
    assert all(220 < count < 380 for count in tenths.values()), tenths


def test_another_seed_is_another_order() -> None:
    orders = {tuple(place_of(number, 50, f"seed-{draw}") for number in range(50)) for draw in range(50)}
    assert len(orders) == 50


def test_whoever_comes_late_keeps_the_place_of_arrival() -> None:
    assert [place_of(number, 3, "seed") for number in (3, 4, 500)] == [3, 4, 500]


@given(st.dictionaries(st.binary(min_size=8, max_size=8), st.integers(0, 2**32 - 1), max_size=200))
def test_digests_find_their_numbers(numbers: dict[bytes, int]) -> None:
    digests: Digests = {}
    for digest, number in numbers.items():
        put(digests, digest, 0)
        put(digests, digest, number)
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(digests), type=Digests)
    assert {digest: number_of(read, digest) for digest in numbers} == numbers


def test_a_digest_that_lies_across_two_rows_is_none() -> None:
    digests: Digests = {}
    first, second = bytes([7] * 8), bytes([7] * 7 + [8])
    put(digests, first, 0x07070707)
    put(digests, second, 1)
    assert number_of(digests, bytes([7] * 6 + [8, 7])) is None
    assert (number_of(digests, first), number_of(digests, second)) == (0x07070707, 1)


def test_a_place_takes_less_than_sixteen_bytes() -> None:
    digests: Digests = {}
    draw = Random(1)
    for number in range(100_000):
        put(digests, draw.randbytes(8), number)
    assert len(msgspec.msgpack.encode(digests)) < 16 * 100_000


def test_names_are_digested_with_a_key() -> None:
    assert digest_of("one-key", "ann") != digest_of("other-key", "ann")
