"""Customers by when they came, how often they buy and what they are worth. Guests aren't told apart, so not counted."""

from collections.abc import Mapping

from ml.lake.summaries import Partial

from ..question import Question
from ..report import CURRENCY, Chart, Column, Report, Unit, of_currency

_COHORTS = (
    Column("cohort", Unit.PERIOD, "the month of the first order ever"),
    Column("month", Unit.COUNT, "months since; 0 is the month of the first order"),
    CURRENCY,
    Column("customers", Unit.COUNT, "in the cohort"),
    Column("active", Unit.COUNT, "of them who ordered in that month"),
    Column("retention", Unit.SHARE, "active / customers"),
    Column("net", Unit.MONEY, "of what they ordered in that month, less returns"),
)

_VALUES = (
    Column("customer", Unit.TEXT, "account"),
    CURRENCY,
    Column("first_order", Unit.PERIOD, "ever"),
    Column("last_order", Unit.PERIOD, "in the period"),
    Column("recency_days", Unit.DAYS, "from the last order to the end of the period"),
    Column("orders", Unit.COUNT, "in the period"),
    Column("net", Unit.MONEY, "in the period, less returns: the value so far"),
    Column("r", Unit.COUNT, "1 to 5 by recency; 5 ordered last"),
    Column("f", Unit.COUNT, "1 to 5 by number of orders; 5 orders most"),
    Column("m", Unit.COUNT, "1 to 5 by net; 5 is worth most"),
    Column("expected_yearly", Unit.MONEY, "net a year at the pace since the period's first order, of 30 days at least"),
)


def _cohorts_added(question: Question) -> Mapping[str, Partial]:
    month = f"date_trunc('month', make_timestamp_ms(epoch_ms(ordered_at) + ({question.shift('ordered_at')})))"
    sql = f"""
        SELECT customer, currency, {month} AS of_month, sum(net)::BIGINT AS net
        FROM part WHERE customer <> '' GROUP BY ALL"""  # noqa: S608
    return {"added": Partial(sql, ever=True)}


def _cohorts_sql(question: Question) -> str:
    return f"""
        WITH bought AS (
            SELECT customer, currency, of_month, sum(net) AS net
            FROM added WHERE {of_currency(question)} GROUP BY ALL
        ), cohort AS (
            SELECT customer, currency, min(of_month) AS began FROM bought GROUP BY ALL
        ), size AS (
            SELECT currency, began, count(*) AS customers FROM cohort GROUP BY ALL
        ), active AS (
            SELECT currency, began, of_month, count(*) AS active, sum(net) AS net
            FROM bought JOIN cohort USING (customer, currency)
            WHERE began >= date_trunc('month', DATE '{question.first}') AND of_month <= DATE '{question.last}'
            GROUP BY ALL
        )
        SELECT strftime(began, '%Y-%m') AS cohort, datediff('month', began, of_month) AS month, currency,
            customers, active, active / customers, net::BIGINT
        FROM active JOIN size USING (currency, began)
        ORDER BY currency, cohort, month LIMIT $limit"""  # noqa: S608


FIFTHS = "[0.2, 0.4, 0.6, 0.8]"
"""Shares of all customers at the bounds between fifths."""


def _values_added(_question: Question) -> Mapping[str, Partial]:
    bought = """
        SELECT customer, currency, sum(net)::BIGINT AS net,
            count(*) FILTER (kind = 'sale' AND happened_at = ordered_at AND "index" = 0) AS orders,
            min(ordered_at) AS began, max(happened_at) FILTER (kind = 'sale') AS last_at
        FROM part WHERE customer <> '' GROUP BY ALL"""
    ever = "SELECT customer, min(ordered_at) AS first_at FROM part WHERE customer <> '' GROUP BY ALL"
    return {"added": Partial(bought), "first_seen": Partial(ever, ever=True)}


def _fifth_of(column: str) -> str:
    """From 1, the lowest fifth, to 5: one more than the bounds that lie below, so equals are in the same."""
    return "1 + " + " + ".join(f"({column}_bounds[{bound}] < {column})::INTEGER" for bound in range(1, 5))


def _values_sql(question: Question) -> str:
    return f"""
        WITH bought AS (
            SELECT customer, currency, sum(net)::BIGINT AS net, sum(orders)::BIGINT AS orders,
                min(began) AS began, max(last_at) AS last_at
            FROM added WHERE {of_currency(question)} GROUP BY ALL
            HAVING sum(orders) > 0
        ), bounds AS (
            SELECT currency, quantile_disc(last_at, {FIFTHS}) AS last_at_bounds,
                quantile_disc(orders, {FIFTHS}) AS orders_bounds, quantile_disc(net, {FIFTHS}) AS net_bounds
            FROM bought GROUP BY currency
        ), valued AS (
            SELECT * FROM bought ORDER BY currency, net DESC, customer LIMIT $limit
        ), ever AS (
            SELECT customer, min(first_at) AS first_at FROM first_seen SEMI JOIN valued USING (customer) GROUP BY ALL
        )
        SELECT customer, currency, strftime(make_timestamp_ms(epoch_ms(first_at)), '%Y-%m-%d'),
            strftime(make_timestamp_ms(epoch_ms(last_at)), '%Y-%m-%d'),
            ($until - epoch_ms(last_at)) / 86400000.0, orders, net,
            {_fifth_of("last_at")}, {_fifth_of("orders")}, {_fifth_of("net")},
            round(net * 365.0 / greatest(30.0, ($until - epoch_ms(began)) / 86400000.0))::BIGINT
        FROM valued JOIN bounds USING (currency) JOIN ever USING (customer)
        ORDER BY currency, net DESC, customer"""  # noqa: S608


REPORTS = (
    Report(
        "cohorts",
        "Cohort retention",
        "Of those who ordered for the first time in a month of the period, how many ordered again in the months after.",
        lambda _question: _COHORTS,
        _cohorts_sql,
        Chart("month", "retention", "heat", "cohort"),
        partials=_cohorts_added,
    ),
    Report(
        "customers",
        "Customer value",
        "Recency, frequency and money of each customer, as fifths of all, and what a year of them is worth.",
        lambda _question: _VALUES,
        _values_sql,
        Chart("customer", "net"),
        partials=_values_added,
    ),
)
