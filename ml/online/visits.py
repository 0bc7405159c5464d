"""Visits in which something was recommended, as a temporary table of a lake's connection: what was shown, what came of
it.

A visit is what one visitor did in one session, or, where there is no session, on one day; it counts for the variant
whose model it met first, and its lists of what is popular in a model's place count for nobody. Only a visit that met no
model at all counts its popular ones: in rows of their own, under the variant that was drawn, without a version.

What its customer bought within a day of its beginning, and before the next visit, is its revenue. A guest's order is
the visitor's who said first that it was theirs, by its id, which only whoever placed it knows; that there is one, since
when and of how much, the ledger of sales says.
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
    WITH listed AS (
        SELECT *, coalesce(nullif(visitor, ''), nullif(session, ''), list_id) AS who,
            CASE WHEN visitor = '' THEN who WHEN session <> '' THEN visitor || '/' || session
                ELSE visitor || '/' || strftime(happened_at, '%Y-%m-%d') END AS visit
        FROM impressions
        WHERE NOT shadow AND happened_at >= make_timestamptz($first_ms * 1000)
            AND happened_at < make_timestamptz($end_ms * 1000)
    ), shown AS (
        SELECT *, bool_or(fallback = '') OVER (PARTITION BY market, visit) AS modelled,
            fallback = '' OR NOT modelled AS counts
        FROM listed
    ), done AS (
        SELECT list_id, count(*) FILTER (action = 'click') > 0 AS clicked, count(*) FILTER (action = 'add') > 0 AS added
        FROM behaviour WHERE list_id <> '' GROUP BY list_id
    ), logins AS (
        SELECT visitor, arg_max(customer, happened_at) AS customer FROM behaviour
        WHERE action = 'login' GROUP BY visitor
    ), met AS (
        SELECT market, visit, modelled, any_value(who) AS who, min(happened_at) FILTER (counts) AS began,
            arg_min(variant, happened_at) FILTER (counts) AS variant,
            arg_min(model, happened_at) FILTER (counts) AS model,
            arg_min(version, happened_at) FILTER (counts) AS version,
            arg_min(propensity, happened_at) FILTER (counts) AS propensity,
            count(*) FILTER (counts) AS lists, count(*) FILTER (fallback <> '') AS fallbacks,
            count(*) FILTER (counts AND clicked) AS clicked_lists, count(*) FILTER (counts AND added) AS added_lists
        FROM shown LEFT JOIN done USING (list_id) GROUP BY market, visit, modelled
    ), known AS (
        SELECT met.*, CASE WHEN who LIKE 'acc\\_%' ESCAPE '\\' THEN who ELSE coalesce(customer, who) END AS person
        FROM met LEFT JOIN logins ON logins.visitor = met.who
    ), claimed AS (
        SELECT order_id, visitor, session FROM behaviour WHERE action = 'ordered' AND order_id <> ''
        QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY received_at, shard, position, "index") = 1
    ), sold AS (
        SELECT order_id, customer, happened_at, sum(net) AS net FROM sales
        WHERE kind = 'sale' AND currency = $currency GROUP BY ALL
    ), bought AS (
        SELECT order_id, happened_at, net, customer AS person FROM sold WHERE customer <> ''
        UNION ALL
        SELECT order_id, happened_at, net, coalesce(logins.customer, visitor) FROM sold JOIN claimed USING (order_id)
            LEFT JOIN logins USING (visitor) WHERE sold.customer = ''
        UNION ALL
        -- Of whoever was recommended to by the session's name alone, it is the visitor's.
        SELECT order_id, happened_at, net, session FROM sold JOIN claimed USING (order_id)
        WHERE sold.customer = '' AND session NOT IN ('', visitor)
    ), earned AS (
        SELECT known.market, visit, count(*) AS orders, sum(net) AS revenue FROM (
            SELECT known.market, visit, net
            FROM bought ASOF JOIN known ON bought.person = known.person AND bought.happened_at >= known.began
            WHERE bought.happened_at < known.began + INTERVAL {ATTRIBUTED_HOURS} HOUR
            QUALIFY row_number() OVER (PARTITION BY order_id, bought.happened_at ORDER BY known.began DESC, visit) = 1
        ) AS known GROUP BY ALL
    )
    SELECT known.*, strftime(began, '%Y-%m-%d') AS day, coalesce(orders, 0) AS orders,
        coalesce(revenue, 0)::DOUBLE AS revenue
    FROM known LEFT JOIN earned USING (market, visit)"""  # noqa: S608

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
