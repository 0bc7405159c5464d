"""A real year of a shop, imported whole: what the lake then says equals what pandas says by the rules of
docs/importing.md, computed here a second time."""

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ml.lake.reading import connect
from serve.cli.history import send_plan
from serve.cli.import_orders import make_plan
from serve.order_csv.countries import code_of
from serve.order_csv.mapping import ONLINE_RETAIL
from serve.order_csv.plan import Plan
from serve.order_csv.rules import REFUSED, Outcome
from tests.unit.serve.shopfront import Shopfront, SmallSettings

pytestmark = pytest.mark.integration

ORDERS = "orders/online_retail.csv.gz"
LINES = int(os.environ.get("DOORBUSTER_TEST_LINES", "45000"))
"""Of the file that are imported here, of two months; 0: all 541,909, which takes some minutes on a small machine."""
LONDON = "AT TIME ZONE 'Europe/London'"


class Unquestioned(Shopfront):
    """Holds no answer to the contract, which would cost more than the import; other tests do."""

    def _hold_to_contract(self, *_: Any) -> None:
        pass


class Imported(NamedTuple):
    """What the import said of lines and invoices, and what the lake says of sales."""

    lines: dict[Outcome, int]
    invoices: dict[tuple[str, str], int]
    lake: Path

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with connect(self.lake) as lake:
            return lake.sql(question).fetchall()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(os.environ.get("DOORBUSTER_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (root / ORDERS).is_file():
        pytest.skip(f"no {ORDERS} in $DOORBUSTER_TEST_DATA or ../shared/data")
    if not LINES:
        return root / ORDERS
    short = tmp_path_factory.mktemp("orders") / "orders.csv"
    with gzip.open(root / ORDERS, "rt", encoding="utf-8", newline="") as whole, short.open("w", newline="") as out:
        rows, writer = csv.reader(whole), csv.writer(out)
        for number, row in enumerate(rows):
            writer.writerow(row)
            if number == LINES:
                break
    return short


@pytest.fixture(scope="module")
def imported(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    place = tmp_path_factory.mktemp("shop")
    settings = SmallSettings(data=place, lake=place / "lake", max_import_body_bytes=16_777_216)
    with Unquestioned(settings=settings) as shop, Plan(place / "plan.sqlite") as plan:

        def post(path: str, body: Any) -> list[dict[str, Any]]:
            results: list[dict[str, Any]] = shop.post(path, json=body, admin=True).json()["results"]
            return results

        make_plan(plan, file, ONLINE_RETAIL, lambda _doing, _total: lambda _steps: None)
        for _ in send_plan(plan, ONLINE_RETAIL, post, in_flight=1):
            pass
        shop.let_lake_read()
        yield Imported(dict(plan.counts()), dict(plan.tasks()), place / "lake")


@pytest.fixture(scope="module")
def table(file: Path) -> Any:
    """Every line with what it is by the rules; amounts in pence."""
    pd = pytest.importorskip("pandas")
    lines = pd.read_csv(file, dtype=str, keep_default_na=False)
    quantity = lines.Quantity.astype(int)
    zero, negative = lines.UnitPrice.str.fullmatch(r"0*\.?0*"), lines.UnitPrice.str.startswith("-")
    fine = ~lines.UnitPrice.str.fullmatch(r"-?\d+(\.\d{1,2}0*)?")
    code = lines.StockCode.str.upper()
    back = lines.InvoiceNo.str.startswith("C")
    verdicts = (
        ("duplicate-line", lines.duplicated()),
        ("negative-price", negative),
        ("price-too-fine", fine),
        ("not-a-sale", code.isin(["M", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"]) | (code.eq("D") & ~back)),
        ("stock-correction", zero & ~back & ((quantity < 0) | lines.CustomerID.eq(""))),
        ("wrong-sign", (quantity < 0) != back),
        ("shipping", code.isin(["POST", "DOT", "C2"]) & ~back),
        ("shipping-credited", code.isin(["POST", "DOT", "C2"])),
        ("discount-credited", code.eq("D")),
        ("back", back),
    )
    verdict = pd.Series("sold", index=lines.index)
    for name, holds in reversed(verdicts):
        verdict = verdict.mask(holds, name)
    moment = pd.to_datetime(lines.InvoiceDate)
    return lines.assign(
        verdict=verdict,
        sku=code,
        units=quantity,
        pence=(quantity * (lines.UnitPrice.astype(float) * 100).round()).astype("int64"),
        # An invoice has its earliest date.
        at=moment.groupby(lines.InvoiceNo).transform("min"),
    )


def matched(table: Any) -> dict[str, int]:
    """How many lines that came back found their sale: from the newest on, as far as its units go."""
    kept = table[table.verdict.isin(["sold", "back"])]
    stock: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
    sold = kept[kept.verdict.eq("sold") & kept.CustomerID.ne("")]
    for row in sold.sort_values("at", kind="stable").itertuples():
        stock[row.CustomerID, row.sku].append([row.at, row.units])
    found = {"returned": 0, "returned-in-part": 0, "credited": 0}
    first = kept.reset_index().groupby("InvoiceNo")["index"].transform("min").to_numpy()
    returns = kept.assign(first=first)
    returns = returns[returns.verdict.eq("back")].sort_values(["at", "first"], kind="stable")
    for row in returns.itertuples():
        wanted = left = -row.units
        for sale in reversed(stock.get((row.CustomerID, row.sku), [])):
            if sale[0] <= row.at and left:
                taken = min(left, sale[1])
                sale[1] -= taken
                left -= taken
        found["credited" if left == wanted else "returned-in-part" if left else "returned"] += 1
    return found


def test_every_line_is_accounted_for(imported: Imported, table: Any) -> None:
    assert sum(imported.lines.values()) == len(table)
    expected = table.verdict.value_counts().to_dict()
    del expected["back"]
    expected |= matched(table)
    assert {str(outcome): count for outcome, count in imported.lines.items()} == expected
    assert Outcome.REFUSED_BY_SHOP not in imported.lines
    assert {status for _, status in imported.invoices} == {"imported"}
    assert 0 < sum(imported.lines.get(outcome, 0) for outcome in REFUSED) < len(table) / 20


def test_monthly_net_sales_are_those_of_pandas(imported: Imported, table: Any) -> None:
    goods = table[table.verdict.isin(["sold", "back"])]
    expected = goods.groupby(goods["at"].dt.strftime("%Y-%m")).pence.sum().to_dict()
    told = imported.ask(
        f"SELECT strftime(happened_at {LONDON}, '%Y-%m'), sum(net)::BIGINT FROM sales"
        " WHERE kind IN ('sale', 'return') AND currency = 'GBP' GROUP BY 1"
    )
    assert dict(told) == expected


def test_the_best_sellers_are_those_of_pandas(imported: Imported, table: Any) -> None:
    goods = table[table.verdict.isin(["sold", "back"])]
    sums = goods.groupby("sku")[["pence", "units"]].sum().reset_index()
    best = sums.sort_values(["pence", "sku"], ascending=[False, True]).head(10)
    told = imported.ask(
        "SELECT sku, sum(net)::BIGINT, sum(units)::BIGINT FROM sales WHERE kind IN ('sale', 'return')"
        " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"
    )
    assert told == list(best.itertuples(index=False, name=None))


def test_the_share_of_returns_is_that_of_pandas(imported: Imported, table: Any) -> None:
    sold, back = (int(table[table.verdict.eq(verdict)].pence.sum()) for verdict in ("sold", "back"))
    told = dict(imported.ask("SELECT kind, sum(net)::BIGINT FROM sales GROUP BY 1"))
    assert (told["sale"], told["return"]) == (sold, back)
    assert 0 < -told["return"] / told["sale"] < 0.2


def test_sales_by_country_are_those_of_pandas(imported: Imported, table: Any) -> None:
    sold = table[table.verdict.eq("sold")]
    codes = sold.Country.map(lambda name: code_of(name, dict(ONLINE_RETAIL.countries)))
    expected = sold.groupby(codes).pence.sum().to_dict()
    told = imported.ask("SELECT country, sum(net)::BIGINT FROM sales WHERE kind = 'sale' GROUP BY 1")
    assert dict(told) == expected


def test_shipping_and_discounts_are_those_of_pandas(imported: Imported, table: Any) -> None:
    of = table.groupby("verdict").pence.sum()
    told = imported.ask(
        "SELECT kind, reason, sum(net)::BIGINT FROM sales WHERE kind IN ('shipping', 'refund') GROUP BY ALL"
    )
    expected = {("shipping", ""): "shipping", ("refund", "shipping"): "shipping-credited"}
    expected["refund", "discount"] = "discount-credited"
    wanted = {name: int(of[verdict]) for name, verdict in expected.items() if verdict in of}
    assert {(kind, reason): net for kind, reason, net in told} == wanted


def test_orders_and_customers_are_those_of_pandas(imported: Imported, table: Any) -> None:
    orders = table[table.verdict.isin(["sold", "shipping"])]
    told = imported.ask(
        "SELECT count(DISTINCT order_id), count(DISTINCT order_id) FILTER (customer = ''),"
        " count(DISTINCT nullif(customer, '')) FROM orders WHERE imported AND status = 'confirmed'"
    )
    assert told == [
        (
            orders.InvoiceNo.nunique(),
            orders[orders.CustomerID.eq("")].InvoiceNo.nunique(),
            orders[orders.CustomerID.ne("")].CustomerID.nunique(),
        )
    ]
    assert imported.invoices["order", "imported"] == orders.InvoiceNo.nunique()
