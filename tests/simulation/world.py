"""One history: a world drawn from a seed, its buyers and its faults, then peace, and the auditor's judgement."""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from actors import entity, shard, volume
from actors.codec import codecs_of
from actors.journals import trimming
from engine.cart import LookCart
from engine.coupon import LookCoupon
from engine.flash_sale import LookSale
from engine.gift_card import LookCard
from engine.kernel import Command
from engine.kinds import KINDS
from engine.order import LookOrder
from engine.purchase import LookPurchase
from engine.stock import LookStock
from engine.transfer import LookTransfer

from .aftersale import draw_counters
from .auditor import Auditor
from .bank import Bank
from .chronicle import Chronicle
from .disk import Disk
from .faults import Misfortune, draw_faults, draw_moves
from .goods import draw_errands
from .linearizability import judge_counters
from .machines import DirectoryMachine, DirectoryWire, FrontMachine, Ground, HostMachine, Shape, way_of
from .network import Network
from .sales import draw_sales
from .trimmer import trim_now_and_then
from .virtual_time import Process, Scheduler, Spinning
from .vouchers import draw_vouchers
from .workload import ACTIVE_S, COUNTERS, SALE, Crowd, draw_plan

NIGHT_MS = 400_000
"""How far all clocks are put forward once the faults have stopped: every payment window and every hold is over then."""
PEACE_S = 90.0
"""By then everything must have settled."""
LOOK_EVERY_S = 0.5


STREAMS = (
    "shape",
    "plan",
    "faults",
    "moves",
    "network",
    "disk",
    "bank",
    "trims",
    "goods",
    "vouchers",
    "sales",
    "aftersale",
)
"""Dice of their own: a change in one place shall not change everything else that a seed draws."""


@dataclass
class Result:
    """What came of one seed."""

    seed: int
    violations: list[str]
    digest: str
    virtual_s: float
    steps: int
    purchases: int
    confirmed: int
    faults: Counter[str] = field(default_factory=Counter)
    coverage: Counter[tuple[str, str]] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)


def draw_shape(random: Random) -> Shape:
    """What a world is made of."""
    shards = random.choice((2, 4, 6))
    return Shape(
        hosts=random.choice((1, 2, 3, 3)),
        fronts=2,
        shards=shards,
        volumes=random.choice((1, 2, shards)),
        embedded_disk=random.random() < 0.5,
        bank_inside=random.random() < 0.5,
        entities_in_memory=random.choice((3, 10, 1_000)),
        idle_s=random.choice((0.2, 5.0, 300.0)),
        mailbox_limit=random.choice((4, 64, 4_096)),
        bytes_between_snapshots=random.choice((60, 600, 64_000)),
        entries_between_checkpoints=random.choice((3, 20, 200)),
        commands_per_turn=random.choice((2, 1_024)),
        recovery_group=random.choice((2, 32)),
    )


@contextmanager
def tuned(shape: Shape) -> Iterator[None]:
    """Production's bounds as small as the world is: otherwise no history would ever reach them."""
    bounds: tuple[tuple[Any, str, int], ...] = (
        (entity, "MIN_BYTES_BETWEEN_SNAPSHOTS", shape.bytes_between_snapshots),
        (shard, "MIN_ENTRIES_BETWEEN_CHECKPOINTS", shape.entries_between_checkpoints),
        (volume, "ENTRIES_BETWEEN_ROUNDS", 4 * shape.entries_between_checkpoints),
        (volume, "MAX_COMMANDS_PER_TURN", shape.commands_per_turn),
        (volume, "RECOVERY_GROUP", shape.recovery_group),
        (trimming, "WINDOW", 4 * shape.entries_between_checkpoints),
        (trimming, "STATES_PER_TRIM", shape.recovery_group),
    )
    before = [getattr(module, name) for module, name, _ in bounds]
    for module, name, value in bounds:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _), value in zip(bounds, before, strict=True):
            setattr(module, name, value)


