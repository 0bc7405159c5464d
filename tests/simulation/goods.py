"""Goods that move without being sold: transfers and purchase orders, what people do with them, and their books.

Units are in exactly one place: in a stock, in transit, or written off. Each delivery is booked once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from engine import purchase as purchases
from engine import transfer as transfers
from engine.kernel import Command, Event, Rejected, Reply
from engine.purchase import events as purchase_events

from .books import Broken, StockBook

PLACES = ("default", "north", "south")
KINDS = ("transfer", "purchase")


@dataclass(frozen=True)
class Errand:
    """What is done to one transfer or purchase order, each step some seconds after the one before."""

    at: float
    front: int
    kind: str
    key: str
    steps: tuple[tuple[float, Command], ...]


def draw_errands(random: Random, fronts: int, skus: tuple[str, ...], active_s: float) -> tuple[Errand, ...]:
    """The errands of one history."""
    number = random.choice((0, 2, 5))
    return tuple(
        Errand(
            random.random() * active_s * 0.7,
            random.randrange(fronts),
            kind,
            f"{'trf' if kind == 'transfer' else 'po'}_{index}",
            tuple((random.random() * 2.0, step) for step in (_transfer if kind == "transfer" else _buy)(random, skus)),
        )
        for index in range(number)
        for kind in [random.choice(KINDS)]
    )


def _transfer(random: Random, skus: tuple[str, ...]) -> Iterator[Command]:
    source, destination = random.sample(PLACES, 2)
    units = tuple(transfers.Units(sku, random.choice((1, 2, 4))) for sku in random.sample(skus, random.choice((1, 2))))
    start = transfers.StartTransfer(source, destination, units)
    yield from [start] * random.choice((1, 2))
    for box in range(random.choice((0, 1, 2))):
        arrived = transfers.ReceiveTransfer(f"box-{box}", (transfers.Units(units[0].sku, random.choice((1, 2))),))
        yield from [arrived] * random.choice((1, 2))
    if random.random() < 0.4:
        yield transfers.CloseTransfer(random.random() < 0.5)
    yield transfers.LookTransfer()


def _buy(random: Random, skus: tuple[str, ...]) -> Iterator[Command]:
    lines = tuple(
        purchases.OrderedUnits(sku, random.choice((1, 3)), 50) for sku in random.sample(skus, random.choice((1, 2)))
    )
    content = purchases.PurchaseContent("acme", random.choice(PLACES[:2]), "USD", lines)
    yield purchases.DraftPurchase(content, automatic=random.random() < 0.5)
    if random.random() < 0.8:
        yield purchases.SendPurchase()
        for box in range(random.choice((1, 2))):
            units = purchases.ReceivedUnits(lines[0].sku, random.choice((1, 2)), random.choice((0, 0, 1)))
            yield from [purchases.ReceivePurchase(f"box-{box}", (units,))] * random.choice((1, 2))
    yield random.choice((purchases.ClosePurchase(), purchases.CancelPurchase(), purchases.LookPurchase()))


async def run(errand: Errand, ask: Callable[[int, str, str, Command], Awaitable[Reply]]) -> None:
    """Do it; what is refused is refused."""
    await asyncio.sleep(errand.at)
    for pause_s, command in errand.steps:
        await ask(errand.front, errand.kind, errand.key, command)
        await asyncio.sleep(pause_s)


@dataclass
class TransferBook:
    """One transfer, counted from its events."""

    source: str = ""
    destination: str = ""
    lines: tuple[transfers.Units, ...] = ()
    sent: dict[int, int] = field(default_factory=dict)
    arrived: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    """Lost, or back where it came from."""
    boxes: dict[str, None] = field(default_factory=dict)
    bookings: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By id: the stock and the units that it is asked to book in."""
    booked: dict[str, None] = field(default_factory=dict)
    version: int = 0

    def fold(self, key: str, event: Event) -> None:
        self.version += 1
        match event:
            case transfers.TransferStarted():
                if self.lines:
                    raise Broken("a transfer starts twice")
                self.source, self.destination, self.lines = event.source, event.destination, event.lines
            case transfers.TransferLineSent(line=line, quantity=units):
                if line in self.sent or units not in (0, self.lines[line].quantity):
                    raise Broken(f"line {line} is sent twice, or in part")
                self.sent[line] = units
            case transfers.TransferReceived(receipt_id=box):
                if box in self.boxes:
                    raise Broken(f"{box} arrives twice")
                self.boxes[box] = None
                for units in event.lines:
                    self.arrived[units.sku] = self.arrived.get(units.sku, 0) + units.quantity
                    self._book(key, units.sku, box, self.destination, units.quantity)
            case transfers.TransferClosed(went_back=went_back):
                for sku, missing in self.in_transit().items():
                    self.gone[sku] = missing
                    if went_back and missing:
                        self._book(key, sku, ":back", self.source, missing)
            case transfers.TransferBooked(booking_id=name):
                if name in self.booked or name not in self.bookings or event.refusal:
                    raise Broken(f"booking {name} is answered twice, unasked or with {event.refusal}")
                self.booked[name] = None
        if min(self.in_transit().values(), default=0) < 0:
            raise Broken(f"more arrives than was sent: {self.in_transit()}")

    def _book(self, key: str, sku: str, box: str, place: str, units: int) -> None:
        index = next(index for index, line in enumerate(self.lines) if line.sku == sku)
        self.bookings[f"{key}:{index}:{box}"] = (f"{sku}@{place}", units)

    def in_transit(self) -> dict[str, int]:
        return {
            line.sku: self.sent.get(index, 0) - self.arrived.get(line.sku, 0) - self.gone.get(line.sku, 0)
            for index, line in enumerate(self.lines)
        }

    def left_to_do(self) -> str:
        if len(self.sent) < len(self.lines):
            return "lines to be sent"
        return "" if len(self.booked) == len(self.bookings) else "units to be booked in"

    def expected(self) -> dict[str, int]:
        """Units by stock that are still to come."""
        return {f"{sku}@{self.destination}": units for sku, units in self.in_transit().items()}


