"""Doorbuster itself, and its empty endpoint, which shows what the ingress alone can carry."""

import json
from collections.abc import Sequence
from pathlib import Path

from ..processes import ServerProcess
from ..shop import Shop, order_body, start_shop
from ..wrk import Target
from .contender import PRELOADED_UNITS, SKU, HttpContender

SOLD_OUT_SKU = "LAST-LAMP"
NO_DEMO = ("--demo-products", "0")
"""The demo catalogue would be loaded during the first measurement; everything else is as it comes."""


class ShopContender(HttpContender):
    """A shop with its normal settings, apart from `options` of the command line."""

    durability = "journal (SQLite, WAL, synchronous=FULL) synced before every answer"

    def __init__(self, options: Sequence[str] = ()) -> None:
        super().__init__()
        self.variant = ""
        self._options = tuple(options)
        self._process: ServerProcess | None = None
        self._shop: Shop | None = None

    def start(self, workspace: Path) -> None:
        self._process, self._shop = start_shop(
            workspace / "data", workspace / "shop.log", options=(*NO_DEMO, *self._options)
        )
        self.prepare(self._shop)

    def prepare(self, shop: Shop) -> None:
        """What must be there before the first request."""

    def stop(self) -> None:
        if self._process:
            self._process.stop()

    @property
    def shop(self) -> Shop:
        assert self._shop, "started before it is used"
        return self._shop


class EmptyEndpoint(ShopContender):
    """The same application answering next to nothing: proxy, Serve and the middlewares, without a purchase."""

    per_purchase = "nothing: an empty answer by an ordinary route of the same Serve application, through the same proxy"
    durability = "none"

    def __init__(self, path: str, name: str = "empty") -> None:
        super().__init__()
        self._path = path
        self.name = name

    def target(self) -> Target:
        return Target(self.shop.url + self._path)


class EmptyFront(EmptyEndpoint):
    """A sign of life from where purchases are answered, before the bookkeeping of Serve."""

    per_purchase = "nothing: a sign of life from the front that answers purchases, before Serve's bookkeeping"

    def __init__(self) -> None:
        super().__init__("/healthz", "empty-front")


class Doorbuster(ShopContender):
    """The express purchase of one unit, each with a key of its own."""

    per_purchase = (
        "the whole checkout of an order that can be cancelled, traced and paid: order placed, stock reserved, payment "
        "captured by the sandbox gateway, stock committed; several lines possible, holds that expire"
    )

    def __init__(self, name: str = "doorbuster", options: Sequence[str] = ()) -> None:
        super().__init__(options)
        self.name = name

    def prepare(self, shop: Shop) -> None:
        shop.put_product(SKU, "Retro clock")
        shop.receive(SKU, PRELOADED_UNITS)

    def target(self) -> Target:
        return Target(f"{self.shop.url}/v1/orders", "POST", json.dumps(order_body([SKU])), counted_status=201)

    def sold(self) -> int:
        return PRELOADED_UNITS - self.shop.stock(SKU).on_hand


class DoorbusterSoldOut(ShopContender):
    """The express purchase of something that is gone: most of what a flash sale's second minute consists of."""

    name = "doorbuster-soldout"
    per_purchase = "a 409 that names the short line, given by the edge from what the stock last told it"
    durability = "nothing to lose"

    def prepare(self, shop: Shop) -> None:
        shop.put_product(SOLD_OUT_SKU, "Last lamp")

    def target(self) -> Target:
        return Target(f"{self.shop.url}/v1/orders", "POST", json.dumps(order_body([SOLD_OUT_SKU])), counted_status=409)
