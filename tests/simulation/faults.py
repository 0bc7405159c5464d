"""What goes wrong in one history, drawn from the seed, and how it is brought about.

Each history has a few kinds of faults only: with all of them at once little would ever work, and little be tested.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random

from actors.calls import in_time
from actors.errors import Unavailable

from .auditor import Auditor
from .chronicle import FAULT
from .disk import Disk, DiskWeather
from .machines import DIRECTORY, DirectoryMachine, DirectoryWire, HostMachine
from .network import Network, Weather
from .workload import ACTIVE_S

KINDS = (
    "crash",
    "crash before commit",
    "crash within commit",
    "crash after commit",
    "crash after exchange",
    "zombie",
    "cut off",
    "cut one way",
    "cut from directory",
    "directory crash",
    "power loss",
    "disk refuses",
    "disk silent",
    "disk slow",
    "clock forward",
    "clock back",
    "messages lost",
    "messages doubled",
    "messages delayed",
)

PLANNED = ("drained", "drained and back", "replaced")
"""What an operator does, or an update, while it sells; drawn beside the faults."""

AIMED_AT = ("sealing", "reserving", "awaiting-payment", "committing", "rejected", "cancelled", "expired")
AIM_S = 0.006
"""Most steps of an order take a few milliseconds: a fault at any time would hardly ever meet them."""
TRY_S = 3.0
TRIES_OF_A_MOVE = 3


@dataclass(frozen=True)
class Fault:
    """One fault, in words for the timeline."""

    at: float
    kind: str
    target: str
    lasts_s: float
    strength: float
    when: str = ""
    """If set, the fault waits until an order comes into this status, and strikes within `AIM_S` after it."""


def draw_faults(random: Random, hosts: list[str], fronts: list[str]) -> tuple[Fault, ...]:
    """The faults of one history, in order."""
    kinds = random.sample(KINDS, random.choice((0, 1, 2, 2, 3, 3, 4, 6)))
    faults = []
    for kind in kinds:
        for _ in range(random.choice((1, 1, 2, 3))):
            lasts_s = random.choice((0.3, 1.0, 3.0, 6.0)) * (0.5 + random.random())
            target = random.choice(hosts)
            when = random.choice(AIMED_AT) if random.random() < 0.5 else ""
            at = 1.0 + random.random() * (ACTIVE_S - 2.0)
            faults.append(Fault(at, kind, target, lasts_s, random.random(), when))
    return tuple(sorted(faults, key=lambda fault: fault.at))


def draw_moves(random: Random, hosts: list[str]) -> tuple[Fault, ...]:
    """The planned moves of one history, in order."""
    if random.random() < 0.6:
        return ()
    moves = []
    for _ in range(random.choice((1, 1, 2, 4))):
        when = random.choice(AIMED_AT) if random.random() < 0.5 else ""
        at = 1.0 + random.random() * (ACTIVE_S - 2.0)
        lasts_s = random.choice((0.0, 0.1, 1.0, 4.0))
        moves.append(Fault(at, random.choice(PLANNED), random.choice(hosts), lasts_s, random.random(), when))
    return tuple(sorted(moves, key=lambda move: move.at))


class Misfortune:
    """Brings the faults about, and ends them."""

    def __init__(
        self,
        faults: tuple[Fault, ...],
        hosts: Mapping[str, HostMachine],
        directory: DirectoryMachine,
        others: list[str],
        network: Network,
        disk: Disk,
        auditor: Auditor,
        tell: Callable[[str, str, str], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`loop` is the director's: a fault that strikes inside of another process is ended from there."""
        self.counts: Counter[str] = Counter()
        self.coverage: Counter[tuple[str, str]] = Counter()
        """How often a fault met an order in each status."""
        self._faults = faults
        self._hosts = hosts
        self._directory = directory
        self._others = others
        self._network = network
        self._disk = disk
        self._auditor = auditor
        self._tell = tell
        self._loop = loop
        self._tasks: list[asyncio.Task[None]] = []
        self._down_s: dict[str, float] = {}
        disk.on_death = self._die_at_the_disk

    async def strike(self) -> None:
        """Carry the faults out, each at its time."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for fault in self._faults:
            await asyncio.sleep(max(0.0, began + fault.at - loop.time()))
            self._tasks.append(loop.create_task(self._aim(fault)))

    async def _aim(self, fault: Fault) -> None:
        if fault.when:
            loop = asyncio.get_running_loop()
            reached = loop.create_future()
            self._auditor.tell_when(fault.when, lambda: loop.call_soon(_wake, reached))
            await reached
            await asyncio.sleep(fault.strength * AIM_S)
        self.counts[fault.kind] += 1
        for status in dict.fromkeys(order.status for order in self._auditor.orders.values()):
            self.coverage[fault.kind, status] += 1
        aim = f", aimed at {fault.when}" if fault.when else ""
        self._tell(FAULT, f"{fault.kind}, for {fault.lasts_s:.1f} s{aim}", fault.target)
        await self._bring(fault)

    def end(self) -> None:
        """From now on everything works: whatever is down starts, whatever stands still goes on."""
        for task in self._tasks:
            task.cancel()
        for source in (*self._hosts, DIRECTORY, *self._others):
            for target in (*self._hosts, DIRECTORY, *self._others):
                self._network.heal(source, target)
        self._network.weather = Weather()
        self._disk.weather.clear()
        self._disk.dies_at_append.clear()
        self._network.when_answered.clear()
        for machine in (*self._hosts.values(), self._directory):
            machine.cont()
            machine.start()

    async def _bring(self, fault: Fault) -> None:
        host = self._hosts[fault.target]
        match fault.kind:
            case "crash":
                host.kill()
                await asyncio.sleep(_down_s(fault))
                host.start()
            case "crash before commit" | "crash within commit" | "crash after commit":
                # `_die_at_the_disk` starts it again.
                self._disk.dies_at_append[host.name] = fault.kind.split()[1]
                self._down_s[host.name] = _down_s(fault)
            case "crash after exchange":
                await self._crash_after_exchange(host)
            case "zombie":
                host.stop()
                await asyncio.sleep(fault.lasts_s * 2)
                host.cont()
            case "cut off" | "cut one way" | "cut from directory":
                await self._cut(fault)
            case "drained" | "drained and back" | "replaced":
                await self._move(fault)
            case "directory crash":
                self._directory.kill()
                await asyncio.sleep(fault.lasts_s)
                self._directory.start()
            case "power loss":
                await self._lose_power(fault)
            case "clock forward":
                host.clock_ahead_ms += int(fault.strength * 400_000)
                self._auditor.clocks_jumped = True
            case "clock back":
                host.clock_ahead_ms -= int(fault.strength * 100_000)
                self._auditor.clocks_jumped = True
            case "disk refuses" | "disk silent" | "disk slow":
                await self._trouble_disk(fault)
            case _:
                await self._trouble_messages(fault)

    async def _crash_after_exchange(self, host: HostMachine) -> None:
        """Die when nobody has a call open, and be back before the next one comes: no client sees anything fail."""
        answered = asyncio.get_running_loop().create_future()
        self._network.when_answered[host.name] = partial(self._loop.call_soon, _wake, answered)
        await answered
        host.kill()
        host.start()

    async def _move(self, move: Fault) -> None:
        """As `doorbuster hosts drain` and `rebalance` do, or the roster when it replaces a host."""
        operator = DirectoryWire(self._network, "operator", self._directory)
        for _ in range(TRIES_OF_A_MOVE):
            with suppress(Unavailable):
                await in_time(operator.drain(move.target), TRY_S)
                break
        await asyncio.sleep(move.lasts_s)
        if move.kind == "replaced":
            host = self._hosts[move.target]
            with suppress(Unavailable):
                await in_time(operator.forget(move.target), TRY_S)
            host.kill()
            host.start()
        elif move.kind == "drained and back":
            for _ in range(TRIES_OF_A_MOVE):
                with suppress(Unavailable):
                    await in_time(operator.rebalance(), TRY_S)
                    break

    async def _cut(self, fault: Fault) -> None:
        far = [DIRECTORY] if fault.kind == "cut from directory" else [DIRECTORY, *self._hosts, *self._others]
        pairs = [(fault.target, other) for other in far if other != fault.target]
        if fault.kind != "cut one way" or fault.strength < 0.5:
            pairs += [(other, source) for source, other in pairs]
        for source, target in pairs:
            self._network.cut(source, target)
        await asyncio.sleep(fault.lasts_s * 1.5)
        for source, target in pairs:
            self._network.heal(source, target)
        self._tell(FAULT, "is reached again", fault.target)

    async def _lose_power(self, fault: Fault) -> None:
        machines = (*self._hosts.values(), self._directory)
        for machine in machines:
            machine.kill()
        await asyncio.sleep(fault.lasts_s / 2)
        for machine in machines:
            machine.start()

    async def _trouble_disk(self, fault: Fault) -> None:
        whose = fault.target if fault.strength < 0.7 else ""
        weather = DiskWeather()
        match fault.kind:
            case "disk refuses":
                weather.full = fault.strength >= 0.6
                weather.refusal = 0.0 if weather.full else 1.0 if fault.strength < 0.3 else 0.3
            case "disk silent":
                weather.silence = 0.3
            case _:
                weather.slowness_s = 0.05 + fault.strength
        self._disk.weather[whose] = weather
        await asyncio.sleep(fault.lasts_s)
        self._disk.weather.pop(whose, None)

    async def _trouble_messages(self, fault: Fault) -> None:
        weather = self._network.weather
        match fault.kind:
            case "messages lost":
                weather.loss = 0.02 + 0.2 * fault.strength
            case "messages doubled":
                weather.doubling = 0.3
            case _:
                weather.delay = 0.2
                weather.longest_delay_s = 0.2 + 4.0 * fault.strength
        await asyncio.sleep(fault.lasts_s * 2)
        match fault.kind:
            case "messages lost":
                weather.loss = 0.0
            case "messages doubled":
                weather.doubling = 0.0
            case _:
                weather.delay = 0.0

    def _die_at_the_disk(self, name: str) -> None:
        host = self._hosts[name]
        host.kill()

        async def start_again() -> None:
            await asyncio.sleep(self._down_s[name])
            host.start()

        self._tasks.append(self._loop.create_task(start_again()))


def _down_s(fault: Fault) -> float:
    """How long a process that died is away: now and then less than a message takes, so that nobody's call fails."""
    return fault.lasts_s if fault.strength < 0.6 else 0.001


def _wake(reached: "asyncio.Future[None]") -> None:
    if not reached.done():
        reached.set_result(None)
