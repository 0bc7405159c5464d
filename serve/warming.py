"""Prepares a flash sale before it starts: its stock gets a host of its own, and the sale moves there with it.

A gateway to the hosts: the sale asks for it as an effect, again and again until it is answered. Where one host does all
the work, there is nothing to move: both are only brought into memory.
"""

from actors.client import Client
from actors.pins import Pins
from engine.flash_sale import CoolSale, LookSale, WarmSale
from engine.kernel import Answer, Command
from engine.reservation import Done
from engine.stock import LookStock, stock_key

SALE = "flash-sale"


class SaleWarming:
    """Repeating a call is harmless: what is pinned already stays where it is."""

    def __init__(self, client: Client, pins: Pins | None) -> None:
        self._client = client
        self._pins = pins

    def answer_at_once(self, _call: Command) -> Answer | None:
        return None

    async def call(self, call: Command) -> Answer:
        """Raises `actors.errors.Unavailable`: then it is tried again."""
        assert isinstance(call, WarmSale | CoolSale), "only sales are warmed and cooled"
        stock = stock_key(call.sku)
        await self._client.send("stock", stock, LookStock())
        await self._client.send(SALE, call.sale_key, LookSale())
        if self._pins is None:
            return Done()
        if isinstance(call, WarmSale):
            # The two meet in every purchase: in one shard they cost one commit.
            await self._move(call.sale_key, await self._pins.pin("stock", stock, LookStock()))
        else:
            await self._move(call.sale_key, self._client.home_of(call.sale_key))
            await self._pins.unpin("stock", stock, LookStock())
        return Done()

    async def _move(self, sale: str, shard: int) -> None:
        if self._client.shard_of(SALE, sale) != shard:
            await self._client.move(SALE, sale, shard)