class World:
    """Everything of one history."""

    def __init__(self, seed: int, chronicle: Chronicle) -> None:
        self.chronicle = chronicle
        self.scheduler = Scheduler()
        streams = {name: Random(f"{seed}:{name}") for name in STREAMS}
        self.shape = draw_shape(streams["shape"])
        self.codecs = codecs_of(KINDS)
        self.director = self.scheduler.process("director")
        network = self.network = Network(self.scheduler, chronicle, streams["network"])
        self.bank = Bank(self.scheduler.process("bank"), chronicle, streams["bank"])
        self.auditor = Auditor(chronicle, self.codecs, self.bank.ledger, shards=self.shape.shards)
        disk = self.disk = Disk(
            self.scheduler,
            chronicle,
            streams["disk"],
            shards=self.shape.shards,
            volumes=self.shape.volumes,
            embedded=self.shape.embedded_disk,
            on_commit=lambda who, batches: self.auditor.committed(who, batches, self.scheduler.time),
            on_acquire=lambda who, shard, epoch: self.auditor.acquired(who, shard, epoch, self.scheduler.time),
        )
        ground = Ground(self.scheduler, chronicle, network, disk, self.shape, self.codecs)
        self.hosts: dict[str, HostMachine] = {}
        self.way = way_of(ground, self.hosts, lambda: self.directory)
        for number in range(self.shape.hosts):
            self.hosts[f"host-{number}"] = HostMachine(
                f"host-{number}",
                ground,
                self.bank,
                self.way,
                lambda source: DirectoryWire(network, source, self.directory),
            )
        self.directory = DirectoryMachine(ground, self.hosts)
        self.fronts = [FrontMachine(f"front-{number}", ground, self.way) for number in range(self.shape.fronts)]
        plan = draw_plan(streams["plan"], self.shape.fronts)
        self.crowd = Crowd(
            plan,
            self.fronts,
            self.auditor,
            streams["plan"],
            lambda source: DirectoryWire(network, source, self.directory),
            lambda: self.scheduler.time,
            draw_errands(streams["goods"], self.shape.fronts, SALE, ACTIVE_S)
            + draw_vouchers(streams["vouchers"], self.shape.fronts, SALE, ACTIVE_S)
            + draw_sales(streams["sales"], self.shape.fronts, SALE, ACTIVE_S),
            draw_counters(
                streams["aftersale"],
                self.shape.fronts,
                [(purchase.at, purchase.order_id, purchase.place) for purchase in plan.purchases],
                SALE,
            ),
        )
        others = [front.name for front in self.fronts]
        faults = draw_faults(streams["faults"], list(self.hosts), others)
        faults += draw_moves(streams["moves"], list(self.hosts))
        self.misfortune = Misfortune(
            tuple(sorted(faults, key=lambda fault: fault.at)),
            self.hosts,
            self.directory,
            [*others, "bank"],
            network,
            disk,
            self.auditor,
            ground.tell,
            self.director,
        )
        self._tell = ground.tell
        self.trimming = trim_now_and_then(disk, streams["trims"])

    async def play(self) -> None:
        """The history, from the first start to the last question."""
        for machine in (*self.hosts.values(), self.directory, *self.fronts):
            machine.start()
        assert self.bank.process is not None
        self.bank.process.spawn(self._open_bank())
        self.scheduler.process("trimmer").spawn(self.trimming)
        self.begin()
        await self.misfortune.strike()
        await asyncio.sleep(max(0.0, ACTIVE_S - self.scheduler.time))
        self._tell("director", "the faults end")
        self.misfortune.end()
        await asyncio.sleep(1.0)
        # All clocks agree again: what one that was ahead has promised to wait for shall be over for each.
        morning_ms = max(host.clock_ahead_ms for host in self.hosts.values()) + NIGHT_MS
        for host in self.hosts.values():
            host.clock_ahead_ms = morning_ms
        self._tell("director", "a night passes")
        await self._settle()
        # Before everything starts again: a restart would mend what got stuck.
        self.auditor.judge_settled()
        await self._compare()
        self._tell("director", "everything starts again")
        for host in self.hosts.values():
            host.kill()
            host.start()
        await self._compare()
        self.auditor.judge_the_end()
        judge_counters(self.chronicle, self.auditor, COUNTERS)

    def begin(self) -> None:
        """Send everybody on their way."""
        self.crowd.begin()

    async def _open_bank(self) -> None:
        self.bank.client = self.way("bank", "bank.1")

    async def _settle(self) -> None:
        """Wait until nothing is under way, for as long as that may take."""
        give_up_at = self.scheduler.time + PEACE_S
        while self.scheduler.time < give_up_at:
            if not self.auditor.unsettled() and not self.crowd.busy and not self.bank.callbacks_under_way:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _compare(self) -> None:
        """Read every entity: what lives must be what is recorded."""
        auditor = self.auditor
        looks: list[tuple[str, str, Command]] = [("stock", key, LookStock()) for key in auditor.stocks]
        looks += [("order", key, LookOrder()) for key in auditor.orders]
        looks += [
            (kind, key, LookTransfer() if kind == "transfer" else LookPurchase()) for kind, key in auditor.goods.books
        ]
        vouchers: dict[str, Command] = {"coupon": LookCoupon(), "flash-sale": LookSale()}
        looks += [(kind, key, vouchers.get(kind, LookCard())) for kind, key in auditor.vouchers]
        looks += [("cart", key, LookCart()) for key, cart in auditor.carts.items() if cart.version]
        process = self.fronts[0].process
        assert process is not None
        tasks = [process.spawn(self.crowd.look_at(0, kind, key, command)) for kind, key, command in looks]
        give_up_at = self.scheduler.time + PEACE_S
        while not all(task.done() for task in tasks) and self.scheduler.time < give_up_at:
            await asyncio.sleep(0.05)
        for (_, key, command), task in zip(looks, tasks, strict=True):
            if task.done():
                auditor.compare(key, task.result(), command)


