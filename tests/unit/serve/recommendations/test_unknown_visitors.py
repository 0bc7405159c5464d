"""Shoppers of whom nothing can be learned in time get a list all the same."""

import asyncio

from engine.kernel import Command, Reply
from engine.kinds import KINDS
from serve.catalogue import CatalogueView
from serve.feed.desk import NoDesk
from serve.metrics.metrics import Metrics
from serve.recommendations.composition import recommendations_of
from serve.recommendations.service import Asked
from serve.tables import Tables


class Silent:
    """Whoever knows visitors, and doesn't answer."""

    async def send(self, kind: str, key: str, command: Command) -> Reply:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody ends it")


def test_nobody_waits_for_what_a_visitor_did() -> None:
    service = recommendations_of(
        Silent(), CatalogueView(), Tables(KINDS.values()), NoDesk(), Metrics(), lambda: 1_000_000
    )

    async def ask() -> None:
        asked = Asked("home", 3, customer="cus_ada", anonymous_id="browser-1")
        chosen = await asyncio.wait_for(service.choose(asked, "rec_1", lambda product: None), 5)
        assert (chosen.fallback, chosen.items) == ("missing", [])

    asyncio.run(ask())
    assert service.figures.unknown == 1
