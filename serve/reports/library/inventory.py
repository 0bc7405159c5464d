"""How fast stock moves, how long what is there will last, and what being without it cost."""

from ..question import Question
from ..report import Chart, Column, Report, Unit, during

_TURNOVER = (
    Column("sku", Unit.TEXT, ""),
    Column("title", Unit.TEXT, "as of now"),
    Column("sold", Unit.COUNT, "units that left in the period, less those that came back"),
    Column("on_hand_first", Unit.COUNT, "at the beginning of the period, at all locations"),
    Column("on_hand_last", Unit.COUNT, "at its end"),
    Column("on_hand_average", Unit.NUMBER, "over the time of the period"),
    Column("turnover_yearly", Unit.NUMBER, "sold a year / on hand in the average; null where nothing was there"),
    Column("days_of_supply", Unit.DAYS, "that the last quantity lasts at the period's pace; null without sales"),
    Column("sell_through", Unit.SHARE, "sold / (there at the beginning + received)"),
    Column("received", Unit.COUNT, "in the period"),
)

_STOCKOUTS = (
    Column("sku", Unit.TEXT, ""),
    Column("title", Unit.TEXT, "as of now"),
    Column("times", Unit.COUNT, "that nothing was available any more"),
    Column("days_out", Unit.DAYS, "of the period without anything available"),
    Column("out_now", Unit.COUNT, "1: at the period's end there was nothing"),
    Column("daily_units", Unit.NUMBER, "sold a day while there was something"),
    Column("lost_units", Unit.NUMBER, "daily_units x days_out: what might have been sold"),
    Column("price", Unit.MONEY, "of one unit, as of now, in its `currency`"),
    Column("currency", Unit.TEXT, ""),
    Column("lost_sales", Unit.MONEY, "lost_units at the price"),
)


def _levels(question: Question, what: str) -> str:
    """SQL: for each stock how long (ms) each level of `what` held within the period: at the beginning the level that
    was left by the last change before."""
    del question
    return f"""
        SELECT sku, location, {what} AS level, epoch_ms(happened_at) AS began,
            lead(epoch_ms(happened_at), 1, $until)
                OVER (PARTITION BY sku, location ORDER BY happened_at, position, "index") AS ended
        FROM stock_moves WHERE epoch_ms(happened_at) < $until"""  # noqa: S608


def _turnover_sql(question: Question) -> str:
    days = question.days
    return f"""
        WITH levels AS ({_levels(question, "on_hand")}),
        weighed AS (
            SELECT sku, sum(level * (least(ended, $until) - greatest(began, $since)))
                    FILTER (ended > $since) / ($until - $since)::DOUBLE AS average,
                sum(level) FILTER (began < $since AND ended >= $since) AS first,
                sum(level) FILTER (ended >= $until) AS last
            FROM levels GROUP BY sku
        ), moved AS (
            SELECT sku, -sum(on_hand_change) FILTER (kind IN ('sold', 'returned', 'backorder-filled')) AS sold,
                sum(units) FILTER (kind = 'received') AS received
            FROM stock_moves WHERE {during()} GROUP BY sku
        )
        SELECT weighed.sku, coalesce(title, ''), coalesce(sold, 0)::BIGINT AS sold, coalesce(first, 0)::BIGINT,
            coalesce(last, 0)::BIGINT, coalesce(average, 0), coalesce(sold, 0) * 365.0 / {days} / nullif(average, 0),
            coalesce(last, 0) * {days}.0 / nullif(greatest(coalesce(sold, 0), 0), 0),
            coalesce(sold, 0) / nullif(coalesce(first, 0) + coalesce(received, 0), 0), coalesce(received, 0)::BIGINT
        FROM weighed LEFT JOIN moved ON moved.sku = weighed.sku
        LEFT JOIN products_now ON products_now.sku = weighed.sku
        ORDER BY sold DESC, weighed.sku LIMIT $limit"""  # noqa: S608


def _stockouts_sql(question: Question) -> str:
    return f"""
        WITH levels AS ({_levels(question, "available")}),
        out AS (
            SELECT sku, count(*) FILTER (began >= $since) AS times,
                sum(least(ended, $until) - greatest(began, $since)) AS out_ms,
                max(CASE WHEN ended >= $until THEN 1 ELSE 0 END) AS out_now
            FROM levels WHERE level <= 0 AND ended > greatest(began, $since) GROUP BY sku
        ), sold AS (
            SELECT sku, -sum(on_hand_change) AS units FROM stock_moves
            WHERE kind IN ('sold', 'returned') AND {during()} GROUP BY sku
        ), paced AS (
            SELECT sku, times, out_ms / 86400000.0 AS days_out, out_now,
                coalesce(units, 0) * 86400000.0 / nullif($until - $since - out_ms, 0) AS daily
            FROM out LEFT JOIN sold USING (sku)
        )
        SELECT paced.sku, coalesce(title, ''), times, days_out, out_now, coalesce(daily, 0),
            coalesce(daily * days_out, 0), coalesce(price, 0), coalesce(currency, ''),
            round(coalesce(daily * days_out * price, 0))::BIGINT AS lost
        FROM paced LEFT JOIN products_now ON products_now.sku = paced.sku
        WHERE times > 0 OR days_out > 0
        ORDER BY lost DESC, days_out DESC, paced.sku LIMIT $limit"""  # noqa: S608


REPORTS = (
    Report(
        "turnover",
        "Inventory turnover",
        "How often the average stock was sold, how long the rest lasts, and how much of what was there was sold.",
        lambda _question: _TURNOVER,
        _turnover_sql,
        Chart("sku", "turnover_yearly"),
    ),
    Report(
        "stock-outs",
        "Stock-outs",
        "When nothing was available, and what might have been sold at the pace of the days when something was.",
        lambda _question: _STOCKOUTS,
        _stockouts_sql,
        Chart("sku", "lost_sales"),
    ),
)
