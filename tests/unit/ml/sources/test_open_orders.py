"""Order history by what a command says of it."""

from pathlib import Path

import pytest

from ml.errors import DataRefused
from ml.sources.open import open_source

LINES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536366,71053,WHITE METAL LANTERN,6,2010-12-01 08:28:00,3.39,17850,United Kingdom
"""


def test_order_history_is_a_source(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(LINES)
    data = open_source(f"orders:{file}", now=0)
    assert (len(data), list(data.customers)) == (2, ["17850"])
    assert int(open_source(f"orders:{file}?timezone=Asia/Tokyo", now=0).at[0]) == int(data.at[0]) - 9 * 3_600_000
    for wrong in ("timezone=Atlantis", "timezone=../etc", "zone=UTC"):
        with pytest.raises(DataRefused):
            open_source(f"orders:{file}?{wrong}", now=0)
