"""Search as the shop holds it: nothing that comes to be sold is overlooked."""

import asyncio
import time

from actors.client import Client
from engine.kinds import KINDS
from engine.product import ProductView
from serve.catalogue import CatalogueView
from serve.search.request import SearchRequest
from serve.search.service import Search
from serve.tables import Tables

from .shelf import product


class Growing(CatalogueView):
    """While all products are looked through for the first time, one more comes to be sold, before them all."""

    def page(self, after: str, limit: int) -> list[ProductView]:
        if after and self.product("A-LATE-CLOCK") is None:
            self.put_product("A-LATE-CLOCK", 1, product("A-LATE-CLOCK", "Late clock"))
            assert isinstance(self.listener, Search)
            while not self.listener._follower._queue.empty():
                # The index's writer has heard of it before it hears of anything else.
                time.sleep(0.001)
        return super().page(after, limit)


def test_what_comes_to_be_sold_while_an_index_is_begun_is_found() -> None:
    async def found() -> set[str]:
        catalogue = Growing()
        search = Search(catalogue, Tables(KINDS.values()), Client(1), lambda: 0, writer="replica-1")
        catalogue.listener = search
        catalogue.put_product("CLOCK", 1, product("CLOCK", "Retro clock"))
        search.start()
        while not search.is_ready:
            await asyncio.sleep(0.001)
        answer = await search.find(SearchRequest("clock"))
        await search.stop()
        return set(answer.skus)

    assert asyncio.run(found()) == {"CLOCK", "A-LATE-CLOCK"}
