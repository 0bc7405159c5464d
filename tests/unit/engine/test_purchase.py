"""Purchase orders: from the draft to the goods in the stock, with what they cost in the end."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernel import Rejected
from engine.landed_cost import Basis, Charge, CostLine, cost_of_part, landed_costs, shares
from engine.purchase import (
    CancelPurchase,
    ClosePurchase,
    DraftPurchase,
    EditPurchase,
    LookPurchase,
    OrderedUnits,
    PurchaseContent,
    PurchaseStatus,
    PurchaseView,
    ReceivedUnits,
    ReceivePurchase,
    ReschedulePurchase,
    SendPurchase,
)
from engine.reasons import Reason
from engine.reorder import ClaimReorder
from engine.stock import stock_key

from .errands import carry_on, done, quantities
from .world import DAY_MS, START, World

CLOCK, LAMP = "RETRO-CLOCK", "LAVA-LAMP"
CONTENT = PurchaseContent(
    "acme",
    "default",
    "USD",
    (OrderedUnits(CLOCK, 10, 500, 200), OrderedUnits(LAMP, 3, 1_000, 900)),
    (Charge("freight", 100, Basis.WEIGHT), Charge("duty", 80, Basis.VALUE)),
    expected_at=START + 5 * DAY_MS,
)


def drafted(content: PurchaseContent = CONTENT, key: str = "po_1") -> World:
    world = World()
    done(world, "purchase", key, DraftPurchase(content))
    return world


def sent() -> World:
    world = drafted()
    done(world, "purchase", "po_1", SendPurchase())
    return world


def shown(world: World, key: str = "po_1") -> PurchaseView:
    view = world.send("purchase", key, LookPurchase())
    assert isinstance(view, PurchaseView)
    return view


def received(world: World, receipt: str, *lines: ReceivedUnits) -> PurchaseView:
    done(world, "purchase", "po_1", ReceivePurchase(receipt, lines))
    return shown(world)


def test_a_sent_order_is_incoming_by_its_date() -> None:
    world = drafted()
    assert quantities(world, CLOCK).incoming == 0
    done(world, "purchase", "po_1", SendPurchase())
    assert (quantities(world, CLOCK).incoming, quantities(world, CLOCK).expected_at) == (10, START + 5 * DAY_MS)
    done(world, "purchase", "po_1", ReschedulePurchase(START + 9 * DAY_MS))
    assert quantities(world, LAMP).expected_at == START + 9 * DAY_MS


def test_goods_come_in_parts_and_each_delivery_counts_once() -> None:
    world = sent()
    for _ in range(2):
        assert received(world, "box-1", ReceivedUnits(CLOCK, 4)).status is PurchaseStatus.PARTLY_RECEIVED
    assert (quantities(world, CLOCK).on_hand, quantities(world, CLOCK).incoming) == (4, 6)
    closed = received(world, "box-2", ReceivedUnits(CLOCK, 5, damaged=1), ReceivedUnits(LAMP, 3))
    assert (closed.status, closed.pending) == (PurchaseStatus.CLOSED, 0)
    assert (quantities(world, CLOCK).on_hand, quantities(world, CLOCK).incoming) == (9, 0)


def test_over_delivery_is_booked_and_under_delivery_closed() -> None:
    world = sent()
    received(world, "box-1", ReceivedUnits(CLOCK, 12))
    assert (quantities(world, CLOCK).on_hand, quantities(world, CLOCK).incoming) == (12, 0)
    done(world, "purchase", "po_1", ClosePurchase("the rest is out of print"))
    assert (shown(world).status, quantities(world, LAMP).incoming) == (PurchaseStatus.CLOSED, 0)
    received(world, "box-2", ReceivedUnits(LAMP, 3))
    assert quantities(world, LAMP).on_hand == 3, "what comes after all is in the house"


def test_freight_and_duty_end_in_the_average_cost() -> None:
    world = sent()
    clocks, lamps = shown(world).lines
    # Freight by weight 2,000 : 2,700 g, duty by value 5,000 : 3,000.
    assert (clocks.landed_cost, lamps.landed_cost) == (5_000 + 43 + 50, 3_000 + 57 + 30)
    received(world, "box-1", ReceivedUnits(CLOCK, 3))
    received(world, "box-2", ReceivedUnits(CLOCK, 7))
    assert quantities(world, CLOCK).average_cost_milli == 5_093 * 1_000 // 10
    assert quantities(world, CLOCK).cost_currency == "USD"


def test_a_foreign_order_is_costed_in_the_shops_currency() -> None:
    content = msgspec.structs.replace(CONTENT, currency="EUR", cost_currency="USD", rate_millionths=1_100_000)
    lines = [CostLine(line.quantity, line.unit_cost, line.weight_g) for line in content.lines]
    assert sum(landed_costs(lines, content.charges, content.rate_millionths)) == 8_998


@pytest.mark.parametrize(
    ("before", "command", "reason"),
    [
        ([], LookPurchase(), Reason.NOT_FOUND),
        ([DraftPurchase(CONTENT)], ReceivePurchase("box", (ReceivedUnits(CLOCK, 1),)), Reason.WRONG_STATE),
        ([DraftPurchase(CONTENT)], ClosePurchase(), Reason.WRONG_STATE),
        ([DraftPurchase(CONTENT), SendPurchase()], EditPurchase(CONTENT, 7), None),
        ([DraftPurchase(CONTENT), CancelPurchase()], SendPurchase(), Reason.WRONG_STATE),
        ([DraftPurchase(CONTENT)], DraftPurchase(msgspec.structs.replace(CONTENT, note="x")), Reason.KEY_REUSED),
        (
            [DraftPurchase(CONTENT)],
            EditPurchase(msgspec.structs.replace(CONTENT, note="x"), 7),
            Reason.VERSION_CONFLICT,
        ),
        (
            [DraftPurchase(CONTENT)],
            EditPurchase(msgspec.structs.replace(CONTENT, location="north")),
            Reason.INVALID_COMMAND,
        ),
        (
            [DraftPurchase(CONTENT), SendPurchase()],
            ReceivePurchase("box", (ReceivedUnits("MOON-DUST", 1),)),
            Reason.INVALID_COMMAND,
        ),
    ],
)
def test_what_an_order_refuses(before: list[object], command: object, reason: Reason | None) -> None:
    world = World()
    for each in before:
        world.send("purchase", "po_1", each)  # type: ignore[arg-type]
    reply = world.send("purchase", "po_1", command)  # type: ignore[arg-type]
    assert (reply.reason if isinstance(reply, Rejected) else None) is reason


def test_a_cancelled_order_is_not_incoming_any_more() -> None:
    world = sent()
    done(world, "purchase", "po_1", CancelPurchase("too dear"))
    assert (shown(world).status, quantities(world, CLOCK).incoming) == (PurchaseStatus.CANCELLED, 0)


def test_of_two_automatic_drafts_one_gets_each_sku() -> None:
    world = World()
    for key in ("po_1", "po_2"):
        world.send("purchase", key, DraftPurchase(CONTENT, automatic=True))
    carry_on(world, Random(5))
    skus = [line.sku for key in ("po_1", "po_2") for line in shown(world, key).lines]
    assert sorted(skus) == [LAMP, CLOCK]
    for key in ("po_1", "po_2"):
        drafted = shown(world, key).status
        assert drafted is (PurchaseStatus.DRAFT if shown(world, key).lines else PurchaseStatus.CANCELLED)


def test_a_sku_is_free_for_the_next_draft_once_its_units_are_incoming() -> None:
    world = World()
    done(world, "purchase", "po_1", DraftPurchase(CONTENT, automatic=True))
    assert isinstance(world.send("reorder", stock_key(CLOCK), ClaimReorder("po_2")), Rejected)
    done(world, "purchase", "po_1", SendPurchase())
    assert quantities(world, CLOCK).incoming == 10
    assert not isinstance(world.send("reorder", stock_key(CLOCK), ClaimReorder("po_2")), Rejected)
    # A late copy of the first claim takes nothing.
    assert isinstance(world.send("reorder", stock_key(CLOCK), ClaimReorder("po_1")), Rejected)


@pytest.mark.parametrize("seed", range(40))
def test_deliveries_are_booked_once_whatever_comes_twice_or_late(seed: int) -> None:
    random, world = Random(seed), drafted()
    world.send("purchase", "po_1", SendPurchase())
    for number in range(4):
        units = ReceivedUnits(random.choice((CLOCK, LAMP)), random.randint(1, 4))
        for _ in range(random.choice((1, 2))):
            world.send("purchase", "po_1", ReceivePurchase(f"box-{number}", (units,)))
        if random.random() < 0.5:
            carry_on(world, random)
    carry_on(world, random)
    for line in shown(world).lines:
        stock = quantities(world, line.sku)
        assert (stock.on_hand, stock.incoming) == (line.received, line.outstanding)


@settings(max_examples=100)
@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_shares_add_up_and_none_is_off_by_a_unit(total: int, weights: list[int]) -> None:
    parts = shares(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    paired = zip(parts, weights, strict=True)
    assert not whole or all(abs(part * whole - total * weight) < whole for part, weight in paired)


@settings(max_examples=100)
@given(st.integers(0, 10**9), st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_the_cost_of_a_lines_parts_adds_up(landed: int, parts: list[int]) -> None:
    before = [sum(parts[:index]) for index in range(len(parts))]
    assert sum(cost_of_part(landed, sum(parts), had, part) for had, part in zip(before, parts, strict=True)) == landed
