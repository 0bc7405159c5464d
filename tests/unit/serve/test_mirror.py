"""What a process knows of the hosts' entities, above all after a gap in what it heard."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from actors.client import Client
from actors.journals.memory import MemoryJournal
from actors.volume import Watcher
from engine.kernel import Command, Reply
from engine.money import Money
from engine.product import ProductView
from engine.stock import StockView
from serve.mirror import Mirror

CLOCK = ProductView("RETRO-CLOCK", 1, "Retro Clock", Money(4_900, "USD"), "", (), "", (), (), {})


class OneProduct(MemoryJournal):
    """A journal that lists one product."""

    async def keys(self, shard: int, kind: str, *, after: str = "", limit: int = 1_000) -> Sequence[str]:
        return [CLOCK.sku] if kind == "product" and not after and not shard else []


class Hosts(Client):
    """Answers for all hosts; `miss` has whoever watches hear that something may have been missed."""

    def __init__(self) -> None:
        super().__init__(1)
        self.on_hand = 5
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._gaps: list[Callable[[], None]] = []

    async def send(self, kind: str, key: str, command: Command, **_: Any) -> Reply:
        if kind == "product":
            return CLOCK
        self.asked.set()
        await self.may_answer.wait()
        return StockView(self.on_hand, 0, self.on_hand, 0, 0, 0, 10 - self.on_hand)

    async def watch(self, kind: str, watcher: Watcher, on_gap: Callable[[], None] | None = None) -> None:
        if on_gap is not None:
            self._gaps.append(on_gap)

    def miss(self) -> None:
        for tell in self._gaps:
            tell()


@pytest.mark.parametrize(("forgets", "meanwhile"), [(True, None), (False, 5)])
def test_after_a_gap_quantities_are_asked_for_again_and_forgotten_only_by_who_sells(
    forgets: bool, meanwhile: int | None
) -> None:
    async def main() -> None:
        hosts = Hosts()
        mirror = Mirror(hosts, 1, forgets=forgets)
        await mirror.watch()
        await mirror.load(OneProduct(shards=1, volumes=1))

        def on_hand() -> int | None:
            stock = mirror.catalogue.stock(CLOCK.sku)
            return stock.on_hand if stock is not None else None

        while on_hand() != 5:
            await asyncio.sleep(0)
        hosts.on_hand = 4
        hosts.may_answer.clear()
        hosts.asked.clear()
        hosts.miss()
        await hosts.asked.wait()
        assert on_hand() == meanwhile
        hosts.may_answer.set()
        while on_hand() != 4:
            await asyncio.sleep(0)
        mirror.close()

    asyncio.run(asyncio.wait_for(main(), 10))
