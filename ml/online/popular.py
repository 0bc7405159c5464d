"""What is popular these days, and what is bought again and again, by SQL over the lake."""

from pathlib import Path

from ..lake.reading import connect
from .figures import MEMORY

DAY_MS = 86_400_000
POPULAR_DAYS = 14
HALF_LIFE_DAYS = 3.0
MOST_POPULAR = 500
REPEATED_DAYS = 365
FEWEST_BUYERS = 5
"""Customers who bought it: of fewer, nobody can say."""
REPEATED_SHARE = 0.2
"""Of those who bought it, so many did so again on another day."""
MOST_REPEATED = 10_000

# What each action says of an item: as `ml.models.popularity` weighs it.
POPULAR = f"""
    SELECT sku FROM (
        SELECT sku, CASE action WHEN 'view' THEN 1 WHEN 'click' THEN 1.5 WHEN 'add' THEN 4 WHEN 'remove' THEN -2
            WHEN 'checkout' THEN 5 WHEN 'purchase' THEN 8 ELSE 0 END
            * power(0.5, ($now_ms - epoch_ms(happened_at)) / ({DAY_MS} * {HALF_LIFE_DAYS})) AS weight
        FROM interactions
        WHERE happened_at > make_timestamptz(($now_ms - {POPULAR_DAYS * DAY_MS}) * 1000)
            AND happened_at <= make_timestamptz($now_ms * 1000)
    ) GROUP BY sku HAVING sum(weight) > 0 ORDER BY sum(weight) DESC, sku LIMIT {MOST_POPULAR}"""  # noqa: S608

REPEATED = f"""
    SELECT sku FROM (
        SELECT sku, customer, count(DISTINCT date_trunc('day', happened_at)) AS days FROM sales
        WHERE kind = 'sale' AND sku <> '' AND customer <> ''
            AND happened_at > make_timestamptz(($now_ms - {REPEATED_DAYS * DAY_MS}) * 1000)
        GROUP BY ALL
    ) GROUP BY sku
    HAVING count(*) >= {FEWEST_BUYERS} AND count(*) FILTER (days > 1) >= {REPEATED_SHARE} * count(*)
    ORDER BY count(*) FILTER (days > 1) DESC, sku LIMIT {MOST_REPEATED}"""  # noqa: S608


def popular_skus(lake: Path, now_ms: int) -> list[str]:
    """The most popular first: what was done in the last fortnight, half as much worth after each three days."""
    return _asked(lake, POPULAR, now_ms, POPULAR_DAYS)


def repeated_skus(lake: Path, now_ms: int) -> list[str]:
    """What enough customers bought again on another day of the last year."""
    return _asked(lake, REPEATED, now_ms, REPEATED_DAYS)


def _asked(lake: Path, sql: str, now_ms: int, days: int) -> list[str]:
    with connect(lake, first_ms=now_ms - days * DAY_MS, threads=1, memory=MEMORY) as connection:
        return [sku for (sku,) in connection.execute(sql, {"now_ms": now_ms}).fetchall()]