class Log(logging.Handler):
    """What the code under test logs. An error is a bug that it survived; the rest is for whoever reads along."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        world, told = self._world, record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            told += f" ({record.exc_info[1]!r})"
        if record.levelno >= logging.ERROR:
            world.chronicle.accuse(world.scheduler.time, f"the log has an error: {told}")
        else:
            process = asyncio.get_running_loop()
            assert isinstance(process, Process)
            world.chronicle.whisper(world.scheduler.time, process.name, f"log: {told}")


@contextmanager
def listening(world: World) -> Iterator[None]:
    """The world hears what the code under test logs, and nobody else does."""
    logger = logging.getLogger("doorbuster.actors")
    before = logger.propagate, logger.level, logger.disabled
    handler = Log(world)
    logger.addHandler(handler)
    logger.propagate, logger.disabled = False, False
    logger.setLevel(logging.INFO if world.chronicle.verbose else logging.ERROR)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate, level, logger.disabled = before
        logger.setLevel(level)


@contextmanager
def no_looks_for_cycles() -> Iterator[None]:
    """Nothing is collected inside, and all of it afterwards: a task tells what nobody heard of it when it goes."""
    enabled = gc.isenabled()
    gc.disable()
    # What was there before isn't looked through again.
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
        if enabled:
            gc.enable()


def simulate(
    seed: int, chronicle: Chronicle | None = None, world_of: Callable[[int, Chronicle], World] = World
) -> Result:
    """One seed, one history, byte for byte."""
    chronicle = chronicle or Chronicle()
    world = world_of(seed, chronicle)
    with listening(world), tuned(world.shape), no_looks_for_cycles():
        try:
            world.scheduler.run(world.director.spawn(world.play()))
        except Spinning as error:
            chronicle.accuse(world.scheduler.time, f"{error.args[0]} spins")
        finally:
            world.scheduler.close()
    for failure in world.scheduler.failures:
        chronicle.accuse(world.scheduler.time, f"nobody caught: {failure}")
    for number, task in enumerate(world.crowd.tasks):
        if task.done() and not task.cancelled() and (met := task.exception()) is not None:
            chronicle.accuse(world.scheduler.time, f"buyer {number} met {met!r}")
    return _result(seed, world)


def _result(seed: int, world: World) -> Result:
    orders = world.auditor.orders
    counts = Counter(world.misfortune.counts)
    counts.update({f"message {name}": number for name, number in world.network.counts.items() if number})
    counts.update({f"disk {name}": number for name, number in world.disk.counts.items() if number})
    return Result(
        seed,
        list(world.chronicle.violations),
        world.chronicle.digest(),
        world.scheduler.time,
        world.scheduler.steps,
        len(orders),
        sum(order.confirmed for order in orders.values()),
        counts,
        Counter(world.misfortune.coverage),
        Counter(order.status for order in orders.values()),
    )
