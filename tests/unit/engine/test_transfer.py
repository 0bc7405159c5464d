"""Transfers: units are in exactly one place, whatever is sent twice, late or not at all."""

from random import Random

import pytest

from engine.kernel import Rejected
from engine.reasons import Reason
from engine.stock import Receive, stock_key
from engine.transfer import (
    CloseTransfer,
    LookTransfer,
    ReceiveTransfer,
    StartTransfer,
    Transfer,
    TransferStatus,
    TransferView,
    Units,
)

from .errands import carry_on, done, quantities
from .world import DAY_MS, START, World

CLOCK, LAMP = "RETRO-CLOCK", "LAVA-LAMP"
START_IT = StartTransfer("default", "north", (Units(CLOCK, 6), Units(LAMP, 3)), START + DAY_MS)


def world_with_goods() -> World:
    world = World()
    world.send("stock", stock_key(CLOCK), Receive("r-1", 10, cost=1_000, currency="USD"))
    world.send("stock", stock_key(LAMP), Receive("r-1", 2))
    return world


def started() -> World:
    world = world_with_goods()
    done(world, "transfer", "trf_1", START_IT)
    return world


def shown(world: World) -> TransferView:
    view = world.send("transfer", "trf_1", LookTransfer())
    assert isinstance(view, TransferView)
    return view


def test_units_leave_the_source_and_are_incoming_at_the_destination() -> None:
    world = started()
    assert (quantities(world, CLOCK).on_hand, quantities(world, CLOCK, "north").incoming) == (4, 6)
    assert quantities(world, CLOCK, "north").expected_at == START + DAY_MS
    assert [(line.sent, line.in_transit) for line in shown(world).lines] == [(6, 6), (0, 0)]
    assert shown(world).status is TransferStatus.IN_TRANSIT
    assert quantities(world, LAMP).on_hand == 2, "a line that can't be sent whole stays where it is"


def test_a_transfer_arrives_in_parts_with_its_cost() -> None:
    world = started()
    done(world, "transfer", "trf_1", ReceiveTransfer("box-1", (Units(CLOCK, 2),)))
    done(world, "transfer", "trf_1", ReceiveTransfer("box-1", (Units(CLOCK, 2),)))
    north = quantities(world, CLOCK, "north")
    assert (north.on_hand, north.incoming, north.average_cost_milli) == (2, 4, 100_000)
    assert shown(world).status is TransferStatus.PARTLY_RECEIVED
    done(world, "transfer", "trf_1", ReceiveTransfer("box-2", (Units(CLOCK, 4),)))
    assert (shown(world).status, quantities(world, CLOCK, "north").on_hand) == (TransferStatus.RECEIVED, 6)


@pytest.mark.parametrize(("went_back", "home", "lost"), [(True, 8, 0), (False, 4, 4)])
def test_what_never_arrives_is_lost_or_back(went_back: bool, home: int, lost: int) -> None:
    world = started()
    done(world, "transfer", "trf_1", ReceiveTransfer("box-1", (Units(CLOCK, 2),)))
    done(world, "transfer", "trf_1", CloseTransfer(went_back, "the lorry burned"))
    assert (quantities(world, CLOCK).on_hand, quantities(world, CLOCK, "north").incoming) == (home, 0)
    assert (shown(world).lines[0].lost, shown(world).status) == (lost, TransferStatus.CLOSED)


def test_more_than_was_sent_cannot_arrive() -> None:
    world = started()
    reply = world.send("transfer", "trf_1", ReceiveTransfer("box-1", (Units(CLOCK, 7),)))
    assert isinstance(reply, Rejected)
    assert (reply.reason, reply.details["in_transit"]) == (Reason.MORE_THAN_SENT, 6)
    assert isinstance(world.send("transfer", "trf_1", ReceiveTransfer("box-1", (Units("MOON-DUST", 1),))), Rejected)


def test_a_key_starts_one_transfer() -> None:
    world = started()
    assert world.send("transfer", "trf_1", START_IT) == shown(world)
    other = StartTransfer("default", "south", (Units(CLOCK, 6),))
    reply = world.send("transfer", "trf_1", other)
    assert isinstance(reply, Rejected)
    assert reply.reason is Reason.KEY_REUSED


def test_a_transfer_of_which_nothing_is_there_is_refused() -> None:
    world = World()
    done(world, "transfer", "trf_1", START_IT)
    assert shown(world).status is TransferStatus.REFUSED
    reply = world.send("transfer", "trf_1", CloseTransfer())
    assert isinstance(reply, Rejected)
    assert reply.reason is Reason.WRONG_STATE


@pytest.mark.parametrize("seed", range(60))
def test_units_are_conserved_whatever_comes_twice_late_or_in_another_order(seed: int) -> None:
    random, world = Random(seed), world_with_goods()
    for number in range(3):
        places = random.sample(("default", "north", "south"), 2)
        lines = (Units(CLOCK, random.randint(1, 5)), Units(LAMP, 1))
        world.send("transfer", f"trf_{number}", StartTransfer(places[0], places[1], lines))
        if random.random() < 0.5:
            carry_on(world, random)
    carry_on(world, random)
    for number in range(3):
        arrived = ReceiveTransfer("box", (Units(CLOCK, random.randint(1, 3)),))
        world.send("transfer", f"trf_{number}", arrived)
        if random.random() < 0.5:
            world.send("transfer", f"trf_{number}", CloseTransfer(random.random() < 0.5))
    carry_on(world, random)
    for sku, units in ((CLOCK, 10), (LAMP, 2)):
        on_hand = sum(quantities(world, sku, place).on_hand for place in ("default", "north", "south"))
        transfers = [state for state in world.states.values() if isinstance(state, Transfer)]
        lines = [line for transfer in transfers for line in transfer.lines if line.sku == sku]
        assert on_hand + sum(line.in_transit + line.lost for line in lines) == units  # type: ignore[attr-defined]
        incoming = sum(quantities(world, sku, place).incoming for place in ("default", "north", "south"))
        assert incoming == sum(line.in_transit for line in lines)  # type: ignore[attr-defined]
