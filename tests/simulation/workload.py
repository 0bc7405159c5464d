"""What buyers and shop-keepers do, drawn from the seed before the history begins, and how they do it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

import msgspec

from actors.client import Client
from actors.errors import Unavailable
from actors.pins import Pins
from engine.cart import AddLine, CartView, Line, LookCart, OpenCart, RemoveLine, SetLine
from engine.kernel import Command, Rejected, Reply
from engine.money import Money
from engine.order import Cancel, Fulfil, LookOrder, Place
from engine.reasons import Reason
from engine.stock import Adjust, Commit, Held, LookStock, Receive, Release, Reserve, SetPolicy, stock_key

from .aftersale import Counter, serve
from .auditor import Asked, Auditor
from .bank import TREATMENTS
from .goods import Errand, run
from .machines import EPOCH_MS, DirectoryWire, FrontMachine

SALE = ("RETRO-CLOCK", "LAVA-LAMP", "TURNTABLE")
COUNTERS = ("WALKMAN",)
"""SKUs that fronts hold, commit and release by themselves: each of their histories is checked for linearizability."""
ACTIVE_S = 18.0
"""How long new work keeps coming."""
CALLS_S = 12.0
"""What may come on top of a deadline: a call that has to time out, a look-up of the new owner."""


def price_of(sku: str) -> Money:
    return Money(100 + len(sku), "USD")


@dataclass(frozen=True)
class Purchase:
    at: float
    front: int
    order_id: str
    place: Place
    settle_s: float
    twin_front: int
    """Another front that gets the same request, at the same time; -1: none."""
    stolen_key: bool
    cancel_after_s: float
    """0: not cancelled."""
    fulfil: bool


@dataclass(frozen=True)
class CartVisit:
    at: float
    front: int
    cart_id: str
    steps: tuple[Command, ...]
    checkouts: tuple[tuple[str, Place], ...]


@dataclass(frozen=True)
class CounterVisit:
    at: float
    front: int
    sku: str
    name: str
    steps: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True)
class ShopKeeping:
    at: float
    front: int
    sku: str
    command: Command


@dataclass(frozen=True)
class Pinning:
    at: float
    front: int
    sku: str
    for_s: float


@dataclass(frozen=True)
class Look:
    at: float
    front: int
    sku: str


@dataclass(frozen=True)
class Plan:
    """Everything that will be tried."""

    opening: tuple[ShopKeeping, ...]
    purchases: tuple[Purchase, ...]
    carts: tuple[CartVisit, ...]
    counters: tuple[CounterVisit, ...]
    shop_keeping: tuple[ShopKeeping, ...]
    pinnings: tuple[Pinning, ...]
    looks: tuple[Look, ...]


def draw_plan(random: Random, fronts: int) -> Plan:
    """A plan for one history."""
    scarce = random.choice((3, 8, 25))
    opening = [ShopKeeping(0.0, 0, sku, Receive(f"first-{sku}", scarce)) for sku in (*SALE, *COUNTERS)]
    return Plan(
        tuple(opening),
        tuple(_purchase(random, number, fronts) for number in range(random.randint(8, 22))),
        tuple(_cart_visit(random, number, fronts) for number in range(random.randint(1, 4))),
        tuple(_counter_visit(random, number, fronts) for number in range(random.randint(2, 4))),
        tuple(_shop_keeping(random, number, fronts) for number in range(random.randint(2, 7))),
        tuple(_pinning(random, fronts) for _ in range(random.choice((0, 0, 1, 1, 2)))),
        tuple(_look(random, fronts) for _ in range(random.choice((0, 12)))),
    )


def _place(random: Random, lines: tuple[Line, ...] = (), cart_id: str = "") -> Place:
    (token,) = random.choices(list(TREATMENTS), weights=list(TREATMENTS.values()))
    return Place(
        "same",
        "ada@example.org",
        "bank",
        token,
        lines,
        cart_id,
        random.choice(("ada", "bert", "")),
        random.choice((2, 5, 10, 30)),
    )


def _purchase(random: Random, number: int, fronts: int) -> Purchase:
    # Lines of one SKU may come twice in one order.
    chosen = random.choices(SALE, k=random.choice((1, 1, 1, 2, 3)))
    lines = tuple(Line(sku, random.choice((1, 1, 2, 3)), price_of(sku), sku.title()) for sku in chosen)
    front = random.randrange(fronts)
    return Purchase(
        at=random.random() * ACTIVE_S,
        front=front,
        order_id=f"ord-{number}",
        place=_place(random, lines),
        settle_s=random.choice((0.0, 1.0, 3.0)),
        twin_front=random.randrange(fronts) if random.random() < 0.35 else -1,
        stolen_key=random.random() < 0.05,
        cancel_after_s=random.random() * 6.0 if random.random() < 0.2 else 0.0,
        fulfil=random.random() < 0.15,
    )


def _cart_visit(random: Random, number: int, fronts: int) -> CartVisit:
    cart_id = f"cart-{number}"
    steps: list[Command] = []
    for step in range(random.randint(1, 5)):
        sku = random.choice(SALE)
        match random.choice(("add", "add", "add", "set", "remove")):
            case "add":
                add = AddLine(sku, random.choice((1, 2)), price_of(sku), "", f"{cart_id}-{step}")
                steps += [add] * random.choice((1, 1, 2))
            case "set":
                steps.append(SetLine(sku, random.choice((1, 2, 3)), price_of(sku)))
            case "remove":
                steps.append(RemoveLine(sku))
    tabs = range(random.choice((1, 1, 2)))
    return CartVisit(
        random.random() * ACTIVE_S * 0.7,
        random.randrange(fronts),
        cart_id,
        tuple(steps),
        tuple((f"ord-{cart_id}-{tab}", _place(random, cart_id=cart_id)) for tab in tabs),
    )


def _counter_visit(random: Random, number: int, fronts: int) -> CounterVisit:
    steps = tuple(
        (random.choice(("commit", "commit", "release", "leave", "look", "receive")), random.choice((1, 1, 2)), hold_s)
        for hold_s in (random.choice((1.0, 8.0, 60.0)) for _ in range(random.randint(3, 6)))
    )
    return CounterVisit(
        random.random() * ACTIVE_S * 0.6,
        random.randrange(fronts),
        random.choice(COUNTERS),
        f"hold-{number}",
        steps,
    )


def _shop_keeping(random: Random, number: int, fronts: int) -> ShopKeeping:
    command: Command
    match random.choice(("receive", "adjust", "adjust", "policy")):
        case "receive":
            command = Receive(f"more-{number}", random.choice((1, 2, 5)))
        case "adjust":
            command = Adjust(f"count-{number}", random.choice((-2, -1, 1)), "count")
        case _:
            command = SetPolicy(random.choice((None, 0, 1)), random.choice((None, 0, 3, 6)), None)
    return ShopKeeping(random.random() * ACTIVE_S, random.randrange(fronts), random.choice(SALE), command)


def _pinning(random: Random, fronts: int) -> Pinning:
    return Pinning(
        random.random() * ACTIVE_S * 0.6,
        random.randrange(fronts),
        random.choice((*SALE, *COUNTERS)),
        random.choice((1.0, 4.0, 12.0)),
    )


def _look(random: Random, fronts: int) -> Look:
    return Look(random.random() * ACTIVE_S, random.randrange(fronts), random.choice((*SALE, *COUNTERS)))


class Crowd:
    """Carries a plan out."""

    def __init__(
        self,
        plan: Plan,
        fronts: list[FrontMachine],
        auditor: Auditor,
        random: Random,
        directory_for: Callable[[str], DirectoryWire],
        clock: Callable[[], float],
        errands: tuple[Errand, ...] = (),
        counters: tuple[Counter, ...] = (),
    ) -> None:
        self._plan = plan
        self._fronts = fronts
        self._auditor = auditor
        self._random = random
        self._directory_for = directory_for
        self._clock = clock
        self._errands = errands
        self._counters = counters
        self._operations = count()
        self.tasks: list[asyncio.Task[Any]] = []

    def begin(self) -> None:
        """Send everybody on their way, each in the process of their front."""
        plan = self._plan
        for opening in plan.opening:
            self._start(opening.front, self._keep_shop(opening, until_answered=True))
        for purchase in plan.purchases:
            self._start(purchase.front, self._buy(purchase, purchase.front))
            if purchase.twin_front >= 0:
                self._start(purchase.twin_front, self._buy(purchase, purchase.twin_front))
            if purchase.cancel_after_s or purchase.fulfil:
                self._start(purchase.front, self._after_purchase(purchase))
        for visit in plan.carts:
            self._start(visit.front, self._fill_cart(visit))
        for counter in plan.counters:
            self._start(counter.front, self._count(counter))
        for keeping in plan.shop_keeping:
            self._start(keeping.front, self._keep_shop(keeping, until_answered=False))
        for pinning in plan.pinnings:
            self._start(pinning.front, self._pin(pinning))
        for look in plan.looks:
            self._start(look.front, self._look(look))
        for errand in self._errands:
            self._start(errand.front, run(errand, self._ask))
        for busy in self._counters:
            self._start(busy.front, serve(busy, self._ask))

    @property
    def busy(self) -> int:
        """How many are still under way."""
        return sum(not task.done() for task in self.tasks)

    async def look_at(self, front: int, kind: str, key: str, command: Command) -> Reply:
        """Read an entity, for as long as it takes."""
        return await self._ask(front, kind, key, command, until_answered=True)

    def _start(self, front: int, work: Coroutine[Any, Any, None]) -> None:
        process = self._fronts[front].process
        assert process is not None
        self.tasks.append(process.spawn(work))

    async def _at(self, front: int, work: Coroutine[Any, Any, Any]) -> None:
        """Have it done in the process of another front, and wait."""
        process, here = self._fronts[front].process, asyncio.get_running_loop()
        assert process is not None
        done = here.create_future()
        task = process.spawn(work)
        task.add_done_callback(lambda _task: here.call_soon(done.set_result, None))
        self.tasks.append(task)
        await done

    async def _ask(
        self,
        front: int,
        kind: str,
        key: str,
        command: Command,
        *,
        settle_s: float = 0.0,
        tries: int = 3,
        until_answered: bool = False,
    ) -> Reply:
        """The reply, or None when nobody answered in so many tries: then it may have happened, or happen yet."""
        machine = self._fronts[front]
        assert machine.client is not None
        client: Client = await machine.client
        operation = next(self._operations)
        for _ in range(1_000 if until_answered else tries):
            deadline_s = self._random.choice((1.0, 3.0, 10.0))
            asked = Asked(operation, machine.name, kind, key, command, self._clock(), deadline_s + settle_s + CALLS_S)
            self._auditor.asks(asked)
            try:
                asked.reply = await client.send(kind, key, command, deadline_s=deadline_s, settle_s=settle_s)
            except Unavailable as error:
                asked.error = str(error)
                self._auditor.hears(asked, self._clock())
                await asyncio.sleep(0.05 + self._random.random())
                continue
            self._auditor.hears(asked, self._clock())
            return asked.reply
        return None

    # -- what people do

    async def _buy(self, purchase: Purchase, front: int) -> None:
        await asyncio.sleep(purchase.at)
        place = purchase.place
        if purchase.stolen_key and front == purchase.twin_front:
            place = msgspec.structs.replace(place, fingerprint="other")
        await self._ask(front, "order", purchase.order_id, place, settle_s=purchase.settle_s)
        if self._random.random() < 0.5:
            # A retry, after an answer that perhaps nobody read.
            await asyncio.sleep(self._random.random() * 3.0)
            await self._ask(front, "order", purchase.order_id, place, settle_s=purchase.settle_s)
        await self._ask(front, "order", purchase.order_id, LookOrder())

    async def _after_purchase(self, purchase: Purchase) -> None:
        await asyncio.sleep(purchase.at + purchase.cancel_after_s)
        command: Command = Fulfil() if purchase.fulfil else Cancel("changed my mind")
        await self._ask(purchase.front, "order", purchase.order_id, command)

    async def _fill_cart(self, visit: CartVisit) -> None:
        await asyncio.sleep(visit.at)
        if await self._ask(visit.front, "cart", visit.cart_id, OpenCart()) is None:
            return
        fronts = len(self._fronts)
        # Two tabs add and change at the same time.
        tabs = (visit.steps[::2], visit.steps[1::2])
        await asyncio.gather(
            *(
                self._at(tab_front, self._change_cart(tab_front, visit.cart_id, steps))
                for tab, steps in enumerate(tabs)
                for tab_front in [(visit.front + tab) % fronts]
            )
        )
        await asyncio.gather(
            *(
                self._at(tab_front, self._ask(tab_front, "order", order_id, place, settle_s=1.0))
                for tab, (order_id, place) in enumerate(visit.checkouts)
                for tab_front in [(visit.front + tab) % fronts]
            )
        )
        await self._change_cart(visit.front, visit.cart_id, visit.steps[:1])
        await self._ask(visit.front, "cart", visit.cart_id, LookCart())

    async def _change_cart(self, front: int, cart_id: str, steps: tuple[Command, ...]) -> None:
        for step in steps:
            reply = await self._ask(front, "cart", cart_id, step)
            assert reply is None or isinstance(reply, (CartView, Rejected)), reply

    async def _count(self, visit: CounterVisit) -> None:
        await asyncio.sleep(visit.at)
        key = stock_key(visit.sku)
        for number, (what, quantity, hold_s) in enumerate(visit.steps):
            name = f"{visit.name}-{number}"
            if what == "look":
                await self._ask(visit.front, "stock", key, LookStock())
                continue
            if what == "receive":
                await self._ask(visit.front, "stock", key, Receive(name, quantity))
                continue
            await self._hold(visit.front, key, name, what, quantity, hold_s)
            await asyncio.sleep(self._random.random())

    async def _hold(self, front: int, key: str, name: str, what: str, quantity: int, hold_s: float) -> None:
        expires_at = EPOCH_MS + int((self._clock() + hold_s) * 1_000)
        reply = await self._ask(front, "stock", key, Reserve(name, quantity, expires_at, "ada"))
        if not isinstance(reply, Held):
            return
        await asyncio.sleep(self._random.random() * 2.0)
        if what == "commit":
            await self._ask(front, "stock", key, Commit(name, reply.sequence, reply.expires_at))
        elif what == "release":
            await self._ask(front, "stock", key, Release(name))

    async def _keep_shop(self, keeping: ShopKeeping, *, until_answered: bool) -> None:
        await asyncio.sleep(keeping.at)
        key = stock_key(keeping.sku)
        reply = await self._ask(keeping.front, "stock", key, keeping.command, until_answered=until_answered)
        assert not isinstance(reply, Rejected) or reply.reason is Reason.STOCK_IN_USE, reply

    async def _look(self, look: Look) -> None:
        await asyncio.sleep(look.at)
        await self._ask(look.front, "stock", stock_key(look.sku), LookStock(), tries=1)

    async def _pin(self, pinning: Pinning) -> None:
        await asyncio.sleep(pinning.at)
        machine = self._fronts[pinning.front]
        assert machine.client is not None
        pins = Pins(await machine.client, self._directory_for(machine.name))
        key = stock_key(pinning.sku)
        for step in (pins.pin, pins.unpin):
            try:
                async with asyncio.timeout(20.0):
                    await step("stock", key, LookStock())
            except (Unavailable, TimeoutError):
                continue
            await asyncio.sleep(pinning.for_s)
