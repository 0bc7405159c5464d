"""How many who look also buy, and which carts were left standing."""

from ..question import Question
from ..report import CURRENCY, Chart, Column, Report, Unit, during

ABANDONED_AFTER_H = 24
"""Hours without a change after which a cart with something in it counts as abandoned."""

_FUNNEL = (
    Column("step", Unit.TEXT, "view, add, checkout or purchase"),
    Column("place", Unit.COUNT, "of the step, from 1"),
    Column("visitors", Unit.COUNT, "who did it in the period and can be told apart"),
    Column("of_first", Unit.SHARE, "of those who viewed something"),
    Column("of_step_before", Unit.SHARE, ""),
    Column("events", Unit.COUNT, "how often, with those who don't want to be known"),
)

_ABANDONED = (
    CURRENCY,
    Column("carts", Unit.COUNT, "changed in the period, with something in them"),
    Column("bought", Unit.COUNT, "of them that an order took"),
    Column("abandoned", Unit.COUNT, f"that nobody touched for {ABANDONED_AFTER_H} hours, and no order took"),
    Column("abandoned_share", Unit.SHARE, "of carts"),
    Column("value", Unit.MONEY, "what the abandoned ones hold, at the prices that were shown"),
)


def _funnel_sql(_question: Question) -> str:
    return f"""
        WITH steps(step, place) AS (VALUES ('view', 1), ('add', 2), ('checkout', 3), ('purchase', 4)),
        done AS (
            SELECT action AS step, visitor AS who FROM behaviour WHERE {during()}
            UNION ALL
            SELECT 'purchase', customer FROM orders WHERE status = 'confirmed' AND {during()}
        ), counted AS (
            SELECT step, place, count(DISTINCT who) FILTER (who <> '') AS visitors, count(who) AS events
            FROM steps LEFT JOIN done USING (step) GROUP BY ALL
        )
        SELECT step, place, visitors, visitors / nullif(first_value(visitors) OVER (ORDER BY place), 0),
            visitors / nullif(lag(visitors) OVER (ORDER BY place), 0), events
        FROM counted ORDER BY place LIMIT $limit"""  # noqa: S608


def _abandoned_sql(question: Question) -> str:
    return f"""
        WITH touched AS (
            SELECT cart_id, max(happened_at) AS last_at, bool_or(kind = 'sealed') AS sealed, bool_or(kind = 'merged')
                AS merged, max(happened_at) FILTER (kind = 'cleared') AS cleared_at
            FROM carts WHERE {during()} GROUP BY cart_id
        ), lines AS (
            SELECT cart_id, sku, arg_max(units, happened_at) AS units, arg_max(price, happened_at) AS price,
                arg_max(currency, happened_at) AS currency, max(happened_at) AS at_last
            FROM carts WHERE {during()} AND sku <> '' GROUP BY ALL
        ), held AS (
            SELECT cart_id, currency, sum(units * price) AS value FROM lines JOIN touched USING (cart_id)
            WHERE units > 0 AND at_last >= coalesce(cleared_at, at_last) AND NOT merged GROUP BY ALL
        ), judged AS (
            SELECT currency, value, sealed, NOT sealed
                AND epoch_ms(last_at) < $until - {ABANDONED_AFTER_H} * 3600000 AS abandoned
            FROM held JOIN touched USING (cart_id)
        )
        SELECT currency, count(*), count(*) FILTER (sealed), count(*) FILTER (abandoned),
            count(*) FILTER (abandoned) / count(*), coalesce(sum(value) FILTER (abandoned), 0)::BIGINT
        FROM judged {"WHERE currency = $currency" if question.currency else ""}
        GROUP BY currency ORDER BY currency LIMIT $limit"""  # noqa: S608


REPORTS = (
    Report(
        "funnel",
        "Funnel",
        "From looking to buying, by visitors who want to be known.",
        lambda _question: _FUNNEL,
        _funnel_sql,
        Chart("step", "visitors"),
    ),
    Report(
        "abandoned-carts",
        "Abandoned carts",
        "Carts with something in them that no order took.",
        lambda _question: _ABANDONED,
        _abandoned_sql,
        Chart("currency", "abandoned"),
    ),
)
