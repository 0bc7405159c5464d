"""The network between processes: it loses, doubles, delays and reorders messages, and is cut and healed.

A call is a message there and a message back. A message to a process that isn't there, or that dies before it answers,
is usually noticed by the caller, as a reset connection is; now and then nobody ever tells.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import msgspec

from actors.errors import Unavailable
from actors.wire import decode_exchange

from .chronicle import Chronicle
from .virtual_time import Process, Scheduler

RESET_NOTICED = 0.9
"""How likely a caller hears that the other side has died."""


class Server(Protocol):
    """Whoever answers calls: a name, and the process that answers now (None: nothing runs there)."""

    name: str
    process: Process | None

    def serve(self, method: str, arguments: tuple[Any, ...]) -> Coroutine[Any, Any, Any]: ...


@dataclass
class Weather:
    """What happens to messages at present."""

    loss: float = 0.0
    doubling: float = 0.0
    delay: float = 0.0
    """The share of messages that are delayed, by up to `longest_delay_s`."""
    longest_delay_s: float = 2.0


class Network:
    """Joins everyone to everyone."""

    def __init__(self, scheduler: Scheduler, chronicle: Chronicle, random: Random) -> None:
        self._scheduler = scheduler
        self._chronicle = chronicle
        self._random = random
        self._wire = scheduler.process("wire")
        self._cuts: dict[tuple[str, str], None] = {}
        self._open: dict[Process, dict[_Call, None]] = {}
        self.weather = Weather()
        self.when_answered: dict[str, Callable[[], Any]] = {}
        """What to do, once, when an exchange has just been answered, by the host's name."""
        self.counts = dict.fromkeys(("sent", "lost", "doubled", "delayed", "cut off"), 0)

    def cut(self, source: str, target: str) -> None:
        """Nothing gets from source to target until `heal`."""
        self._cuts[source, target] = None

    def heal(self, source: str, target: str) -> None:
        self._cuts.pop((source, target), None)

    async def call(self, source: str, server: Server, method: str, *arguments: Any) -> Any:
        """The server's answer. Raises `Unavailable`, or stays silent for good if the network lost a message."""
        process = asyncio.get_running_loop()
        assert isinstance(process, Process)
        call = _Call(process, source, server, method, arguments)
        self._send(source, server.name, call, "", lambda: self._arrive(call))
        return await call.answered

    def killed(self, process: Process) -> None:
        """A process has died: whoever waits for it may notice."""
        for call in self._open.pop(process, {}):
            self._reset(call)

    def _send(self, source: str, target: str, call: "_Call", turn: str, deliver: Any) -> None:
        random, weather, counts = self._random, self.weather, self.counts
        counts["sent"] += 1
        if self._chronicle.verbose:
            self._chronicle.whisper(self._scheduler.time, source, turn + call.label, target)
        if (source, target) in self._cuts:
            counts["cut off"] += 1
            self._chronicle.tell(self._scheduler.time, source, f"{turn}{call.label} (cut off)", target)
            return
        if weather.loss and random.random() < weather.loss:
            counts["lost"] += 1
            self._chronicle.tell(self._scheduler.time, source, f"{turn}{call.label} (lost)", target)
            return
        self._wire.call_later(self._latency(), deliver)
        if weather.doubling and random.random() < weather.doubling:
            counts["doubled"] += 1
            self._chronicle.tell(self._scheduler.time, source, f"{turn}{call.label} (doubled)", target)
            self._wire.call_later(self._latency() + random.random(), deliver)

    def _latency(self) -> float:
        random, weather = self._random, self.weather
        latency = 0.0002 + 0.002 * random.random()
        if weather.delay and random.random() < weather.delay:
            self.counts["delayed"] += 1
            latency += weather.longest_delay_s * random.random()
        return latency

    def _arrive(self, call: "_Call") -> None:
        process = call.server.process
        if process is None or process.dead:
            self._reset(call)
            return
        self._open.setdefault(process, {})[call] = None
        process.spawn(self._answer(process, call))

    async def _answer(self, process: Process, call: "_Call") -> None:
        try:
            result = await call.server.serve(call.method, call.arguments)
        except Exception as error:
            # As between real processes: whatever was raised over there, here the call has failed.
            message = f"{type(error).__name__}: {error}"
            self._send(call.server.name, call.source, call, "failed: ", lambda: call.fail(f"a call failed: {message}"))
        else:
            self._send(call.server.name, call.source, call, "answered: ", lambda: call.succeed(result))
            if call.method == "exchange" and call.server.name in self.when_answered:
                self.when_answered.pop(call.server.name)()
        self._open.get(process, {}).pop(call, None)

    def _reset(self, call: "_Call") -> None:
        if self._random.random() < RESET_NOTICED:
            self._wire.call_later(self._latency(), call.fail, f"{call.server.name} is not there")


class _Call:
    """One call under way."""

    def __init__(self, caller: Process, source: str, server: Server, method: str, arguments: tuple[Any, ...]) -> None:
        self.source = source
        self.server = server
        self.method = method
        self.arguments = arguments
        self.answered: asyncio.Future[Any] = caller.create_future()
        self._caller = caller

    @property
    def label(self) -> str:
        """The call in words, for the timeline."""
        if self.method != "exchange":
            return " ".join((self.method, *(str(each) for each in self.arguments)))[:120]
        exchange = decode_exchange(self.arguments[0])
        commands = (f"{msgspec.msgpack.decode(each.command)[0]} {each.key}" for each in exchange.commands)
        return f"exchange {exchange.number}: " + ", ".join(commands)

    def succeed(self, result: Any) -> None:
        self._caller.call_soon(self._set, result, None)

    def fail(self, why: str) -> None:
        self._caller.call_soon(self._set, None, Unavailable(why))

    def _set(self, result: Any, error: Unavailable | None) -> None:
        # The second copy of a doubled message finds the call answered.
        if self.answered.done():
            return
        if error is None:
            self.answered.set_result(result)
        else:
            self.answered.set_exception(error)
