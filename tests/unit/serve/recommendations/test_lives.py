"""Processes that end in a model: it is set aside after a few, and nobody else is, whoever ends how often."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from serve.recommendations.lives import ASIDE, MOST_ENDS, SUFFIX, WINDOW_MS, Lives

MODEL = "/7 of release 3"


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        self.ms += 1
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lives(tmp_path: Path, clock: Clock) -> Lives:
    return Lives(tmp_path, clock)


def ended_in(lives: Lives, *models: str, idle: bool = False) -> None:
    """A process comes up, calls the models one in the other, and is gone; or it ends after that."""
    child = os.fork()
    if child == 0:
        own = Lives(lives._directory, lives._now)
        with ExitStack() as stack:
            for model in models:
                stack.enter_context(own.inside(model))
            if not idle:
                os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)


def test_a_model_that_ends_its_process_again_and_again_is_set_aside(lives: Lives) -> None:
    for _ in range(MOST_ENDS):
        assert not lives.is_aside(MODEL)
        ended_in(lives, "/6 of release 2", idle=True)
        ended_in(lives, MODEL)
    assert lives.is_aside(MODEL)
    assert not lives.is_aside("/6 of release 2")


def test_it_stays_aside_for_as_long_as_it_is_released(lives: Lives, clock: Clock) -> None:
    for _ in range(MOST_ENDS):
        ended_in(lives, MODEL)
    assert lives.is_aside(MODEL)
    clock.ms += 2 * WINDOW_MS
    lives.forget_others({MODEL, "/8 of release 4"})
    assert lives.is_aside(MODEL)
    lives.forget_others({"/8 of release 4"})
    assert not lives.is_aside(MODEL)


def test_a_process_that_is_killed_while_it_waits_is_held_against_nobody(lives: Lives) -> None:
    for _ in range(2 * MOST_ENDS):
        ended_in(lives, MODEL, idle=True)
        ended_in(lives)
    assert not lives.is_aside(MODEL)


def test_ends_that_are_far_apart_are_no_reason_and_nothing_of_them_is_kept(
    lives: Lives, clock: Clock, tmp_path: Path
) -> None:
    for _ in range(2 * MOST_ENDS):
        ended_in(lives, MODEL)
        assert not lives.is_aside(MODEL)
        clock.ms += WINDOW_MS
    assert not lives.is_aside(MODEL)
    assert len(list(tmp_path.glob(f"*{SUFFIX}"))) == 1, "its own"


def test_whoever_lives_is_still_in_it(lives: Lives, tmp_path: Path, clock: Clock) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_ENDS):
            stack.enter_context(Lives(tmp_path, clock).inside(MODEL))
        assert not lives.is_aside(MODEL)


def test_one_call_in_another_is_noted_and_a_broken_note_is_none(lives: Lives, tmp_path: Path) -> None:
    for _ in range(MOST_ENDS):
        ended_in(lives, "/7 of release 3 with a long name", "berlin/2 of release 3")
    (tmp_path / ASIDE).write_text("[")
    (tmp_path / f"9-9{SUFFIX}").write_text("[")
    assert lives.is_aside("berlin/2 of release 3")
    assert lives.is_aside("/7 of release 3 with a long name")