@dataclass
class PurchaseBook:
    """One purchase order, counted from its events."""

    content: purchases.PurchaseContent | None = None
    lines: dict[str, int] = field(default_factory=dict)
    arrived: dict[str, int] = field(default_factory=dict)
    boxes: dict[str, None] = field(default_factory=dict)
    bookings: dict[str, tuple[str, int]] = field(default_factory=dict)
    booked: dict[str, None] = field(default_factory=dict)
    claiming: set[str] = field(default_factory=set)
    open: bool = False
    version: int = 0

    def fold(self, key: str, event: Event) -> None:
        self.version += 1
        match event:
            case purchase_events.PurchaseDrafted(content=content):
                self.content = content
                self.lines = {line.sku: line.quantity for line in content.lines}
                self.claiming = set(self.lines) if event.automatic else set()
            case purchase_events.PurchaseLineClaimed(sku=sku, held_by=held_by):
                self.claiming.remove(sku)
                if held_by:
                    del self.lines[sku]
            case purchase_events.PurchaseSent():
                self.open = True
            case purchase_events.PurchaseReceived(receipt_id=box, lines=lines):
                self._receive(key, box, lines)
            case purchase_events.PurchaseClosed() | purchase_events.PurchaseCancelled():
                self.open = False
            case purchase_events.PurchaseBooked(booking_id=name):
                if name in self.booked or name not in self.bookings or event.refusal:
                    raise Broken(f"booking {name} is answered twice, unasked or with {event.refusal}")
                self.booked[name] = None

    def _receive(self, key: str, box: str, lines: tuple[purchases.ReceivedUnits, ...]) -> None:
        assert self.content is not None
        if box in self.boxes:
            raise Broken(f"{box} arrives twice")
        self.boxes[box] = None
        for units in lines:
            self.arrived[units.sku] = self.arrived.get(units.sku, 0) + units.quantity + units.damaged
            if units.quantity:
                name = f"{key}:{units.sku}:{box}"
                self.bookings[name] = (f"{units.sku}@{self.content.location}", units.quantity)
        self.open = self.open and any(self._outstanding(sku) for sku in self.lines)

    def _outstanding(self, sku: str) -> int:
        return max(0, self.lines[sku] - self.arrived.get(sku, 0))

    def left_to_do(self) -> str:
        if self.claiming:
            return "SKUs to be claimed"
        return "" if len(self.booked) == len(self.bookings) else "units to be booked in"

    def expected(self) -> dict[str, int]:
        if self.content is None or not self.open:
            return {}
        return {f"{sku}@{self.content.location}": self._outstanding(sku) for sku in self.lines}


