"""What visitors did, as rows: each event once, with whose it is and what the product was."""

import pytest

from engine.money import Money
from engine.visitor import (
    Action,
    Behaved,
    BehaviourForgotten,
    BehaviourHandedOver,
    BehaviourRecorded,
    BehaviourTakenIn,
    Shown,
)
from ml.lake.facts.behaviour import MARKS
from ml.lake.facts.stories import STORIES
from ml.lake.tables import Behaviour

from .told import rows_of_events

CLOCK = Shown("Home > Clocks", "Acme", Money(1_999, "USD"))
VIEW = Behaved("e-1", Action.VIEW, 5, "RETRO-CLOCK", placement="home", rank=3, list_id="rec_1", session="visit-1")
SEARCH = Behaved("e-2", Action.SEARCH, 6, query="clock")
PURCHASE = Behaved("e-3", Action.PURCHASE, 6, session="visit-1", order_id="ord_1")
RECORDED = BehaviourRecorded((VIEW, SEARCH), 9, {"RETRO-CLOCK": CLOCK})


def rows(key: str, *events: object) -> list[Behaviour]:
    return [row for row in rows_of_events("visitor", key, events, at=10) if isinstance(row, Behaviour)]  # type: ignore[arg-type]


def test_each_event_is_a_row_with_what_the_product_was_then() -> None:
    view, search = rows("anon_browser-1", RECORDED)
    assert (view.index, view.at, view.received_at, view.action, view.event_id) == (0, 5, 10, "view", "e-1")
    assert (view.price, view.currency, view.category) == (1_999, "USD", "Home > Clocks")
    assert (view.placement, view.rank, view.list_id, view.session) == ("home", 3, "rec_1", "visit-1")
    assert (search.index, search.action, search.query, search.price) == (1, "search", "clock", 0)


def test_a_purchase_says_whose_an_order_was_and_is_no_sale() -> None:
    (row,) = rows("anon_browser-1", BehaviourRecorded((PURCHASE,), 9))
    assert (row.action, row.visitor, row.order_id, row.sku, row.price) == ("ordered", "browser-1", "ord_1", "", 0)


@pytest.mark.parametrize(
    ("key", "visitor", "customer"),
    [("anon_browser-1", "browser-1", ""), ("acc_ada", "acc_ada", "acc_ada"), ("unlinked_3", "", "")],
)
def test_a_row_says_whose_it_is_unless_they_object(key: str, visitor: str, customer: str) -> None:
    assert {(row.visitor, row.customer) for row in rows(key, RECORDED)} == {(visitor, customer)}


def test_a_login_ties_the_visitor_to_the_customer_and_tells_nothing_twice() -> None:
    (login,) = rows("anon_browser-1", BehaviourHandedOver("acc_ada", 7))
    assert (login.action, login.visitor, login.customer, login.at) == ("login", "browser-1", "acc_ada", 7)
    assert rows("acc_ada", BehaviourTakenIn("anon_browser-1", 1, (VIEW,), {}, 8)) == []


def test_what_was_forgotten_is_told() -> None:
    (forget,) = rows("acc_ada", BehaviourForgotten(7))
    assert (forget.action, forget.customer, forget.at) == ("forget", "acc_ada", 7)


def test_entries_without_a_mark_tell_nothing() -> None:
    codec = STORIES["visitor"].kind
    assert codec.name == "visitor"
    assert set(MARKS) == {
        type(event).__name__.encode()
        for event in (RECORDED, BehaviourHandedOver("acc_ada", 7), BehaviourForgotten(7))
        if rows("anon_browser-1", event)
    }
