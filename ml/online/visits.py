"""Visits in which something was recommended, as a temporary table of a lake's connection: what was shown, what came of
it.

A visit is what one visitor did in one session, or, where there is no session, on one day; it counts for the variant
that it met first. What its customer bought within a day of its beginning, and before the next visit, is its revenue.
Guests' orders name nobody, so they count for no variant: for none more than for another.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

ATTRIBUTED_HOURS = 24
"""So long after its beginning a visit's sales are its own."""


class Window(NamedTuple):
    """From, up to but without: milliseconds UTC."""

    first_ms: int
    end_ms: int


VISITS = f"""
    CREATE TEMP TABLE visits AS
    WITH shown AS (
        SELECT *, coalesce(nullif(visitor, ''), nullif(session, ''), list_id) AS who,
            CASE WHEN visitor = '' THEN who WHEN session <> '' THEN visitor || '/' || session
                ELSE visitor || '/' || strftime(happened_at, '%Y-%m-%d') END AS visit
        FROM impressions
        WHERE NOT shadow AND happened_at >= make_timestamptz($first_ms * 1000)
            AND happened_at < make_timestamptz($end_ms * 1000)
    ), done AS (
        SELECT list_id, count(*) FILTER (action = 'click') > 0 AS clicked, count(*) FILTER (action = 'add') > 0 AS added
        FROM behaviour WHERE list_id <> '' GROUP BY list_id
    ), logins AS (
        SELECT visitor, arg_max(customer, happened_at) AS customer FROM behaviour
        WHERE action = 'login' GROUP BY visitor
    ), met AS (
        SELECT market, visit, any_value(who) AS who, min(happened_at) AS began,
            arg_min(variant, happened_at) AS variant, arg_min(model, happened_at) AS model,
            arg_min(version, happened_at) AS version, arg_min(propensity, happened_at) AS propensity,
            count(*) AS lists, count(*) FILTER (fallback <> '') AS fallbacks,
            count(*) FILTER (clicked) AS clicked_lists, count(*) FILTER (added) AS added_lists
        FROM shown LEFT JOIN done USING (list_id) GROUP BY market, visit
    ), known AS (
        SELECT met.*, CASE WHEN who LIKE 'acc\\_%' ESCAPE '\\' THEN who ELSE coalesce(customer, '') END AS customer
        FROM met LEFT JOIN logins ON logins.visitor = met.who
    ), sold AS (
        SELECT customer, order_id, happened_at, sum(net) AS net FROM sales
        WHERE kind = 'sale' AND customer <> '' AND currency = $currency GROUP BY ALL
    ), bought AS (
        SELECT known.market, visit, count(*) AS orders, sum(net) AS revenue
        FROM sold ASOF JOIN known ON sold.customer = known.customer AND sold.happened_at >= known.began
        WHERE sold.happened_at < known.began + INTERVAL {ATTRIBUTED_HOURS} HOUR GROUP BY ALL
    )
    SELECT known.*, strftime(began, '%Y-%m-%d') AS day, coalesce(orders, 0) AS orders,
        coalesce(revenue, 0)::DOUBLE AS revenue
    FROM known LEFT JOIN bought USING (market, visit)"""  # noqa: S608

CURRENCY = """
    SELECT currency FROM sales WHERE kind = 'sale' AND happened_at >= make_timestamptz($first_ms * 1000)
    GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1"""


def gather_visits(lake: "duckdb.DuckDBPyConnection", window: Window, currency: str = "") -> str:
    """Make the table `visits` of lists shown in the window; the currency of its revenue: by default the one that most
    was sold in."""
    if not currency:
        found = lake.execute(CURRENCY, {"first_ms": window.first_ms}).fetchone()
        currency = found[0] if found else ""
    lake.execute(VISITS, {"first_ms": window.first_ms, "end_ms": window.end_ms, "currency": currency})
    return currency