class GoodsBooks:
    """All transfers and purchase orders of a history."""

    def __init__(self) -> None:
        self.books: dict[tuple[str, str], TransferBook | PurchaseBook] = {}
        self.claims: dict[str, str] = {}
        """Which draft has a SKU at a location, as the reorder entities tell."""

    def fold(self, kind: str, key: str, event: Event) -> None:
        """Count an event of another kind than stocks, orders and carts."""
        if kind == "reorder":
            self._claim(key, event)
            return
        book = self.books.setdefault((kind, key), TransferBook() if kind == "transfer" else PurchaseBook())
        book.fold(key, event)

    def _claim(self, key: str, event: Any) -> None:
        if type(event).__name__ == "ReorderClaimed":
            if self.claims.get(key):
                raise Broken(f"{event.purchase_id} takes what {self.claims[key]} has")
            self.claims[key] = event.purchase_id
        elif self.claims.get(key) == event.purchase_id:
            del self.claims[key]

    def unsettled(self, stocks: Mapping[str, StockBook]) -> Iterator[str]:
        """What is still under way."""
        for (kind, key), book in self.books.items():
            if left := book.left_to_do():
                yield f"{kind} {key}: {left}"
        expected: dict[str, int] = {}
        for book in self.books.values():
            for key, units in book.expected().items():
                expected[key] = expected.get(key, 0) + units
        for key in dict.fromkeys((*expected, *stocks)):
            told = sum(units for _, units in stocks[key].expectations.values()) if key in stocks else 0
            if told != expected.get(key, 0):
                yield f"stock {key}: expects {told}, but {expected.get(key, 0)} are to come"

    def faults(self, stocks: Mapping[str, StockBook]) -> Iterator[str]:
        """What differs between the stocks and these books, once nothing is under way."""
        for (kind, key), book in self.books.items():
            for name, (stock, units) in book.bookings.items():
                if stocks[stock].receipts.get(name) != units:
                    yield f"{kind} {key} books {units} into {stock}, which has {stocks[stock].receipts.get(name)}"
            if isinstance(book, TransferBook):
                for line, units in book.sent.items():
                    there = stocks[f"{book.lines[line].sku}@{book.source}"].dispatches.get(f"{key}:{line}")
                    if there != units:
                        yield f"transfer {key} has {units} of line {line}, {book.source} gave {there}"
        known = {name for book in self.books.values() for name in book.bookings}
        sent = {f"{key}:{line}" for (_, key), book in self.books.items() for line in getattr(book, "sent", {})}
        for key, stock in stocks.items():
            yield from (f"stock {key} gave {name} to nobody" for name in stock.dispatches if name not in sent)
            ours = (name for name in stock.receipts if name.startswith(("trf_", "po_")))
            yield from (f"stock {key} got {name} from nobody" for name in ours if name not in known)

    def compare(self, kind: str, key: str, reply: Reply) -> str:
        """What is wrong with what an entity says of itself at the end."""
        book = self.books[kind, key]
        if isinstance(reply, Rejected):
            return f"{kind} {key} is {reply.reason} at the end, but recorded"
        version = getattr(reply, "version", None)
        return "" if version == book.version else f"{kind} {key} lives in version {version}, recorded is {book.version}"
