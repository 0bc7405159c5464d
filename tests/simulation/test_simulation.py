"""Histories under faults: 120 seeds in every test run, the seeds that once found a bug, and proof that one seed is one
history."""

import os
import subprocess
import sys

import pytest

from .campaign import Totals, results_of
from .chronicle import Chronicle
from .mutants import MUTANTS, judge
from .world import simulate

SEEDS = 120

FIRST_FOUND_BY: dict[str, int] = {
    "an answer is taken for another command's": 2,
    "a silent host is waited for for ever": 5,
    "a pinned entity's hold does not expire": 11,
    "a question is answered by a host without the shard": 60,
    "a copy of an old exchange takes a reply away": 96,
    "a restart between two exchanges is not noticed": 112,
    "what was asked of a dead process is waited for": 118,
    "an entity that was pinned twice is reached nowhere": 239,
    "a host answers reads from before it was given up": 244,
    "two moves leave an order reserving for good": 1345,
    "a ghost of a sold hold stays open": 2493,
    "a cart that was opened late is locked by an order that had given up": 12320,
}
"""Bugs that production had, and seeds that found them, or would now: see `mutants`."""


@pytest.mark.slow
@pytest.mark.timeout(600)  # half a minute on a core of its own
def test_120_histories_under_faults_keep_every_invariant_and_settle() -> None:
    totals = Totals()
    for result in results_of(range(SEEDS)):
        totals.add(result)
    assert not totals.failures, "\n".join(
        f"{violations[0]}\n  make simulate SEED={seed}" for seed, violations in totals.failures.items()
    )
    assert totals.confirmed > 1_000
    assert all(number for number in totals.faults.values())


@pytest.mark.parametrize(("bug", "seed"), FIRST_FOUND_BY.items())
def test_a_seed_that_found_a_bug_stays_green(bug: str, seed: int) -> None:
    assert simulate(seed).violations == [], f"{bug} again? make simulate SEED={seed}"


@pytest.mark.parametrize("seed", [11590, 11885])
def test_a_sale_that_ends_while_it_is_looked_at_is_no_difference(seed: int) -> None:
    assert simulate(seed).violations == []


def test_one_seed_is_one_history() -> None:
    first, second = simulate(7), simulate(7)
    assert first.digest == second.digest
    assert first.digest != simulate(8).digest


def test_one_seed_is_one_history_in_any_process() -> None:
    program = "from tests.simulation.world import simulate; print(simulate(9).digest)"
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(told) == 1


def test_reading_along_changes_nothing() -> None:
    chronicle = Chronicle(verbose=True)
    assert simulate(7, chronicle).digest == simulate(7).digest
    assert len(chronicle.everything()) > len(chronicle.events)


def test_a_reply_before_its_append_is_noticed() -> None:
    number = next(number for number, each in enumerate(MUTANTS) if each.name == "the reply comes before the append")
    assert judge(number, seeds=20).seed is not None
