"""The rows of the event lake that models learn from, as they stand in its files: with texts, in any order.

Read by Arrow in this process, or by Ray Data, file by file on all nodes, where the texts of all rows together wouldn't
fit here. Both give the same tables, in which each text is stored once (dictionary columns).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..interactions import Did
from ..lake.manifest import LakeFile
from ..lake.reading import Instant

if TYPE_CHECKING:
    import pyarrow as pa

Through = Literal["auto", "arrow", "ray"]

TEXT_BYTES = 200
"""What a row takes in memory while its texts are read, at most."""
SHARE_OF_MEMORY = 0.5
"""Of what is free here: what needs more is read by Ray Data."""
DID: Mapping[str, Did] = {
    "view": Did.VIEW, "click": Did.CLICK, "add": Did.ADD, "remove": Did.REMOVE, "checkout": Did.CHECKOUT
}  # fmt: skip
"""By `behaviour.action`."""
PLACE = ("shard", "position", "index")
"""What tells rows apart, and orders those of one millisecond."""
TEXTS = ("sku", "visitor", "customer", "session")
COLUMNS: Mapping[str, Sequence[str]] = {
    "behaviour": (*PLACE, "happened_at", "received_at", "visitor", "customer", "session", "sku", "action", "quantity"),
    "sales": (*PLACE, "happened_at", "kind", "customer", "order_id", "sku", "units"),
}
"""What is read of the tables."""

Take = Callable[["pa.Table"], "pa.Table"]


def behaviour_rows(table: "pa.Table", first_ms: int, last_ms: int) -> "pa.Table":
    """What visitors did with items, within the window."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = _within(table.filter(pc.field("sku") != ""), first_ms, last_ms)
    known = pa.array(list(DID))
    place = pc.index_in(table["action"].cast(pa.string()), known)
    did = pc.take(pa.array([int(did) for did in DID.values()], pa.int8()), place)
    return _encoded(
        table, {"at": _ms(table["happened_at"]), "received_at": _ms(table["received_at"]), "did": did}, "quantity"
    ).filter(pc.is_valid(place))


def sales_rows(table: "pa.Table", first_ms: int, last_ms: int) -> "pa.Table":
    """What was bought, within the window. A guest's order is a visitor of its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = _within(table.filter((pc.field("kind") == "sale") & (pc.field("units") > 0)), first_ms, last_ms)
    customer = table["customer"].cast(pa.string())
    whose = pc.if_else(pc.equal(customer, ""), table["order_id"].cast(pa.string()), customer)
    table = table.append_column("visitor", whose)
    table = table.append_column("session", pa.array([""] * len(table), pa.string()))
    at = _ms(table["happened_at"])
    did = pa.array([int(Did.PURCHASE)] * len(table), pa.int8())
    return _encoded(table, {"at": at, "received_at": at, "did": did}, "units")


def login_rows(table: "pa.Table") -> "pa.Table":
    """Who logged in as whom: what the visitor did since the login before is the customer's."""
    import pyarrow.compute as pc

    table = table.filter(pc.field("action") == "login")
    empty = {"at": _ms(table["happened_at"]), "received_at": _ms(table["received_at"]), "did": _zeros(len(table))}
    return _encoded(table, empty, "quantity")


def rows_of(lake: Path, instant: Instant, first_ms: int, last_ms: int, through: Through) -> "list[pa.Table]":
    """All of the window's interactions, in one table or several."""
    wanted: list[tuple[str, Take]] = [
        ("behaviour", partial(behaviour_rows, first_ms=first_ms, last_ms=last_ms)),
        ("sales", partial(sales_rows, first_ms=first_ms, last_ms=last_ms)),
    ]
    tables = []
    for name, take in wanted:
        files = [file for file in instant.files.get(name, ()) if file.first_at <= last_ms and file.last_at >= first_ms]
        tables += list(_read(lake, name, files, take, through))
    return tables


def logins_of(lake: Path, instant: Instant, first_ms: int, through: Through) -> "list[pa.Table]":
    """Logins that can say whose something in the window was: any since it began."""
    files = [file for file in instant.files.get("behaviour", ()) if file.last_at >= first_ms]
    return list(_read(lake, "behaviour", files, login_rows, through))


def by_ray_data(instant: Instant) -> bool:
    """Whether the texts are too much for this process, and there is a Ray that can read them."""
    import sys

    ray: Any = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return False
    rows = sum(file.rows for name in COLUMNS for file in instant.files.get(name, ()))
    nodes = sum(node["Alive"] and node["Resources"].get("CPU", 0) > 0 for node in ray.nodes())
    return nodes > 1 or rows * TEXT_BYTES > SHARE_OF_MEMORY * _free_bytes()


def _read(lake: Path, name: str, files: Sequence[LakeFile], take: Take, through: Through) -> "Iterator[pa.Table]":
    paths = [str(lake / file.path) for file in files]
    if not paths:
        return
    if through == "ray":
        yield from _read_by_ray(paths, COLUMNS[name], take)
        return
    import pyarrow.parquet as pq

    for path in paths:
        yield take(pq.ParquetFile(path).read(columns=list(COLUMNS[name])))


def _read_by_ray(paths: Sequence[str], columns: Sequence[str], take: Take) -> "Iterator[pa.Table]":
    import ray.data
    from ray.data import DataContext

    context = DataContext.get_current()
    before = context.enable_progress_bars
    context.enable_progress_bars = False
    try:
        rows = ray.data.read_parquet(list(paths), partitioning=None).select_columns(list(columns))
        blocks = rows.map_batches(take, batch_format="pyarrow", batch_size=None, zero_copy_batch=True)
        for block in blocks.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
            if len(block):
                yield block
    finally:
        context.enable_progress_bars = before


def _encoded(table: "pa.Table", columns: Mapping[str, Any], quantity: str) -> "pa.Table":
    """One shape for all of them, each text once."""
    import pyarrow as pa

    texts = {name: table[name].cast(pa.string()).dictionary_encode().combine_chunks() for name in TEXTS}
    numbers = {"quantity": table[quantity].cast(pa.int64())}
    places = {name: table[name].cast(pa.int64()) for name in PLACE}
    return pa.table({**texts, **columns, **numbers, **places})


def _within(table: "pa.Table", first_ms: int, last_ms: int) -> "pa.Table":
    import pyarrow.compute as pc

    at = _ms(table["happened_at"])
    return table.filter(pc.and_(pc.greater_equal(at, first_ms), pc.less_equal(at, last_ms)))


def _ms(column: Any) -> Any:
    import pyarrow as pa

    return column.cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64())


def _zeros(count: int) -> Any:
    import pyarrow as pa

    return pa.array([0] * count, pa.int8())


def _free_bytes() -> int:
    """What can be had without another process giving up memory."""
    with open("/proc/meminfo", encoding="ascii") as file:
        told = dict(line.split(":", 1) for line in file)
    return int(told["MemAvailable"].split()[0]) * 1_024
