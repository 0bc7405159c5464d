"""How each variant does in the shop, by day and in all; whether the challenger differs; and what everybody would do.

Off-policy: had everybody got one variant, how would they have done? Each visit counts by one over its propensity
(inverse propensity score, Horvitz and Thompson 1952; Bottou et al., JMLR 2013), so that variants are held against each
other also where their shares changed over time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..lake.reading import connect
from .significance import Difference, difference_of, moments_of
from .visits import Window, gather_visits

if TYPE_CHECKING:
    import duckdb

MEMORY = "512MB"
"""That a question may use; what needs more goes through files."""
MEASURES = ("click_through", "add_to_cart", "purchase", "revenue")
"""Per visit: whether a recommended item was clicked, put into the cart; whether anything was bought; for how much."""
LONGEST_LIST = 1_000
"""Rows of variants by day that are told."""

_COUNTED = """
    count(*)::BIGINT, count(DISTINCT who)::BIGINT, sum(lists)::BIGINT, sum(fallbacks)::BIGINT,
    sum(clicked_lists)::BIGINT, count(*) FILTER (clicked_lists > 0)::BIGINT,
    count(*) FILTER (added_lists > 0)::BIGINT, count(*) FILTER (orders > 0)::BIGINT,
    sum(orders)::BIGINT, sum(revenue)::DOUBLE"""

TOTALS = f"SELECT market, variant, model, version, {_COUNTED} FROM visits GROUP BY ALL ORDER BY 1, 2, 4"  # noqa: S608
DAYS = f"""
    SELECT market, variant, model, version, {_COUNTED}, day FROM visits
    GROUP BY ALL ORDER BY day DESC, 1, 2, 4 LIMIT {LONGEST_LIST}"""  # noqa: S608

NEWEST = "SELECT market, variant, arg_max(version, began) FROM visits WHERE version <> '' GROUP BY ALL"

_SUMS = ", ".join(f"sum({name}), sum({name} * {name}), sum({name} * n)" for name in MEASURES)
MOMENTS = f"""
    WITH tried AS (
        SELECT * FROM visits WHERE market = $market AND ((variant = 'champion' AND version = $champion)
            OR (variant = 'challenger' AND version = $challenger))
    ), both_days AS (SELECT day FROM tried GROUP BY day HAVING count(DISTINCT variant) = 2),
    witnesses AS (
        SELECT variant, who, count(*) AS n, count(*) FILTER (clicked_lists > 0) AS click_through,
            count(*) FILTER (added_lists > 0) AS add_to_cart, count(*) FILTER (orders > 0) AS purchase,
            sum(revenue) AS revenue
        FROM tried WHERE day IN (FROM both_days) GROUP BY ALL
    )
    SELECT variant, count(*), sum(n), sum(n * n), {_SUMS} FROM witnesses GROUP BY variant"""  # noqa: S608

OFF_POLICY = """
    WITH weighed AS (SELECT *, 1 / propensity AS weight FROM visits WHERE propensity > 0 AND modelled),
    everybody AS (SELECT market, count(*) AS visits FROM weighed GROUP BY market)
    SELECT market, variant, version, count(*)::BIGINT,
        sum(weight * (clicked_lists > 0)::INT) / any_value(visits),
        sum(weight * (clicked_lists > 0)::INT) / sum(weight),
        sum(weight * revenue) / any_value(visits), sum(weight * revenue) / sum(weight),
        sum(weight) ** 2 / sum(weight ** 2)
    FROM weighed JOIN everybody USING (market) GROUP BY ALL
    HAVING any_value(visits) > 0 ORDER BY 1, 2, 3"""


class VariantFigures(Struct, frozen=True):
    """What was shown and what came of it. Money is in minor units."""

    market: str
    variant: str
    model: str
    version: str
    visits: int
    visitors: int
    lists: int
    fallbacks: int
    """Lists of what is popular, in place of the model's. In a row without a version they are its `lists`: the visits
    met no model. In others they are in none of the figures."""
    clicked_lists: int
    clicked_visits: int
    added_visits: int
    bought_visits: int
    orders: int
    revenue: float
    day: str = ""
    """Empty: all of them."""

    @property
    def click_through(self) -> float:
        """Of the lists that were shown, the share that somebody clicked in."""
        return self.clicked_lists / self.lists if self.lists else 0.0

    @property
    def revenue_per_visit(self) -> float:
        return self.revenue / self.visits if self.visits else 0.0


class Trial(Struct, frozen=True):
    """The newest challenger of a market against the newest champion, on days when both were served."""

    market: str
    champion: str
    challenger: str
    """Versions."""
    visitors: tuple[int, int]
    differences: Sequence[Difference]


class OffPolicy(Struct, frozen=True):
    """What a visit would bring if everybody got this variant: unbiased (`ips`), and self-normalized (`snips`), which
    varies less."""

    market: str
    variant: str
    version: str
    visits: int
    click_through_ips: float
    click_through_snips: float
    revenue_ips: float
    revenue_snips: float
    effective_visits: float
    """So many visits of equal weight would say as much."""


class OnlineFigures(Struct, frozen=True):
    """All of it, of one window."""

    first_ms: int
    end_ms: int
    currency: str
    variants: Sequence[VariantFigures]
    days: Sequence[VariantFigures]
    trials: Sequence[Trial]
    off_policy: Sequence[OffPolicy]


def online_figures(lake: Path, window: Window, currency: str = "", *, threads: int = 1) -> OnlineFigures:
    """The figures of lists that were shown in the window. Takes as long as reading it: not for an event loop."""
    with connect(lake, first_ms=window.first_ms, threads=threads, memory=MEMORY) as connection:
        currency = gather_visits(connection, window, currency)
        return OnlineFigures(
            window.first_ms,
            window.end_ms,
            currency,
            [VariantFigures(*row) for row in connection.execute(TOTALS).fetchall()],
            [VariantFigures(*row) for row in connection.execute(DAYS).fetchall()],
            _trials(connection),
            [OffPolicy(*row) for row in connection.execute(OFF_POLICY).fetchall()],
        )


def _trials(connection: "duckdb.DuckDBPyConnection") -> list[Trial]:
    newest: dict[str, dict[str, str]] = {}
    for market, variant, version in connection.execute(NEWEST).fetchall():
        newest.setdefault(market, {})[variant] = version
    found = (_trial(connection, market, versions) for market, versions in sorted(newest.items()) if len(versions) == 2)
    return [trial for trial in found if trial is not None]


def _trial(connection: "duckdb.DuckDBPyConnection", market: str, versions: dict[str, str]) -> Trial | None:
    rows: list[Any] = connection.execute(MOMENTS, {"market": market, **versions}).fetchall()
    moments = {variant: moments_of(row, MEASURES) for variant, *row in rows}
    if len(moments) < 2:
        return None
    champion, challenger = moments["champion"], moments["challenger"]
    return Trial(
        market,
        versions["champion"],
        versions["challenger"],
        (champion[MEASURES[0]].visitors, challenger[MEASURES[0]].visitors),
        [difference_of(measure, champion[measure], challenger[measure]) for measure in MEASURES],
    )
