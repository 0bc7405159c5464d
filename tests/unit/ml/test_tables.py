"""The lake's tables: what their schemas promise."""

import pytest

from ml.lake.tables import NAMES, PERSONAL, TABLES, columns_of, schema_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", TABLES)
def test_every_table_begins_with_its_rows_identity_and_has_a_parquet_type_for_every_column(name: str) -> None:
    row = TABLES[name]
    schema = schema_of(row)
    assert schema.names[:4] == ["shard", "position", "index", "happened_at"]
    assert schema.names == list(columns_of(row))
    assert NAMES[row] == name
    assert (row.__doc__ or "").strip()


def test_instants_are_timestamps_of_utc_and_amounts_are_whole() -> None:
    sales = schema_of(TABLES["sales"])
    assert str(sales.field("happened_at").type) == "timestamp[ms, tz=UTC]"
    assert str(sales.field("ordered_at").type) == "timestamp[ms, tz=UTC]"
    assert str(sales.field("net").type) == "int64"
    assert str(sales.field("currency").type) == "string"


def test_what_an_erasure_empties_are_columns_that_there_are() -> None:
    for name, columns in PERSONAL.items():
        assert set(columns) <= set(columns_of(TABLES[name]))
