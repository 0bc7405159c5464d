"""A lease: one holder at a time, whoever asks and whenever."""

from engine.kernel import Rejected
from engine.lease import AcquireLease, GiveLeaseBack, LeaseView
from engine.reasons import Reason

from .world import START, World


def ask(world: World, holder: str) -> object:
    return world.send("lease", "feed", AcquireLease(holder, 1_000))


def test_the_first_has_it_until_its_time_is_up() -> None:
    world = World()
    assert ask(world, "a") == LeaseView("a", START + 1_000)
    refused = ask(world, "b")
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.LEASE_TAKEN
    world.now += 1_000
    assert ask(world, "b") == LeaseView("b", START + 2_000)
    assert isinstance(ask(world, "a"), Rejected)


def test_a_holder_keeps_it_by_asking_again() -> None:
    world = World()
    for _ in range(5):
        assert isinstance(ask(world, "a"), LeaseView)
        world.now += 900
    assert isinstance(ask(world, "b"), Rejected)


def test_only_the_holder_gives_it_back() -> None:
    world = World()
    ask(world, "a")
    world.send("lease", "feed", GiveLeaseBack("b"))
    assert isinstance(ask(world, "b"), Rejected)
    world.send("lease", "feed", GiveLeaseBack("a"))
    assert isinstance(ask(world, "b"), LeaseView)
    world.check_folds()
