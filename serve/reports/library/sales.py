"""What was sold, less what came back, by time and by whatever tells rows apart; and what became of orders."""

from collections.abc import Mapping

from ml.lake.summaries import Partial

from ..question import DIMENSIONS, INTERVALS, Question
from ..report import CURRENCY, Chart, Column, Report, Unit, in_period, of_currency

_COLUMNS = (
    Column("orders", Unit.COUNT, "orders confirmed that had a line of it then"),
    Column("units", Unit.COUNT, "sold, less those that were cancelled or came back"),
    Column("gross", Unit.MONEY, "what was sold, at its price before discounts"),
    Column("discounts", Unit.MONEY, "what was taken off"),
    Column("returns", Unit.MONEY, "given back without its tax: cancellations, returns, refunds"),
    Column("net", Unit.MONEY, "what the shop keeps for its goods: without tax, after discounts and returns"),
    Column("shipping", Unit.MONEY, "charged for bringing them, without tax"),
    Column("tax", Unit.MONEY, "of goods and shipping, less that of returns"),
    Column("total", Unit.MONEY, "net + shipping + tax: what was charged, less what was given back"),
    Column("average_order", Unit.MONEY, "the value of an order when it was confirmed, rounded; null without orders"),
)

_VALUES = {
    "": "''",
    "product": "sku",
    "category": "category",
    "vendor": "vendor",
    "country": "country",
    "group": "member",
}
"""SQL of what tells rows apart. Who is in two customer groups is in both rows."""

_CONFIRMED = "kind = 'sale' AND happened_at = ordered_at"
_FIRST_LINES = f'count(*) FILTER ({_CONFIRMED} AND "index" = 0)'
_ENTRIES = f"count(DISTINCT position * 65536 + shard) FILTER ({_CONFIRMED})"
_ORDERS = {
    "": _FIRST_LINES,
    "product": f"count(*) FILTER ({_CONFIRMED})",
    "category": _ENTRIES,
    "vendor": _ENTRIES,
    "country": _FIRST_LINES,
    "group": _FIRST_LINES,
}
"""SQL of how many orders were confirmed: each has one entry for that, whose rows are its lines, one for each SKU. To
tell orders apart by their names would take longer than all the rest."""


def _columns(question: Question) -> list[Column]:
    first = [Column("period", Unit.PERIOD, "where it begins")] if question.interval else []
    if question.by:
        first.append(Column(question.by, Unit.TEXT, "empty: of none, or nobody knows"))
    return [*first, CURRENCY, *_COLUMNS]


def _added(question: Question) -> Mapping[str, Partial]:
    # Shipping is of an order, not of a product: it is told where rows aren't told apart by one.
    of_lines = question.by in ("product", "category", "vendor")
    table = "(SELECT *, unnest(string_split(groups, ',')) AS member FROM part)" if question.by == "group" else "part"
    sql = f"""
        SELECT {question.slot()} AS slot, {_VALUES[question.by]} AS value, currency,
            {_ORDERS[question.by]} AS orders,
            sum(units)::BIGINT AS units,
            sum(gross) FILTER (kind = 'sale')::BIGINT AS gross,
            sum(discount) FILTER (kind = 'sale')::BIGINT AS discounts,
            -sum(net) FILTER (kind NOT IN ('sale', 'shipping'))::BIGINT AS returns,
            sum(net) FILTER (kind <> 'shipping')::BIGINT AS net,
            sum(net) FILTER (kind = 'shipping')::BIGINT AS shipping,
            sum(tax)::BIGINT AS tax,
            sum(total)::BIGINT AS total,
            sum(total) FILTER (kind IN ('sale', 'shipping'))::BIGINT AS charged
        FROM {table} WHERE {"kind <> 'shipping'" if of_lines else "true"} GROUP BY ALL"""  # noqa: S608
    return {"added": Partial(sql)}


def _sql(question: Question) -> str:
    first = [f"{question.period()} AS period"] if question.interval else []
    if question.by:
        first.append(f'value AS "{question.by}"')
    named = ", ".join([*first, "currency"])
    grouped = ", ".join([*(["period"] if question.interval else []), *(["value"] if question.by else []), "currency"])
    return f"""
        SELECT {named},
            sum(orders)::BIGINT, sum(units)::BIGINT, coalesce(sum(gross), 0)::BIGINT,
            coalesce(sum(discounts), 0)::BIGINT, coalesce(sum(returns), 0)::BIGINT, coalesce(sum(net), 0)::BIGINT,
            coalesce(sum(shipping), 0)::BIGINT, sum(tax)::BIGINT, sum(total)::BIGINT,
            round(sum(charged) / nullif(sum(orders), 0))::BIGINT AS average_order
        FROM added
        WHERE {of_currency(question)}
        GROUP BY {grouped}
        ORDER BY {grouped}
        LIMIT $limit"""  # noqa: S608


def _orders_sql(question: Question) -> str:
    named = [f"{question.period()} AS period"] if question.interval else []
    grouped = ", ".join([*(["period"] if question.interval else []), "status", "reason"])
    return f"""
        SELECT {", ".join([*named, "status", "reason"])}, sum(many)::BIGINT
        FROM (
            SELECT {question.slot()} AS slot, status,
                CASE WHEN status = 'rejected' THEN reason ELSE '' END AS reason, count(*) AS many
            FROM orders WHERE {in_period(question)} GROUP BY ALL
        )
        GROUP BY {grouped} ORDER BY {grouped} LIMIT $limit"""  # noqa: S608


def _orders_columns(question: Question) -> list[Column]:
    first = [Column("period", Unit.PERIOD, "where it begins")] if question.interval else []
    return [
        *first,
        Column("status", Unit.TEXT, "which orders came to in the period: one that was confirmed was placed, too"),
        Column("reason", Unit.TEXT, "why they were rejected"),
        Column("orders", Unit.COUNT, "how many"),
    ]


def _refused_sql(question: Question) -> str:
    return f"""
        SELECT sku, reason, currency, count(*), sum(requested)::BIGINT,
            sum((requested - least(requested, available)) * price)::BIGINT AS missed
        FROM refusals WHERE {in_period(question)}
        GROUP BY ALL ORDER BY missed DESC, sku, reason LIMIT $limit"""  # noqa: S608


_REFUSED = (
    Column("sku", Unit.TEXT, ""),
    Column("reason", Unit.TEXT, "why the order did not get it"),
    CURRENCY,
    Column("lines", Unit.COUNT, "of orders that were refused it"),
    Column("units", Unit.COUNT, "that were wanted"),
    Column("missed", Unit.MONEY, "at its price, the units that weren't there"),
)

REPORTS = (
    Report(
        "sales",
        "Sales",
        "Gross, discounts, returns, tax and net, by hour, day, week or month and by product, category, vendor, country "
        "or customer group. Each movement counts when it happened: a return in the month in which it came back.",
        _columns,
        _sql,
        Chart("period", "net", "line", "currency"),
        INTERVALS,
        DIMENSIONS,
        default_interval="day",
        partials=_added,
    ),
    Report(
        "orders",
        "Orders",
        "How many orders came to which status, and why orders were rejected.",
        _orders_columns,
        _orders_sql,
        Chart("period", "orders", "line", "status"),
        INTERVALS,
        default_interval="day",
    ),
    Report(
        "refused-demand",
        "Refused demand",
        "What orders wanted and did not get. Who ordered nothing, told that it is sold out, isn't in it.",
        lambda _question: _REFUSED,
        _refused_sql,
        Chart("sku", "missed"),
    ),
)
