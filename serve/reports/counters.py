"""What a control room asks every second: orders, revenue, units, refusals and conversion, by minute and by SKU.

Kept in memory of the feed process, counted as rows pass to the lake, and counted anew from the lake at the start: so
nothing is missing after a kill, and nothing is counted twice.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.kernel import Instant
from ml.lake.reading import connect, instant_of
from ml.lake.tables import Behaviour, OrderRow, Row, Sale, is_instant

from ..instants import timestamp

MINUTE_MS = 60_000
MINUTES_KEPT = 24 * 60
SKU_MINUTES_KEPT = 60
MOST_SKUS = 20_000
"""SKUs that are told apart in one minute; of others only the sums are kept."""
MOST_REPLICAS = 256

_ACTIONS = {"view": "views", "add": "adds", "checkout": "checkouts"}


class Minute:
    """What happened within one minute."""

    __slots__ = ("counts", "money", "reasons", "skus")

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """`placed`, `confirmed`, `rejected`, `units`, `views`, `adds`, `checkouts`, `refused`."""
        self.money: Counter[str] = Counter()
        """By currency, what was charged less what was given back, in minor units."""
        self.reasons: Counter[str] = Counter()
        self.skus: dict[str, Counter[str]] = {}
        """By SKU: `units`, `views`, and what was charged by currency."""

    def of_sku(self, sku: str) -> Counter[str]:
        """What is counted of the SKU; what is put there is lost where there are too many."""
        found = self.skus.get(sku)
        if found is None:
            found = Counter()
            if len(self.skus) < MOST_SKUS:
                self.skus[sku] = found
        return found


class Counters:
    """Counts the rows that `observe` is told of, beside those that were in the lake when this was made."""

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._loaded_upto = instant_of(lake).positions
        """What is observed comes after these positions, what is loaded up to them."""
        self._minutes: OrderedDict[int, Minute] = OrderedDict()
        self._newest = 0
        self._refused: dict[str, dict[str, int]] = {}

    async def load(self, now: Instant) -> None:
        """Count what is in the lake of the last day."""
        if self._loaded_upto:
            self.observe(await asyncio.to_thread(self._read, now - MINUTES_KEPT * MINUTE_MS))

    def observe(self, rows: Sequence[Row]) -> None:
        """These rows pass to the lake."""
        for row in rows:
            match row:
                case Sale():
                    self._count_sale(row)
                case OrderRow():
                    self._count_order(row)
                case Behaviour():
                    self._count_behaviour(row)
                case _:
                    pass

    def refused(self, replica: str, since_start: Mapping[str, int], now: Instant) -> None:
        """How many purchases the replica has refused since it began, by reason."""
        if len(self._refused) >= MOST_REPLICAS and replica not in self._refused:
            self._refused.clear()
        # One that is new here may have refused long before: its first word is only what to count from.
        before = self._refused.get(replica, since_start)
        self._refused[replica] = dict(since_start)
        minute = self._minute(now)
        for reason, count in since_start.items():
            more = max(0, count - before.get(reason, 0))
            if minute is not None and more:
                minute.counts["refused"] += more
                minute.reasons[reason] += more

    def told(self, now: Instant, minutes: int, skus: int) -> dict[str, Any]:
        """The last minutes, oldest first, their sums, and the SKUs that sold most in them."""
        first = now // MINUTE_MS - minutes + 1
        numbers = range(first, first + minutes)
        empty = Minute()
        chosen = [self._minutes.get(number, empty) for number in numbers]
        return {
            "at": timestamp(now),
            "minutes": [_told(minute, number) for number, minute in zip(numbers, chosen, strict=True)],
            "sum": _told(_added(chosen), None),
            "skus": _best(chosen[-SKU_MINUTES_KEPT:], skus),
        }

    def _minute(self, at: Instant) -> Minute | None:
        number = at // MINUTE_MS
        if number <= self._newest - MINUTES_KEPT:
            return None
        found = self._minutes.get(number)
        if found is None:
            found = self._minutes[number] = Minute()
            if number > self._newest:
                self._newest = number
                self._forget()
        return found

    def _forget(self) -> None:
        for number in [number for number in self._minutes if number <= self._newest - MINUTES_KEPT]:
            del self._minutes[number]
        for number, minute in self._minutes.items():
            if number <= self._newest - SKU_MINUTES_KEPT and minute.skus:
                minute.skus = {}

    def _count_sale(self, row: Sale) -> None:
        if (minute := self._minute(row.at)) is None:
            return
        minute.counts["units"] += row.units
        minute.money[row.currency] += row.total
        if row.sku and row.at // MINUTE_MS > self._newest - SKU_MINUTES_KEPT:
            of_sku = minute.of_sku(row.sku)
            of_sku["units"] += row.units
            of_sku[row.currency] += row.total

    def _count_order(self, row: OrderRow) -> None:
        if (minute := self._minute(row.at)) is None:
            return
        minute.counts[row.status] += 1
        if row.status == "rejected":
            minute.reasons[row.reason] += 1

    def _count_behaviour(self, row: Behaviour) -> None:
        name = _ACTIONS.get(row.action)
        if name is None or (minute := self._minute(row.at)) is None:
            return
        minute.counts[name] += 1
        if row.sku and row.action == "view" and row.at // MINUTE_MS > self._newest - SKU_MINUTES_KEPT:
            minute.of_sku(row.sku)["views"] += 1

    def _read(self, since: Instant) -> list[Row]:
        """The rows of the last day that were in the lake when this was made."""
        known = " OR ".join(f"(shard = {shard} AND position <= {upto})" for shard, upto in self._loaded_upto.items())
        found: list[Row] = []
        with connect(self._lake, first_ms=since) as lake:
            for row_type, table in ((Sale, "sales"), (OrderRow, "orders"), (Behaviour, "behaviour")):
                names = row_type.__struct_fields__
                columns = ", ".join(_selected(name) for name in names)
                recent = f"epoch_ms(happened_at) >= {since} AND ({known})"
                rows = lake.execute(f"SELECT {columns} FROM {table} WHERE {recent}").fetchall()  # noqa: S608
                found += [row_type(**dict(zip(names, row, strict=True))) for row in rows]
        return found


def _selected(name: str) -> str:
    column = "happened_at" if name == "at" else name
    return f'epoch_ms("{column}")' if is_instant(column) else f'"{column}"'


def _told(minute: Minute, number: int | None) -> dict[str, Any]:
    counts = minute.counts
    begins = {} if number is None else {"begins_at": timestamp(number * MINUTE_MS)}
    return {
        **begins,
        "placed": counts["placed"],
        "orders": counts["confirmed"],
        "rejected": counts["rejected"],
        "refused": counts["refused"],
        "reasons": dict(minute.reasons),
        "units": counts["units"],
        "revenue": dict(minute.money),
        "views": counts["views"],
        "adds": counts["adds"],
        "checkouts": counts["checkouts"],
        "conversion": counts["confirmed"] / counts["views"] if counts["views"] else None,
    }


def _added(minutes: Sequence[Minute]) -> Minute:
    total = Minute()
    for minute in minutes:
        total.counts.update(minute.counts)
        total.money.update(minute.money)
        total.reasons.update(minute.reasons)
    return total


def _best(minutes: Sequence[Minute], most: int) -> list[dict[str, Any]]:
    by_sku: dict[str, Counter[str]] = {}
    for minute in minutes:
        for sku, counts in minute.skus.items():
            by_sku.setdefault(sku, Counter()).update(counts)
    best = sorted(by_sku, key=lambda sku: (-by_sku[sku]["units"], -by_sku[sku]["views"], sku))[:most]
    return [
        {
            "sku": sku,
            "units": by_sku[sku]["units"],
            "views": by_sku[sku]["views"],
            "revenue": {name: value for name, value in by_sku[sku].items() if name not in ("units", "views")},
            "conversion": by_sku[sku]["units"] / by_sku[sku]["views"] if by_sku[sku]["views"] else None,
        }
        for sku in best
    ]
