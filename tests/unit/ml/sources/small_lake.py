"""A lake of a few rows, written as the feed process writes one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.lake.manifest import Manifest
from ml.lake.parquet import write_rows
from ml.lake.tables import Behaviour, ImpressionRow, ProductRow, Row, Sale, columns_of

MINUTE_MS = 60_000
START_MS = 1_700_000_000_000


class SmallLake:
    """Rows are told one after the other; `write` makes one file of each table of what was told since."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._manifest = Manifest(directory, create=True)
        self._manifest.take_over("test")
        self._rows: list[Row] = []
        self._told = 0

    def did(self, minute: float, action: str, sku: str = "", **more: Any) -> None:
        """Something that a visitor did, `minute` minutes after the start."""
        at = START_MS + round(minute * MINUTE_MS)
        self._add(Behaviour, at, {"action": action, "sku": sku, "quantity": 1, "received_at": at} | more)

    def sold(self, minute: float, sku: str, units: int = 1, **more: Any) -> None:
        self._add(Sale, START_MS + round(minute * MINUTE_MS), {"kind": "sale", "sku": sku, "units": units} | more)

    def showed(self, minute: float, list_id: str, variant: str = "champion", **more: Any) -> None:
        """A list of recommendations."""
        at = START_MS + round(minute * MINUTE_MS)
        shown = {"list_id": list_id, "variant": variant, "received_at": at, "shadow": variant == "shadow"}
        self._add(ImpressionRow, at, shown | more)

    def product(self, sku: str, **more: Any) -> None:
        self._add(ProductRow, START_MS, {"sku": sku, "version": 1, "active": True} | more)

    def write(self) -> None:
        kinds = dict.fromkeys(type(row) for row in self._rows)
        files = [
            file
            for kind in kinds
            for file in write_rows(self.directory, kind, [row for row in self._rows if type(row) is kind])
        ]
        self._manifest.commit("test", files, {0: self._told})
        self._rows = []

    def close(self) -> None:
        self._manifest.close()

    def _add(self, kind: type[Row], at: int, told: dict[str, Any]) -> None:
        self._told += 1
        empty = {int: 0, str: "", bool: False, float: 0.0}
        columns = {name: empty[kind_of] for name, kind_of in columns_of(kind).items() if name != "happened_at"}
        self._rows.append(kind(**columns | {"position": self._told, "at": at} | told))


def names(skus: Sequence[str], indices: Sequence[int]) -> list[str]:
    return [skus[index] for index in indices]
