"""What sells, and what lies there."""

from ..question import Question
from ..report import CURRENCY, Chart, Column, Report, Unit, in_period

_BEST = (
    Column("rank", Unit.COUNT, "1 is the best in its currency"),
    Column("sku", Unit.TEXT, ""),
    Column("title", Unit.TEXT, "as of now"),
    CURRENCY,
    Column("orders", Unit.COUNT, ""),
    Column("units", Unit.COUNT, "sold, less those that came back"),
    Column("net", Unit.MONEY, "without tax, after discounts and returns"),
    Column("returned_share", Unit.SHARE, "of the units sold, those that were cancelled or came back in the period"),
)

_SLOW = (
    Column("sku", Unit.TEXT, ""),
    Column("title", Unit.TEXT, "as of now"),
    Column("on_hand", Unit.COUNT, "now, at all locations"),
    Column("units", Unit.COUNT, "sold in the period, less those that came back"),
    Column("last_sold", Unit.PERIOD, "the day of the last sale; empty: never"),
    Column("stock_cost_milli", Unit.NUMBER, "what the units cost, in thousandths of a minor unit; 0: nobody knows"),
    Column("cost_currency", Unit.TEXT, ""),
)


def _best_sql(question: Question) -> str:
    return f"""
        WITH sold AS (
            SELECT sku, currency, count(*) FILTER (kind = 'sale' AND happened_at = ordered_at) AS orders,
                sum(units) AS units, sum(net) AS net,
                sum(units) FILTER (kind = 'sale') AS out,
                -sum(units) FILTER (kind <> 'sale') AS back
            FROM sales WHERE {in_period(question)} AND sku <> '' GROUP BY ALL
        )
        SELECT row_number() OVER (PARTITION BY sold.currency ORDER BY net DESC, sold.sku) AS rank,
            sold.sku, coalesce(title, ''), sold.currency, orders, units::BIGINT, net::BIGINT,
            coalesce(back, 0) / nullif(out, 0)
        FROM sold LEFT JOIN products_now ON products_now.sku = sold.sku
        ORDER BY sold.currency, rank LIMIT $limit"""  # noqa: S608


def _slow_sql(question: Question) -> str:
    return f"""
        WITH stock AS (
            SELECT sku, sum(on_hand) AS on_hand, sum(on_hand * unit_cost_milli) AS cost_milli,
                max(currency) AS cost_currency
            FROM stock_now GROUP BY sku HAVING sum(on_hand) > 0
        ), sold AS (
            SELECT sku, sum(units) AS units FROM sales WHERE {in_period(question)} GROUP BY sku
        ), last AS (
            SELECT sku, max(happened_at) AS at_last FROM sales WHERE kind = 'sale' GROUP BY sku
        )
        SELECT stock.sku, coalesce(title, ''), on_hand::BIGINT, coalesce(units, 0)::BIGINT AS units,
            coalesce(strftime(make_timestamp_ms(epoch_ms(at_last)), '%Y-%m-%d'), ''), cost_milli::BIGINT, cost_currency
        FROM stock LEFT JOIN sold USING (sku) LEFT JOIN last USING (sku)
        LEFT JOIN products_now ON products_now.sku = stock.sku
        ORDER BY units / on_hand, on_hand DESC, stock.sku LIMIT $limit"""  # noqa: S608


REPORTS = (
    Report(
        "best-sellers",
        "Best sellers",
        "Products by what the shop kept of their sales.",
        lambda _question: _BEST,
        _best_sql,
        Chart("sku", "net"),
    ),
    Report(
        "slow-movers",
        "Slow movers",
        "What is on hand and sells least for it.",
        lambda _question: _SLOW,
        _slow_sql,
        Chart("sku", "on_hand"),
    ),
)
