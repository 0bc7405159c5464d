"""Whether suppliers keep their word."""

from ..question import Question
from ..report import Chart, Column, Report, Unit, during

_COLUMNS = (
    Column("supplier", Unit.TEXT, ""),
    Column("deliveries", Unit.COUNT, "lines received in the period"),
    Column("units", Unit.COUNT, "received and good"),
    Column("damaged", Unit.COUNT, ""),
    Column("on_time_share", Unit.SHARE, "of the deliveries with a date: received by the day that was promised first"),
    Column("lead_days", Unit.DAYS, "from sending the order to receiving, in the average by units"),
    Column("promised_days", Unit.DAYS, "that were promised for them"),
    Column("late_days", Unit.DAYS, "in the average of the late ones"),
)


def _sql(_question: Question) -> str:
    return f"""
        SELECT supplier, count(*), sum(units)::BIGINT, sum(damaged)::BIGINT,
            count(*) FILTER (happened_at < first_promised_at + INTERVAL 1 DAY)
                / nullif(count(first_promised_at), 0),
            sum(units * (epoch_ms(happened_at) - epoch_ms(sent_at)))
                / nullif(sum(units) FILTER (sent_at IS NOT NULL), 0) / 86400000.0,
            sum(units * (epoch_ms(first_promised_at) - epoch_ms(sent_at)))
                / nullif(sum(units) FILTER (first_promised_at IS NOT NULL AND sent_at IS NOT NULL), 0) / 86400000.0,
            avg(epoch_ms(happened_at) - epoch_ms(first_promised_at))
                FILTER (happened_at >= first_promised_at + INTERVAL 1 DAY) / 86400000.0
        FROM purchasing WHERE kind = 'received' AND {during()}
        GROUP BY supplier ORDER BY supplier LIMIT $limit"""  # noqa: S608


REPORTS = (
    Report(
        "suppliers",
        "Suppliers' lead times",
        "What suppliers brought, how long they took, and how often they kept the day that they had promised first.",
        lambda _question: _COLUMNS,
        _sql,
        Chart("supplier", "on_time_share"),
    ),
)
