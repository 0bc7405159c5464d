"""Reading the lake, from any process and while it is written: one instant of it, as views of a DuckDB connection.

    with connect(Path("data/lake")) as lake:
        lake.sql("SELECT currency, sum(net) FROM sales GROUP BY 1").fetchall()

All views of a connection show the same instant: the files that counted together when it was opened. They stay readable
for a quarter of an hour after they were replaced; whoever asks for longer than that connects again.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .manifest import FILE_NAME, LakeFile, Manifest
from .tables import TABLES, Row, columns_of, is_instant

if TYPE_CHECKING:
    import duckdb

TIME_ZONE = "UTC"
"""In which instants are shown and cut into days, unless a query says `AT TIME ZONE`."""

SQL_TYPES: Mapping[type, str] = {int: "BIGINT", str: "VARCHAR", bool: "BOOLEAN", float: "DOUBLE"}

DERIVED: Mapping[str, str] = {
    "products_now": "SELECT * FROM products QUALIFY row_number() OVER (PARTITION BY sku ORDER BY version DESC) = 1",
    "customers_now": """
        SELECT customer, max(registered_at) AS registered_at, arg_max(groups, happened_at) AS groups,
            coalesce(arg_max(country, happened_at) FILTER (kind <> 'grouped'), '') AS country
        FROM customers WHERE customer <> '' GROUP BY customer""",
    "orders_now": """
        SELECT * FROM orders
        QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY position DESC, "index" DESC) = 1""",
    "stock_now": """
        SELECT * FROM stock_moves QUALIFY row_number()
            OVER (PARTITION BY sku, location ORDER BY happened_at DESC, position DESC, "index" DESC) = 1""",
    "interactions": """
        SELECT happened_at, visitor, customer, session, sku, action, quantity, price, currency, category, '' AS order_id
        FROM behaviour WHERE sku <> ''
        UNION ALL
        SELECT happened_at, customer, customer, '', sku, 'purchase', units, gross // units, currency, category, order_id
        FROM sales WHERE kind = 'sale' AND units > 0""",
    "responses": """
        SELECT behaviour.happened_at, behaviour.visitor, behaviour.customer, behaviour.session, sku, action, quantity,
            rank, list_id, impressions.placement, impressions.happened_at AS shown_at, impressions.variant, model,
            version, impressions.propensity
        FROM behaviour JOIN impressions USING (list_id) WHERE NOT shadow""",
}
"""Views over the tables: what is now, what recommendations learn from, and what came of those that were shown."""


class Instant(NamedTuple):
    """What counts at one instant: the files by table, and up to where each shard is in them."""

    files: Mapping[str, Sequence[LakeFile]] = {}
    positions: Mapping[int, int] = {}


@contextmanager
def connect(
    lake: Path,
    *,
    first_ms: int | None = None,
    last_ms: int | None = None,
    threads: int = 0,
    memory: str = "",
    instant: Instant | None = None,
) -> "Iterator[duckdb.DuckDBPyConnection]":
    """A DuckDB connection with a view for each table of the lake, and those of `DERIVED`.

    With `first_ms` and `last_ms`, files that have no row in between are left out; others have rows beside, so a query
    still says which it wants. A lake that isn't there yet is empty.
    """
    import duckdb

    by_table = (instant or instant_of(lake)).files
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET TimeZone = ?", [TIME_ZONE])
        if threads:
            connection.execute("SET threads = ?", [threads])
        if memory:
            connection.execute("SET memory_limit = ?", [memory])
        for name, row in TABLES.items():
            wanted = [file for file in by_table.get(name, ()) if _overlaps(file, first_ms, last_ms)]
            connection.execute(f"CREATE VIEW {name} AS {_select(lake, row, wanted)}")
        for name, select in DERIVED.items():
            connection.execute(f"CREATE VIEW {name} AS {select}")
        yield connection
    finally:
        connection.close()


def instant_of(lake: Path) -> Instant:
    """What counts now; nothing where there is no lake yet."""
    if not (lake / FILE_NAME).exists():
        return Instant()
    manifest = Manifest(lake, create=False)
    try:
        files, positions = manifest.instant()
    finally:
        manifest.close()
    found: dict[str, list[LakeFile]] = defaultdict(list)
    for file in files:
        found[file.table].append(file)
    return Instant(found, positions)


def rows_of(lake: Path, table: str, files: Sequence[LakeFile]) -> str:
    """SQL: the rows of some files of a table."""
    return _select(lake, TABLES[table], files)


def _overlaps(file: LakeFile, first_ms: int | None, last_ms: int | None) -> bool:
    return (first_ms is None or file.last_at >= first_ms) and (last_ms is None or file.first_at <= last_ms)


def _select(lake: Path, row: type[Row], files: Sequence[LakeFile]) -> str:
    """The rows of these files, with today's columns also where a file is older than a column."""
    columns = columns_of(row)
    quoted = ", ".join(f'"{name}"' for name in columns)
    empty = ", ".join(f'NULL::{sql_type(name, kind)} AS "{name}"' for name, kind in columns.items())
    selects = []
    for same in (True, False):
        paths = [str(lake / file.path) for file in files if (file.columns == len(columns)) is same]
        if paths:
            listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
            chosen = quoted if same else "*"
            selects.append(f"SELECT {chosen} FROM read_parquet([{listed}], union_by_name = {not same})")  # noqa: S608
    if len(selects) == 1 and all(file.columns == len(columns) for file in files):
        return selects[0]
    return " UNION ALL BY NAME ".join([*selects, f"SELECT {empty} WHERE false"])


def sql_type(column: str, kind: Any) -> str:
    """The type of a column in SQL."""
    return "TIMESTAMP WITH TIME ZONE" if is_instant(column) else SQL_TYPES[kind]
