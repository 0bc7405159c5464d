"""What came of what was shown, from the rows of a lake."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.online.figures import OnlineFigures, online_figures
from ml.online.popular import popular_skus, repeated_skus
from ml.online.visits import Window
from tests.unit.ml.sources.small_lake import MINUTE_MS, START_MS, SmallLake

pytestmark = pytest.mark.integration


DAY = 24 * 60
WINDOW = Window(START_MS, START_MS + 10 * DAY * MINUTE_MS)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[SmallLake]:
    lake = SmallLake(tmp_path / "lake")
    yield lake
    lake.close()


def told(lake: SmallLake) -> OnlineFigures:
    lake.write()
    return online_figures(lake.directory, WINDOW)


def test_clicks_carts_and_sales_count_for_the_variant_that_was_met(lake: SmallLake) -> None:
    lake.showed(1, "l-1", visitor="browser-1", session="s-1", model="item-knn", version="3", propensity=0.9)
    lake.showed(2, "l-2", visitor="browser-1", session="s-1", model="item-knn", version="3", propensity=0.9)
    lake.showed(3, "l-3", "challenger", visitor="acc_ada", model="ease", version="4", propensity=0.1)
    lake.showed(4, "l-3", "shadow", visitor="acc_ada", model="other", version="5")
    for minute in (3, 4):
        lake.did(minute, "click", "RADIO", visitor="browser-1", list_id="l-1")
    lake.did(4, "add", "RADIO", visitor="browser-1", list_id="l-1")
    lake.did(4, "click", "RADIO", visitor="browser-9", list_id="made-up")
    lake.did(6, "login", visitor="browser-1", customer="acc_bob")
    sold = {"currency": "EUR", "net": 1_000}
    lake.sold(10, "RADIO", customer="acc_bob", order_id="o-1", **sold)
    lake.sold(10, "LAMP", customer="acc_bob", order_id="o-1", **sold)
    lake.sold(20, "RADIO", customer="acc_bob", order_id="o-2", **sold)
    lake.sold(0.5, "RADIO", customer="acc_ada", order_id="o-3", **sold)
    lake.sold(3 + DAY, "RADIO", customer="acc_ada", order_id="o-4", **sold)
    lake.sold(9, "RADIO", customer="acc_ada", order_id="o-5", currency="USD", net=9)
    lake.sold(9, "RADIO", customer="", order_id="o-6", **sold)
    figures = told(lake)
    assert figures.currency == "EUR"
    challenger, champion = figures.variants
    assert (champion.variant, champion.model, champion.version) == ("champion", "item-knn", "3")
    assert (champion.visits, champion.visitors, champion.lists, champion.fallbacks) == (1, 1, 2, 0)
    assert (champion.clicked_lists, champion.clicked_visits, champion.added_visits) == (1, 1, 1)
    assert (champion.bought_visits, champion.orders, champion.revenue) == (1, 2, 3_000.0)
    assert champion.click_through == 0.5
    assert champion.revenue_per_visit == 3_000.0
    assert (challenger.visits, challenger.lists, challenger.orders) == (1, 1, 0), "neither before it nor a day later"


def test_a_sale_counts_once_for_the_last_visit_before_it(lake: SmallLake) -> None:
    lake.showed(0, "l-1", visitor="acc_ada", session="s-1", version="3", propensity=1.0)
    lake.showed(60, "l-2", visitor="acc_ada", session="s-2", version="3", propensity=1.0)
    lake.showed(DAY * 2, "l-3", visitor="acc_ada", version="3", propensity=1.0)
    lake.sold(70, "RADIO", customer="acc_ada", order_id="o-1", currency="EUR", net=500)
    (champion,) = told(lake).variants
    assert (champion.visits, champion.orders, champion.revenue) == (3, 1, 500.0)
    days = [(row.day, row.orders) for row in told(lake).days]
    assert days == [("2023-11-16", 0), ("2023-11-14", 1)]


GUEST = {"visitor": "browser-1", "session": "s-1"}
SOLD = {"currency": "EUR", "net": 1_000}


def test_a_guests_order_counts_for_whoever_says_first_that_it_was_theirs(lake: SmallLake) -> None:
    lake.showed(1, "l-1", **GUEST, version="3", propensity=0.5)
    lake.showed(1, "l-2", "challenger", visitor="browser-2", version="4", propensity=0.5)
    lake.sold(5, "RADIO", customer="", order_id="o-1", **SOLD)
    lake.sold(5, "LAMP", customer="", order_id="o-1", **SOLD)
    lake.sold(6, "LAMP", customer="", order_id="o-untold", **SOLD)
    for _ in range(3):
        lake.did(6, "ordered", order_id="o-1", price=9_999_999, quantity=1_000, **GUEST)
    lake.did(7, "ordered", order_id="o-1", visitor="browser-2", session="s-1")
    lake.did(7, "ordered", order_id="o-made-up", visitor="browser-2")
    champion, challenger = sorted(told(lake).variants, key=lambda row: row.version)
    assert (champion.bought_visits, champion.orders, champion.revenue) == (1, 1, 2_000.0)
    assert (challenger.bought_visits, challenger.orders, challenger.revenue) == (0, 0, 0.0)


def test_nobody_gets_a_customers_order_by_naming_it(lake: SmallLake) -> None:
    lake.showed(1, "l-1", visitor="acc_ada", version="3", propensity=0.5)
    lake.showed(2, "l-2", "challenger", visitor="browser-2", version="4", propensity=0.5)
    lake.sold(5, "RADIO", customer="acc_ada", order_id="o-1", **SOLD)
    lake.did(6, "ordered", order_id="o-1", visitor="browser-2")
    lake.did(7, "ordered", order_id="o-1", visitor="acc_ada", customer="acc_ada")
    assert {row.version: row.orders for row in told(lake).variants} == {"3": 1, "4": 0}


@pytest.mark.parametrize(("sold", "counted"), [(0.5, 0), (2 + DAY, 0), (30, 1)], ids=["before", "a day on", "within"])
def test_a_guests_order_counts_for_a_visit_as_a_customers_does(lake: SmallLake, sold: float, counted: int) -> None:
    lake.showed(1, "l-1", **GUEST, version="3", propensity=1.0)
    lake.sold(sold, "RADIO", customer="", order_id="o-1", **SOLD)
    lake.did(sold + 1, "ordered", order_id="o-1", **GUEST)
    (champion,) = told(lake).variants
    assert champion.orders == counted


def test_a_guest_known_by_the_session_alone_and_one_who_logs_in_later_have_their_orders(lake: SmallLake) -> None:
    lake.showed(1, "l-1", visitor="s-1", version="3", propensity=1.0)
    lake.showed(1, "l-2", visitor="browser-2", version="3", propensity=1.0)
    for number in (1, 2):
        lake.sold(5, "RADIO", customer="", order_id=f"o-{number}", **SOLD)
        lake.did(6, "ordered", order_id=f"o-{number}", visitor=f"browser-{number}", session=f"s-{number}")
    lake.did(8, "login", visitor="browser-2", customer="acc_bob")
    lake.sold(9, "LAMP", customer="acc_bob", order_id="o-3", **SOLD)
    (champion,) = told(lake).variants
    assert (champion.bought_visits, champion.orders, champion.revenue) == (2, 3, 3_000.0)


def test_popular_lists_in_a_models_place_count_for_no_model(lake: SmallLake) -> None:
    popular = {"model": "popular", "fallback": "slow", "propensity": 0.5}
    model = {"model": "ease", "version": "4", "propensity": 0.5}
    # One whose model came late, and one who never met it.
    lake.showed(1, "l-1", "challenger", visitor="browser-1", **popular)
    lake.showed(2, "l-2", "challenger", visitor="browser-1", **model)
    lake.showed(3, "l-3", "challenger", visitor="browser-1", **popular)
    lake.showed(1, "l-4", "challenger", visitor="browser-2", **popular)
    for visitor, lists in ((1, (1, 3)), (2, (4,))):
        for number in lists:
            for action in ("click", "add"):
                lake.did(4, action, "RADIO", visitor=f"browser-{visitor}", list_id=f"l-{number}")
    lake.sold(1.5, "RADIO", customer="", order_id="o-1", **SOLD)
    lake.did(4, "ordered", order_id="o-1", visitor="browser-1")
    figures = told(lake)
    nobodys, ease = figures.variants
    assert (ease.model, ease.version, ease.visits, ease.lists, ease.fallbacks) == ("ease", "4", 1, 1, 2)
    assert (ease.clicked_lists, ease.added_visits, ease.orders) == (0, 0, 0), "bought before it met the model"
    assert (nobodys.variant, nobodys.model, nobodys.version) == ("challenger", "popular", "")
    assert (nobodys.visits, nobodys.lists, nobodys.fallbacks, nobodys.clicked_lists) == (1, 1, 1, 1)
    assert [row.version for row in figures.off_policy] == ["4"]


def experiment(lake: SmallLake, champion_clicks: int, challenger_clicks: int, visitors: int = 200) -> None:
    for number in range(visitors):
        for variant, version, clicks in (("champion", "3", champion_clicks), ("challenger", "4", challenger_clicks)):
            list_id = f"{variant}-{number}"
            lake.showed(number, list_id, variant, visitor=f"{variant}-{number}", version=version, propensity=0.5)
            if number * 100 < clicks * visitors:
                lake.did(number + 1, "click", "RADIO", visitor=f"{variant}-{number}", list_id=list_id)


def test_a_challenger_that_is_clicked_more_is_told_apart_from_chance(lake: SmallLake) -> None:
    experiment(lake, 20, 40)
    # On a day that only one of them served, they can't be compared.
    for number in range(50):
        lake.showed(DAY * 3 + number, f"alone-{number}", visitor=f"alone-{number}", version="3", propensity=1.0)
    (trial,) = told(lake).trials
    assert (trial.champion, trial.challenger, trial.visitors) == ("3", "4", (200, 200))
    clicks, adds, purchases, revenue = trial.differences
    assert (clicks.champion, clicks.challenger) == (0.2, 0.4)
    assert clicks.low > 0
    assert clicks.p is not None
    assert clicks.p < 0.001
    assert (adds.measure, purchases.measure, revenue.measure) == ("add_to_cart", "purchase", "revenue")
    assert revenue.p is None, "nobody bought anything"


def test_equal_variants_are_not_told_apart(lake: SmallLake) -> None:
    experiment(lake, 30, 31)
    (trial,) = told(lake).trials
    assert trial.differences[0].p is not None
    assert trial.differences[0].p > 0.5


def test_off_policy_undoes_that_shares_changed_over_time(lake: SmallLake) -> None:
    """On a day when everybody clicks, a tenth gets the challenger; on one when nobody does, half of them."""
    for day, share, clicks in ((0, 10, True), (1, 50, False)):
        for number in range(100):
            variant = "challenger" if number < share else "champion"
            propensity = share / 100 if variant == "challenger" else 1 - share / 100
            name = f"{day}-{number}"
            version = "4" if variant == "challenger" else "3"
            lake.showed(day * DAY + number, name, variant, visitor=name, version=version, propensity=propensity)
            if clicks:
                lake.did(day * DAY + number, "click", "RADIO", visitor=name, list_id=name)
    figures = told(lake)
    naive = {row.variant: row.click_through for row in figures.variants}
    assert naive["champion"] > 0.6
    assert naive["challenger"] < 0.2
    estimates = {row.variant: row for row in figures.off_policy}
    for variant in ("champion", "challenger"):
        assert estimates[variant].click_through_ips == pytest.approx(0.5)
        assert estimates[variant].click_through_snips == pytest.approx(0.5)
    assert estimates["challenger"].effective_visits < estimates["challenger"].visits


def test_an_empty_lake_has_empty_figures(tmp_path: Path) -> None:
    figures = online_figures(tmp_path / "nowhere", WINDOW)
    assert (figures.variants, figures.trials, figures.off_policy, figures.currency) == ([], [], [], "")
    assert popular_skus(tmp_path / "nowhere", START_MS) == repeated_skus(tmp_path / "nowhere", START_MS) == []


def test_what_is_popular_is_what_is_bought_and_looked_at_lately(lake: SmallLake) -> None:
    for minute in range(6):
        lake.did(minute, "view", "OLD-FASHION", visitor="v")
    lake.did(9 * DAY, "view", "RADIO", visitor="v")
    lake.sold(9 * DAY, "LAMP", customer="acc_ada", order_id="o-1", currency="EUR", net=1, gross=1)
    lake.did(9 * DAY, "add", "REGRET", visitor="v")
    for _ in range(2):
        lake.did(9 * DAY, "remove", "REGRET", visitor="v")
    lake.write()
    assert popular_skus(lake.directory, START_MS + 9 * DAY * MINUTE_MS + 60_000) == ["LAMP", "RADIO", "OLD-FASHION"]
    assert popular_skus(lake.directory, START_MS + 30 * DAY * MINUTE_MS) == []


def test_what_customers_buy_again_on_another_day_is_repeated(lake: SmallLake) -> None:
    for number in range(6):
        for sku, days in (("COFFEE", (1, 8) if number < 3 else (1,)), ("SOFA", (1,))):
            for day in days:
                lake.sold(day * DAY, sku, customer=f"acc_{number}", order_id=f"{number}-{day}", currency="EUR")
        lake.sold(DAY, "SOFA", customer=f"acc_{number}", order_id=f"{number}-1", currency="EUR")
    lake.sold(DAY, "RARE", customer="acc_0", order_id="r-1", currency="EUR")
    lake.sold(2 * DAY, "RARE", customer="acc_0", order_id="r-2", currency="EUR")
    lake.write()
    assert repeated_skus(lake.directory, START_MS + 20 * DAY * MINUTE_MS) == ["COFFEE"]
