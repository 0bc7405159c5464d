"""The shop's hosts, gateways and journal in the test's own process: everything but HTTP and Ray."""

from collections.abc import Sequence

from actors.client import Client
from actors.host import Host
from actors.journals.port import Journal
from engine.cart import Line
from engine.money import Money
from engine.order import OrderView, Place
from engine.stock import LookStock, StockView, stock_key
from serve.hosting import all_shards, host_of, journal_of
from serve.settings import Settings

SKU = "RETRO-CLOCK"


class Shop:
    """A host with all shards, as a serving process has it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.client = Client(settings.shards)
        self.journal: Journal = journal_of(settings)
        self.fenced = 0

    async def open(self) -> "Shop":
        self.host: Host = await host_of(self.settings, self.journal, self.client, on_fenced=self._on_fenced)
        self.client.attach(self.host)
        await self.host.own(await all_shards(self.settings, self.journal))
        return self

    async def close(self) -> None:
        await self.host.close()
        await self.journal.close()

    def _on_fenced(self) -> None:
        self.fenced += 1

    async def buy(
        self, order_id: str, *, skus: Sequence[str] = (SKU,), token: str = "tok_ok", deadline_s: float = 60
    ) -> OrderView:
        lines = tuple(Line(sku, 1, Money(1_999, "USD"), "Clock") for sku in skus)
        place = Place("same", "ada@example.org", "sandbox", token, lines)
        reply = await self.client.send("order", order_id, place, deadline_s=deadline_s, settle_s=deadline_s)
        assert isinstance(reply, OrderView), reply
        return reply

    async def quantities(self) -> StockView:
        view = await self.client.send("stock", stock_key(SKU), LookStock(), deadline_s=20)
        assert isinstance(view, StockView)
        return view
