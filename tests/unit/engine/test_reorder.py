"""When to order how much, checked by hand and by chance."""

from math import sqrt
from random import Random

import pytest

from engine.reorder import (
    ENDED_KEPT,
    REORDER,
    Demand,
    EndReorder,
    LeadTime,
    demand_of,
    quantity_to_order,
    reorder_point_of,
    safety_stock_of,
)

from .world import World


def test_the_textbooks_example() -> None:
    # d = 20 a day with a deviation of 5, L = 9 days with one of 2, 95 %: 180 + 1.645 * sqrt(9*25 + 400*4) = 250.3
    demand, lead = Demand(20.0, 5.0), LeadTime(9.0, 2.0)
    assert safety_stock_of(demand, lead, 0.95) == 71
    assert reorder_point_of(demand, lead, 0.95) == 251


def test_demand_counts_the_days_without_a_sale() -> None:
    assert demand_of([0, 0, 6, 0, 4, 2]) == Demand(2.0, sqrt(16 / 3))
    assert demand_of([]) == Demand(0.0, 0.0)


def test_what_never_sold_is_never_ordered() -> None:
    point = reorder_point_of(Demand(0.0, 0.0), LeadTime(9.0, 2.0), 0.99)
    assert (point, quantity_to_order(point, 0, 0, minimum=10, pack=5)) == (0, 0)


@pytest.mark.parametrize(
    ("position", "minimum", "pack", "ordered"),
    [(101, 1, 1, 0), (100, 1, 1, 50), (60, 1, 1, 90), (60, 120, 1, 120), (60, 1, 24, 96), (-5, 1, 10, 160)],
)
def test_orders_go_up_to_the_point_and_the_cover_in_whole_packs(
    position: int, minimum: int, pack: int, ordered: int
) -> None:
    assert quantity_to_order(100, position, 50, minimum=minimum, pack=pack) == ordered


def test_the_promised_service_level_holds_by_chance() -> None:
    random, demand, lead = Random(7), Demand(20.0, 5.0), LeadTime(9.0, 2.0)
    point = reorder_point_of(demand, lead, 0.95)
    lasted = 0
    for _ in range(2_000):
        days = max(0, round(random.gauss(lead.days, lead.deviation_days)))
        lasted += sum(random.gauss(demand.mean, demand.deviation) for _ in range(days)) <= point
    assert 0.93 <= lasted / 2_000 <= 0.97


def test_what_gave_a_sku_back_is_remembered_within_bounds() -> None:
    world = World()
    for number in range(ENDED_KEPT + 5):
        world.send("reorder", "RETRO-CLOCK@default", EndReorder(f"po_{number}"))
    assert len(world.state(REORDER.name, "RETRO-CLOCK@default").ended) == ENDED_KEPT
    world.check_folds()
