"""The auditor: knows only requests, answers, journal entries and the bank's ledger, and holds every invariant to them.

It listens at each commit and each answer, so a history is judged while it happens; `judge_the_end` demands that
everything has settled once the faults have stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.codec import KindCodec
from actors.journals.port import Batch, NewEntry
from actors.moves import Arrived, Left
from actors.placement import shard_of
from engine.cart import AddLine, CartView
from engine.coupon import LookCoupon
from engine.flash_sale import LookSale
from engine.gift_card import LookCard
from engine.kernel import Command, Rejected, Reply
from engine.order import LookOrder, OrderView, Place, Settlement
from engine.purchase import LookPurchase, PurchaseView
from engine.reasons import Reason
from engine.stock import Adjust, Commit, Done, Held, LookStock, Receive, Release, Reserve, StockView
from engine.transfer import LookTransfer, TransferView
from engine.visitor import BehaviourNoted

from .bank import Ledger
from .books import OPEN, Broken, CartBook, OrderBook, Part, StockBook
from .chronicle import Chronicle
from .goods import GoodsBooks
from .lake import LakeBooks
from .sales import KIND as SALE
from .sales import SaleBook
from .visits import VisitBook
from .vouchers import KINDS as VOUCHERS
from .vouchers import VoucherBook

FOREVER = float("inf")


@dataclass
class Asked:
    """One command of somebody outside, with what became of it. Tries of one command share `operation`."""

    operation: int
    who: str
    kind: str
    key: str
    command: Command
    at: float
    bound_s: float
    """The sender must hear something within this time."""
    answered_at: float | None = None
    reply: Reply = None
    error: str = ""

    @property
    def answered(self) -> bool:
        return self.answered_at is not None and not self.error


class Auditor:
    """Judges one history."""

    def __init__(self, chronicle: Chronicle, codecs: Mapping[str, KindCodec], ledger: Ledger, *, shards: int) -> None:
        self.stocks: dict[str, StockBook] = {}
        self.orders: dict[str, OrderBook] = {}
        self.carts: dict[str, CartBook] = {}
        self.visits: dict[str, VisitBook] = {}
        self.goods = GoodsBooks()
        self.lake = LakeBooks()
        self.vouchers: dict[tuple[str, str], VoucherBook | SaleBook] = {}
        self.asked: list[Asked] = []
        self.time = 0.0
        self.clocks_jumped = False
        self._chronicle = chronicle
        self._codecs = codecs
        self._ledger = ledger
        self._shards = shards
        self._waiting: dict[str, list[Callable[[], Any]]] = {}
        self._epochs: dict[int, tuple[int, str]] = {}
        self._versions: dict[tuple[str, str], int] = {}
        self._homes: dict[tuple[str, str], int] = {}
        self._settlements: dict[str, tuple[float, Settlement | None]] = {}
        self._places: dict[tuple[str, str], Place] = {}

    # -- commits

    def acquired(self, who: str, shard: int, epoch: int, at: float) -> None:
        self._epochs[shard] = (epoch, who)
        self._chronicle.tell(at, who, f"owns shard {shard} in epoch {epoch}")

    def committed(self, who: str, batches: Sequence[Batch], at: float) -> None:
        self.time = at
        for batch in batches:
            epoch, owner = self._epochs.get(batch.shard, (0, "nobody"))
            if (batch.epoch, who) != (epoch, owner):
                self._accuse(f"{who} writes to shard {batch.shard} of {owner} with epoch {batch.epoch}, not {epoch}")
            for entry in batch.entries:
                self._record(who, batch.shard, entry, at)
        self._tell_statuses(batches)
        # Across entities only the commit as a whole can be judged: it happens at once or not at all.
        for key in dict.fromkeys(entry.key for batch in batches for entry in batch.entries if entry.kind == "order"):
            try:
                self._judge_order(key, self.orders[key])
            except Broken as broken:
                self._accuse(f"order {key}: {broken}")

    def tell_when(self, status: str, call: Callable[[], Any]) -> None:
        """Call, once, when the next order is in this status after a commit."""
        self._waiting.setdefault(status, []).append(call)

    def _tell_statuses(self, batches: Sequence[Batch]) -> None:
        if not self._waiting:
            return
        for key in [entry.key for batch in batches for entry in batch.entries if entry.kind == "order"]:
            for call in self._waiting.pop(self.orders[key].status, ()):
                call()

    def _record(self, who: str, shard: int, entry: NewEntry, at: float) -> None:
        name = (entry.kind, entry.key)
        if entry.version != self._versions.get(name, 0) + 1:
            self._accuse(f"{name} records version {entry.version} after {self._versions.get(name, 0)}")
        self._versions[name] = entry.version
        home = self._homes.get(name, shard_of(entry.key, self._shards))
        events = self._codecs[entry.kind].decode_events(entry.events)
        if shard != home and not (events and isinstance(events[0], Arrived)):
            self._accuse(f"{name} is recorded in shard {shard}, but lives in {home}")
        told = ", ".join(type(event).__name__ for event in events)
        self._chronicle.tell(at, who, f"records {entry.kind} {entry.key} v{entry.version}: {told}")
        for event in events:
            if isinstance(event, Left):
                self._homes[name] = event.shard
            elif not isinstance(event, Arrived):
                self._fold(entry.kind, entry.key, event, at)

    def _fold(self, kind: str, key: str, event: Any, at: float) -> None:
        book: Any
        match kind:
            case "stock":
                book = self._stock(key)
            case "order":
                book = self.orders.setdefault(key, OrderBook())
            case "cart":
                book = self.carts.setdefault(key, CartBook())
            case "visitor":
                book = self.visits.setdefault(key, VisitBook())
            case _ if kind in VOUCHERS or kind == SALE:
                book = self._voucher(kind, key)
            case _:
                book = None
        try:
            if book is None:
                self.goods.fold(kind, key, event)
            else:
                book.fold(event, at)
            self.lake.fold(kind, key, event, at)
        except Broken as broken:
            self._accuse(f"{kind} {key}: {broken}")

    def _judge_order(self, key: str, order: OrderBook) -> None:
        """What must hold after every event of an order, across entities."""
        if order.placed is None:
            raise Broken("nobody placed it")
        wanted = self._places.get((key, order.placed.fingerprint))
        if wanted is None:
            raise Broken("nobody asked for it")
        if order.lines and wanted.lines and units_of(order.lines) != units_of(wanted.lines):
            raise Broken(f"it buys {units_of(order.lines)}, not {units_of(wanted.lines)}")
        if wanted.cart_id and order.lines and not order.dead:
            cart = self.carts.get(wanted.cart_id, CartBook())
            if order.seal == "held" and cart.sealed_by != key:
                raise Broken(f"it holds the seal of a cart that is sealed by {cart.sealed_by or 'nobody'}")
            if order.seal == "held" and units_of(order.lines) != units_of(tuple(cart.lines.values())):
                raise Broken("it buys something else than its cart holds")
        if order.confirmed and order.status == "confirmed":
            self._judge_confirmed(key, order)

    def _judge_confirmed(self, key: str, order: OrderBook) -> None:
        for index, part in enumerate(order.parts):
            held = self._part(part).line(f"{key}:{index}")
            if held is None or held.how != "committed" or held.quantity != part.quantity:
                raise Broken(f"it is confirmed, but its part of {part.key} is {held}")
        back = order.after.asked_back() if order.after is not None else 0
        if order.due and sum(payment.kept for payment in self._ledger.of_order(key)) < order.due - back:
            raise Broken("it is confirmed without its money")

    # -- requests and answers

    def asks(self, asked: Asked) -> None:
        self.asked.append(asked)
        self._chronicle.tell(asked.at, asked.who, f"asks {type(asked.command).__name__}", f"{asked.kind} {asked.key}")
        if isinstance(asked.command, Place):
            self._places[asked.key, asked.command.fingerprint] = asked.command
        if isinstance(asked.command, AddLine):
            cart = self.carts.setdefault(asked.key, CartBook())
            cart.asked[asked.command.command_id] = asked.command.quantity

    def hears(self, asked: Asked, at: float) -> None:
        """Judge an answer, or an error, at the instant in which it is heard."""
        self.time = at
        asked.answered_at = at
        told = asked.error or in_short(asked.reply)
        self._chronicle.tell(at, asked.who, f"hears of {type(asked.command).__name__} {asked.key}: {told}")
        self._in_time(asked, at)
        if asked.error or isinstance(asked.reply, Rejected) or asked.kind in (*VOUCHERS, SALE):
            return
        try:
            self._judge_answer(asked)
        except Broken as broken:
            self._accuse(f"{asked.who} hears of {asked.kind} {asked.key}: {broken}")

    def _in_time(self, asked: Asked, at: float) -> None:
        if at - asked.at > asked.bound_s:
            what = type(asked.command).__name__
            self._accuse(f"{asked.who} waits {at - asked.at:.1f} s for {what} to {asked.key}, {asked.bound_s} at most")

    def _judge_answer(self, asked: Asked) -> None:
        match asked.reply:
            case OrderView():
                self._judge_order_view(asked, asked.reply)
            case StockView():
                self._judge_stock_view(asked.key, asked.reply, asked.at)
            case CartView():
                self._judge_cart_view(asked, asked.reply)
            case Held(sequence=sequence):
                assert isinstance(asked.command, Reserve)
                held = self._stock(asked.key).reservations.get(asked.command.reservation_id)
                if held is None or held.sequence != sequence:
                    raise Broken(f"it holds {asked.command.reservation_id} as {sequence}, but recorded {held}")
            case Done():
                self._judge_done(asked)
            case None | TransferView() | PurchaseView() | BehaviourNoted():
                pass
            case other:
                raise Broken(f"{type(asked.command).__name__} is answered with {other}")

    def _judge_order_view(self, asked: Asked, view: OrderView) -> None:
        order = self.orders.get(asked.key)
        if order is None or order.placed is None:
            raise Broken("it is told of, but nothing is recorded")
        if view.status != order.shown and order.changed_at < asked.at:
            raise Broken(f"it is told to be {view.status}, though it was {order.shown} before the question")
        if view.order_id != asked.key:
            raise Broken(f"the answer is about {view.order_id}")
        heard_at, first = self._settlements.get(asked.key, (FOREVER, view.settlement))
        if view.settlement is None:
            if heard_at < asked.at:
                raise Broken("it was settled before this was asked, and isn't any more")
            return
        if order.settlement is None or order.settlement[0] != view.settlement.status:
            raise Broken(f"it is told to be {view.settlement.status}, but recorded {order.settlement}")
        self._settlements.setdefault(asked.key, (self.time, view.settlement))
        if first != view.settlement:
            raise Broken(f"it was settled as {first}, now as {view.settlement}")

    def _judge_stock_view(self, key: str, view: StockView, asked_at: float) -> None:
        history = self._stock(key).history
        if view.version + 1 < len(history) and history[view.version + 1].at < asked_at:
            raise Broken(f"version {view.version} is told, though {view.version + 1} was recorded before the question")
        if view.version >= len(history):
            raise Broken(f"version {view.version} is told, {len(history) - 1} is recorded")
        recorded = history[view.version]
        told = (view.on_hand, view.reserved, view.safety_stock)
        if told != (recorded.on_hand, recorded.reserved, recorded.safety_stock):
            raise Broken(f"version {view.version} is told as {told}, recorded as {recorded}")

    def _judge_cart_view(self, asked: Asked, view: CartView) -> None:
        cart = self.carts.get(asked.key, CartBook())
        told = {line.sku: line.quantity for line in view.lines}
        if cart.history.get(view.version) != told:
            raise Broken(f"version {view.version} is told as {told}, recorded as {cart.history.get(view.version)}")
        if isinstance(asked.command, AddLine) and asked.command.command_id not in cart.added:
            raise Broken(f"addition {asked.command.command_id} is acknowledged, but not recorded")

    def _judge_done(self, asked: Asked) -> None:
        stock, command = self._stock(asked.key), asked.command
        match command:
            case Receive(receipt_id=name):
                recorded = name in stock.receipts
            case Adjust(adjustment_id=name):
                recorded = name in stock.adjustments
            case Commit(reservation_id=name):
                held = stock.line(name)
                recorded = held is not None and held.how == "committed"
            case Release(reservation_id=name):
                recorded = name in stock.reservations and stock.reservations[name].how != OPEN
            case _:
                recorded = True
        if not recorded:
            raise Broken(f"{command} is acknowledged, but not recorded")

    def _part(self, part: Part) -> StockBook:
        """The book of whatever an order has reserved."""
        return self._stock(part.key) if part.kind == "stock" else self._voucher(part.kind, part.key)

    def _voucher(self, kind: str, key: str) -> VoucherBook | SaleBook:
        voucher = self.vouchers.setdefault((kind, key), SaleBook() if kind == SALE else VoucherBook())
        voucher.clocks_jumped = self.clocks_jumped
        return voucher

    def _stock(self, key: str) -> StockBook:
        stock = self.stocks.setdefault(key, StockBook())
        stock.clocks_jumped = self.clocks_jumped
        return stock

    # -- the end

    def unsettled(self) -> list[str]:
        """What is still under way."""
        left = [f"order {key}: {order.left_to_do()}" for key, order in self.orders.items() if not order.done]
        left += [f"stock {key}: {stock.reserved} reserved" for key, stock in self.stocks.items() if stock.reserved]
        left += [f"{name}: {book.reserved} reserved" for name, book in self.vouchers.items() if book.reserved]
        left += [f"{name}: {book.phase}" for name, book in self.vouchers.items() if not book.done]
        left += self.goods.unsettled(self.stocks)
        for key, cart in self.carts.items():
            holder = self.orders.get(cart.sealed_by)
            if cart.sealed_by and (holder is None or holder.status not in ("confirmed", "fulfilled", "cancelled")):
                left.append(f"cart {key}: sealed by {cart.sealed_by}")
        return left

    def judge_settled(self) -> None:
        """Liveness: nothing is under way any more."""
        for what in self.unsettled():
            self._accuse(f"never settles: {what}")

    def judge_the_end(self) -> None:
        """Safety of the whole, and once more that everything has settled."""
        self.judge_settled()
        for asked in self.asked:
            if asked.answered_at is None:
                what = type(asked.command).__name__
                self._accuse(f"{asked.who} never hears of {what} to {asked.key}, asked at {asked.at:.1f}")
        for key, order in self.orders.items():
            self._judge_money(key, order)
            self._judge_lines(key, order)
            self._judge_what_came_back(key, order)
        for fault in (*self.goods.faults(self.stocks), *self.lake.faults(self.orders, self.stocks)):
            self._accuse(fault)
        for refusal in self._ledger.refusals:
            self._accuse(f"the bank was asked what should never be asked: {refusal}")
        for order_id in dict.fromkeys(payment.order_id for payment in self._ledger.payments.values()):
            if order_id not in self.orders:
                self._accuse(f"the bank was paid for order {order_id}, which doesn't exist")

    def _judge_money(self, key: str, order: OrderBook) -> None:
        payments = self._ledger.of_order(key)
        if order.undo_refused or "refused" in order.surplus.values():
            # The provider keeps what it must give back, and the order says so: that is for people.
            return
        kept = sum(payment.kept for payment in payments)
        due = order.due if order.status in ("confirmed", "fulfilled") else 0
        if order.after is not None:
            if any(edit.payment == "undo-refused" for edit in order.after.edits.values()):
                return
            due = due and order.after.captured() - order.after.asked_back("done")
            due += order.after.kept_by_mistake()
        if order.done and kept != due:
            self._accuse(f"order {key} is {order.status}: {due} are due, {kept} were taken")

    def _judge_lines(self, key: str, order: OrderBook) -> None:
        """All lines of an order, or none."""
        if not order.done:
            return
        kept = order.status in ("confirmed", "fulfilled")
        for index, part in enumerate(order.parts):
            held = self._part(part).line(f"{key}:{index}")
            sold = held is not None and held.how == "committed"
            if sold != kept:
                self._accuse(f"order {key} is {order.status}, but part {index} of {part.key} is {held}")

    def _judge_what_came_back(self, key: str, order: OrderBook) -> None:
        """What an order gave back after its sale is on hand, unit for unit."""
        if order.after is None or not order.done:
            return
        for sku, units in order.after.back.items():
            parts = self._stock(f"{sku}@default").parts
            back = sum(quantity for name, quantity in parts.items() if name.partition(":")[0] == key)
            if back != units:
                self._accuse(f"order {key} gives {units} units of {sku} back, {back} are on hand again")

    def compare(self, key: str, reply: Reply, command: Command) -> None:
        """The live state of an entity, read at the end, must be what its journal says."""
        if isinstance(command, LookCoupon | LookCard | LookSale):
            name = next(name for name in self.vouchers if name[1] == key)
            if wrong := self.vouchers[name].differs_from(reply):
                self._accuse(f"{name} {wrong}")
            return
        if isinstance(command, LookTransfer | LookPurchase):
            kind = "transfer" if isinstance(command, LookTransfer) else "purchase"
            if wrong := self.goods.compare(kind, key, reply):
                self._accuse(wrong)
            return
        if isinstance(reply, Rejected):
            absent = key not in self.orders if isinstance(command, LookOrder) else key not in self.carts
            if not (reply.reason in (Reason.NOT_FOUND, Reason.CART_EXPIRED) and absent):
                self._accuse(f"{key} is {reply.reason} at the end, but recorded")
        elif isinstance(reply, StockView):
            assert isinstance(command, LookStock)
            if reply.version != len(self._stock(key).history) - 1:
                self._accuse(f"stock {key} lives in version {reply.version}, not the newest that is recorded")
        elif isinstance(reply, OrderView):
            if str(reply.status) != self.orders[key].shown:
                self._accuse(f"order {key} lives as {reply.status}, recorded as {self.orders[key].shown}")
        elif isinstance(reply, CartView) and reply.version != self.carts[key].version:
            self._accuse(f"cart {key} lives in version {reply.version}, recorded is {self.carts[key].version}")

    def _accuse(self, what: str) -> None:
        self._chronicle.accuse(self.time, what)


def in_short(reply: Reply) -> str:
    """An answer in a few words."""
    match reply:
        case Rejected():
            return f"refused, {reply.reason}"
        case OrderView():
            return str(reply.status)
        case StockView():
            return f"{reply.on_hand} on hand, {reply.reserved} reserved"
    return str(reply)


def units_of(lines: Sequence[Any]) -> dict[str, int]:
    """Units by SKU."""
    units: dict[str, int] = {}
    for line in lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    return dict(sorted(units.items()))
