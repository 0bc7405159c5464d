"""Interactions from the lake: whose they are, and which belong to one visit."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ml.errors import NotEnoughData
from ml.interactions import NOBODY, Did
from ml.sources.lake import read_lake

from .small_lake import MINUTE_MS, START_MS, SmallLake, names


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[SmallLake]:
    small = SmallLake(tmp_path / "lake")
    yield small
    small.close()


def test_what_visitors_did_and_bought_is_in_order_of_time_over_all_files(lake: SmallLake) -> None:
    lake.sold(9, "RETRO-CLOCK", 2, customer="acc_ada", order_id="ord_1")
    lake.did(5, "view", "WALL-CLOCK", visitor="acc_ada", customer="acc_ada", session="v-1")
    lake.write()
    lake.did(1, "click", "RETRO-CLOCK", visitor="acc_ada", customer="acc_ada", session="v-1")
    lake.did(2, "search", query="clock", visitor="acc_ada", customer="acc_ada", session="v-1")
    lake.write()
    data = read_lake(lake.directory)
    assert names(data.items.skus, data.item.tolist()) == ["RETRO-CLOCK", "WALL-CLOCK", "RETRO-CLOCK"]
    assert data.did.tolist() == [Did.CLICK, Did.VIEW, Did.PURCHASE]
    assert data.quantity.tolist() == [1, 1, 2]
    assert (data.at - START_MS).tolist() == [MINUTE_MS, 5 * MINUTE_MS, 9 * MINUTE_MS]
    assert data.customers == ["acc_ada"]
    assert data.source["source"] == f"lake:{lake.directory}"


def test_what_a_visitor_did_is_the_customers_who_logged_in_next(lake: SmallLake) -> None:
    for minute, who in ((1, "acc_ada"), (3, "acc_bob")):
        lake.did(minute, "login", visitor="browser-1", customer=who)
    for minute in (0.5, 1, 2, 4):
        lake.did(minute, "view", "RETRO-CLOCK", visitor="browser-1", session="v-1")
    lake.did(0, "view", "RETRO-CLOCK", visitor="browser-2", session="v-2")
    lake.write()
    data = read_lake(lake.directory)
    assert [data.customers[who] if who != NOBODY else "" for who in data.customer] == [
        "", "acc_ada", "acc_ada", "acc_bob", "",
    ]  # fmt: skip


def test_a_purchase_belongs_to_the_visit_that_it_ends(lake: SmallLake) -> None:
    lake.did(1, "view", "RETRO-CLOCK", visitor="acc_ada", customer="acc_ada", session="v-1")
    lake.sold(10, "RETRO-CLOCK", customer="acc_ada", order_id="ord_1")
    lake.sold(60, "WALL-CLOCK", customer="acc_ada", order_id="ord_2")
    lake.write()
    assert read_lake(lake.directory).session.tolist() == [0, 0, 1]


def test_without_session_ids_half_an_hour_of_nothing_ends_a_visit(lake: SmallLake) -> None:
    for minute in (0, 30, 61, 62):
        lake.did(minute, "view", "RETRO-CLOCK", visitor="browser-1")
    lake.did(20, "view", "RETRO-CLOCK", visitor="browser-2")
    lake.write()
    data = read_lake(lake.directory)
    # In order of time: 0, 20 (the other browser), 30, 61, 62; numbered in order of their ends.
    assert data.session.tolist() == [1, 0, 1, 2, 2]


def test_a_guests_order_is_one_basket_and_who_is_not_known_has_no_visit(lake: SmallLake) -> None:
    lake.sold(1, "RETRO-CLOCK", order_id="ord_1")
    lake.sold(1, "WALL-CLOCK", order_id="ord_1")
    lake.sold(2, "RETRO-CLOCK", order_id="ord_2")
    lake.did(3, "view", "RETRO-CLOCK")
    lake.write()
    data = read_lake(lake.directory)
    assert data.session.tolist() == [0, 0, 1, NOBODY]
    assert set(data.customer.tolist()) == {NOBODY}


def test_the_catalogue_has_what_can_be_bought_and_what_anybody_looked_at(lake: SmallLake) -> None:
    lake.product("TEAPOT", title="Tea pot", category="Kitchen", vendor="Northwind")
    lake.product("GONE", active=False)
    lake.product("RETRO-CLOCK", title="Retro clock", active=False)
    lake.did(1, "view", "RETRO-CLOCK", visitor="browser-1")
    lake.did(1, "view", "NOT-HERE", visitor="browser-1")
    lake.write()
    items = read_lake(lake.directory).items
    assert list(items.skus) == ["NOT-HERE", "RETRO-CLOCK", "TEAPOT"]
    assert list(items.titles) == ["", "Retro clock", "Tea pot"]
    assert items.vendors[2] == "Northwind"


def test_a_window_has_what_is_in_it_and_knows_of_later_logins(lake: SmallLake) -> None:
    for minute in range(10):
        lake.did(minute, "view", "RETRO-CLOCK", visitor="browser-1", session="v-1")
    lake.did(20, "login", visitor="browser-1", customer="acc_ada")
    lake.write()
    data = read_lake(lake.directory, START_MS + 2 * MINUTE_MS, START_MS + 4 * MINUTE_MS)
    assert len(data) == 3
    assert set(data.customer.tolist()) == {0}


def test_the_same_lake_in_other_files_is_the_same_dataset(lake: SmallLake, tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    others = SmallLake(tmp_path / "others")
    for number in range(300):
        who, sku = f"browser-{dice.integers(12)}", f"ITEM-{dice.integers(40)}"
        minute = float(dice.integers(3_000))
        session = f"v-{dice.integers(9)}" if dice.random() < 0.5 else ""
        for small in (lake, others):
            if number % 9:
                small.did(minute, "view", sku, visitor=who, session=session)
            else:
                small.did(minute, "login", visitor=who, customer=f"acc_{who}")
        if number % 70 == 0:
            others.write()
    lake.write()
    others.write()
    others.close()
    one, other = read_lake(lake.directory), read_lake(others.directory)
    assert one.fingerprint == other.fingerprint
    assert one.customers == other.customers


def test_an_empty_lake_is_not_enough(lake: SmallLake) -> None:
    with pytest.raises(NotEnoughData):
        read_lake(lake.directory)
