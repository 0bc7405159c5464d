"""The composition of a process that serves the shop."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from actors import on_ray
from actors.client import Client
from actors.collector import look_less_for_cycles
from actors.host import Host
from actors.journals.port import Journal
from actors.pins import LocalShards, Pins
from engine.document import DocumentView, Look
from engine.flash_sale import LookSale, SaleView
from engine.kernel import Command, Instant, Rejected, Reply
from engine.kinds import KINDS
from engine.location import DEFAULT_LOCATION, LOCATION
from engine.product import LookProduct, ProductView
from engine.stock import LookStock, StockView, stock_key

from .access.access import access_of
from .accounts.composition import accounts_of, letters_of, mailer_of
from .accounts.oidc import Providers
from .api.app import build_app
from .cache.composition import PageCache
from .catalogue import CatalogueView, KnownOrders
from .feed.actor import RemoteDesk
from .feed.keeper import Keeper
from .feed.mails import MailConsumer
from .feed.pace import Pace
from .feed.reader import Leaving, Reader
from .feed.webhooks import WebhookConsumer
from .front import Front
from .gateways.registry import methods_of, providers_of
from .hosting import all_shards, clock_of, host_of, journal_of, log_to_stderr, reached_journal_of
from .ingress import door
from .launcher.haproxy import connections_here
from .limits import limits_of
from .listing import ListedKeys
from .live.live import Live, streams_that_fit
from .metrics.figures import tell_of_host, tell_of_shop
from .metrics.metrics import Metrics
from .offers import Offers
from .placed import PlacedOrders
from .recommendations.composition import recommendations_of
from .refusals import RefusalTeller
from .rolls import Rolls
from .sales import Sales
from .search.directory import own_directory
from .search.query_log import LAST_WORD_S
from .search.service import Search
from .settings import Settings
from .shop import Shop
from .tables import Tables

if TYPE_CHECKING:
    from .recommendations.served import ServedModels

LOAD_AT_ONCE = 500
"""Products read at a time while the catalogue is loaded."""
STOCKS_AT_ONCE = 20
"""Quantities asked for at a time, beside the selling."""
PROBE = "probe-"
"""What products are called that are asked for to hear whether somebody answers; whether they exist doesn't matter."""
REACH_TIMEOUT_S = 30.0
PAUSE_BETWEEN_STOCKS_S = 0.005
PAUSE_WHILE_RELOADING_S = 0.05
"""Between two lots of products: a million are looked at again in some minutes."""
PROCESS_NAME_LENGTH = 8
"""Characters by which figures tell this process from others."""

logger = logging.getLogger("doorbuster.serve")


def served_models() -> "ServedModels":
    """The way to the models that Serve runs."""
    # Here: it brings Serve, which a process without models doesn't need.
    from .recommendations.served import ServedModels

    return ServedModels()


def new_id() -> str:
    """128 random bits in URL-safe characters."""
    return secrets.token_urlsafe(16)


class ShopProcess:
    """Everything that one serving process holds: an ASGI application whose lifespan starts and stops it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalogue = CatalogueView()
        self._orders = KnownOrders(settings.shards)
        self._tables = Tables(KINDS.values())
        self._sales = Sales()
        self._rolls = Rolls()
        self._client = (
            Client(settings.shards) if settings.placement == "replica" else on_ray.connect(KINDS, settings.shards)
        )
        self._journal: Journal | None = None
        self._host: Host | None = None
        self._stocktaking: asyncio.Task[None] | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._ready = False
        self.fenced = False
        secret = bytes.fromhex(settings.secret_key_file.read_text().strip())
        now = clock_of(os.environ)
        self._providers = providers_of(settings, now)
        access = access_of(
            self._client,
            settings,
            secret=secret,
            admin_key=settings.admin_key_file.read_text().strip(),
            now=now,
            new_id=new_id,
        )
        self._search = Search(
            self._catalogue,
            self._tables,
            self._client,
            now,
            writer=new_id(),
            language=settings.search_language,
            directory=own_directory(settings.data),
        )
        self._desk = RemoteDesk()
        self._live = Live(
            streams_that_fit(settings.streams, settings.replicas, connections_here()), settings.streams_per_address
        )
        self._live.orders.are_told = settings.placement == "replica"
        self._catalogue.listeners += [self._search, self._live.stock]
        metrics = Metrics(f"replica-{new_id()[:PROCESS_NAME_LENGTH]}")
        self._models = served_models() if settings.recommendations else None
        self._recommendations = recommendations_of(
            self._client, self._catalogue, self._tables, self._desk, metrics, now, self._models
        )
        shop = Shop(
            client=self._client,
            catalogue=self._catalogue,
            settings=settings,
            secret=secret,
            access=access,
            accounts=accounts_of(self._client, settings, access, secret=secret, now=now, new_id=new_id),
            providers_of_identity=Providers(settings.oidc_providers, settings.public_url, secret=secret, now=now),
            limits=limits_of(
                settings.limits_redis.get_secret_value(),
                now,
                auth_per_minute=settings.auth_per_minute,
                api_per_minute=settings.api_per_minute,
            ),
            now=now,
            new_id=new_id,
            ready=lambda: self._ready and not self.fenced,
            placed_between=self.placed_between,
            keys_after=self.keys_after,
            payment_methods=methods_of(settings),
            providers=self._providers,
            names_requests=False,
            orders=self._orders,
            tables=self._tables,
            search=self._search,
            sales=self._sales,
            rolls=self._rolls,
            feed=self._desk,
            live=self._live,
            offers=Offers(self._tables),
            metrics=metrics,
            recommendations=self._recommendations,
            pins=Pins(self._client, self if settings.placement == "replica" else on_ray.RayDirectory()),
        )
        self._app = build_app(shop)
        self._page_cache = PageCache(shop, settings, self._app)
        self._catalogue.listeners.append(self._page_cache.cache)
        kept = self._page_cache.cache if settings.cache_bytes else None
        self._front = Front(shop, self._page_cache.pages, self._app, kept)
        self._shop = shop
        tell_of_shop(shop)
        front = self._front
        shop.metrics.reads("front_requests", "Answers by the lean front.", lambda: front.requests, grows=True)
        self._feed = Keeper(self._client, new_id(), lambda: self._readers(shop))
        self._feeding: asyncio.Task[None] | None = None
        self._refusals = RefusalTeller(self._desk, shop.refusals, new_id())
        self._telling: asyncio.Task[None] | None = None
        self._recommending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._app(scope, receive, send)

    async def start(self) -> None:
        """Open the journal, take the shards over where this process hosts them, and load the catalogue."""
        log_to_stderr()
        shards = range(self._settings.shards)
        if self._settings.placement == "actors":
            # Whoever started the hosts has tried it: what is wrong with it now will pass.
            self._journal = await reached_journal_of(self._settings)
        else:
            self._journal = journal_of(self._settings)
            known = {"order": self._orders.keys}
            self._host = await host_of(
                self._settings,
                self._journal,
                self._client,
                desk=self._desk,
                on_fenced=self._on_fenced,
                known=known,
            )
            self._client.attach(self._host)
            tell_of_host(self._shop, self._host)
            self._host.watch("order", self._live.orders.changed)
        await self._client.watch("product", self._catalogue.put_product, self._on_gap)
        await self._client.watch("stock", self._catalogue.put_stock, self._forget_stock)
        for kind, table in self._tables.by_name().items():
            await self._client.watch(kind, table.put, self._on_gap)
        await self._client.watch("flash-sale", self._sales.put, self._on_gap)
        for kind, roll in self._rolls.by_name().items():
            await self._client.watch(kind, roll.put, self._on_gap)
        if self._host is not None:
            await self._host.own(await all_shards(self._settings, self._journal))
        else:
            await self._reach(shards)
        await self._load_catalogue(shards)
        await self._load_tables(shards)
        look_less_for_cycles()
        self._ready = True
        door.front = self._front
        self._search.start()
        self._stocktaking = asyncio.create_task(self._take_stock())
        self._reporting = asyncio.create_task(self._search.reporter.run())
        self._feeding = asyncio.create_task(self._feed.run())
        self._telling = asyncio.create_task(self._refusals.run())
        self._recommending = asyncio.create_task(self._recommend())

    async def stop(self) -> None:
        """Finish what is being recorded and close the journal."""
        self._ready = False
        door.front = None
        self._live.streams.end()
        for task in (self._reloading, self._stocktaking, self._reporting, self._telling, self._recommending):
            if task is not None:
                task.cancel()
        await self._search.stop()
        if self._reporting is not None:
            await self._search.reporter.tell_if_possible(LAST_WORD_S)
        for task in (self._reloading, self._feeding):
            if task is not None:
                task.cancel()
        if self._feeding is not None:
            await asyncio.gather(self._feeding, return_exceptions=True)
            await self._feed.close()
        if self._host is not None:
            await self._host.close()
        if self._journal is not None:
            await self._journal.close()
        await self._page_cache.close()
        for provider in self._providers.values():
            await provider.close()

    def placed_between(self, since: Instant, until: Instant) -> AsyncIterator[Sequence[str]]:
        """Orders by the time of their placing, as the journal has them."""
        assert self._journal is not None, "nobody asks before the start"
        return PlacedOrders(self._journal).between(since, until)

    async def keys_after(self, kind: str, after: str, limit: int) -> list[str]:
        """The keys of a kind, as the journal has them."""
        assert self._journal is not None, "nobody asks before the start"
        return await ListedKeys(self._journal).after(kind, after, limit)

    async def add_exclusive(self) -> int:
        """A shard for a pinned entity, where this process hosts all of them."""
        assert self._host is not None
        assert self._journal is not None
        return await LocalShards(self._host, self._journal, self._settings.shards).add_exclusive()

    async def share(self, shard: int) -> None:
        """The only host does all work anyway."""

    async def _reach(self, shards: Sequence[int]) -> None:
        """Wait until every shard has an owner that answers; raises `Unavailable` if one doesn't in time."""
        numbers = count()
        for shard in shards:
            key = next(key for number in numbers if self._client.home_of(key := f"{PROBE}{number}") == shard)
            await self._client.send("product", key, LookProduct(), deadline_s=REACH_TIMEOUT_S)

    async def _load_catalogue(self, shards: Sequence[int], pause_s: float = 0.0) -> None:
        assert self._journal is not None
        for shard in shards:
            after = ""
            while skus := await self._journal.keys(shard, "product", after=after, limit=LOAD_AT_ONCE):
                after = skus[-1]
                for reply in await self._look_all("product", skus, LookProduct()):
                    if isinstance(reply, ProductView):
                        self._catalogue.put_product(reply.sku, reply.version, reply)
                await asyncio.sleep(pause_s)

    async def _reload(self, shards: Sequence[int]) -> None:
        await self._load_tables(shards)
        # What was taken out of the shop meanwhile must not go on being sold here; but selling comes first.
        await self._load_catalogue(shards, PAUSE_WHILE_RELOADING_S)

    async def _load_tables(self, shards: Sequence[int]) -> None:
        assert self._journal is not None
        for shard in shards:
            for kind, table in self._tables.by_name().items():
                after = ""
                while keys := await self._journal.keys(shard, kind, after=after, limit=LOAD_AT_ONCE):
                    after = keys[-1]
                    for reply in await self._look_all(kind, keys, Look()):
                        if isinstance(reply, DocumentView):
                            table.put(reply.key, reply.version, reply)
            await self._load_sales(shard)
            await self._load_rolls(shard)

    async def _load_sales(self, shard: int) -> None:
        assert self._journal is not None
        after = ""
        while keys := await self._journal.keys(shard, "flash-sale", after=after, limit=LOAD_AT_ONCE):
            after = keys[-1]
            for reply in await self._look_all("flash-sale", keys, LookSale()):
                if isinstance(reply, SaleView):
                    self._sales.put(reply.key, reply.version, reply)

    async def _load_rolls(self, shard: int) -> None:
        assert self._journal is not None
        for kind, roll in self._rolls.by_name().items():
            after = ""
            while keys := await self._journal.keys(shard, kind, after=after, limit=LOAD_AT_ONCE):
                after = keys[-1]
                for key, reply in zip(keys, await self._look_all(kind, keys, roll.look), strict=True):
                    if reply is not None and not isinstance(reply, Rejected):
                        roll.put(key, 0, reply)

    async def _look_all(self, kind: str, keys: Sequence[str], look: Command) -> list[Reply]:
        return await asyncio.gather(*(self._client.send(kind, key, look, deadline_s=60) for key in keys))

    def _readers(self, shop: Shop) -> list[Reader | Leaving]:
        """What the journal is read for, in the one process that has the lease."""
        assert self._journal is not None
        pace = Pace()
        webhooks = Reader(self._journal, WebhookConsumer(shop, self._settings.low_stock_units), pace)
        if not self._settings.order_mails:
            return [webhooks, Leaving(self._journal, MailConsumer.name)]
        mailer = mailer_of(self._settings, shop.now)
        mails = MailConsumer(self._client, letters_of(self._settings), mailer)
        return [webhooks, Reader(self._journal, mails, pace)]

    async def _recommend(self) -> None:
        """What recommendations need in the background."""
        models = (self._models.run(),) if self._models is not None else ()
        await asyncio.gather(self._recommendations.run(), *models)

    def _on_gap(self) -> None:
        """Changes of documents and products may have been missed: all are looked at again, beside the selling."""
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload(range(self._settings.shards)))

    async def _take_stock(self) -> None:
        """Ask for each quantity that no host has told of yet, in small steps: search knows what is sold out by it."""
        after = ""
        while page := self._catalogue.page(after, STOCKS_AT_ONCE):
            after = page[-1].sku
            for location in (DEFAULT_LOCATION, *(key for key, _ in self._tables[LOCATION].items())):
                skus = [one.sku for one in page if self._catalogue.stock_at(one.sku, location) is None]
                keys = [stock_key(sku, location) for sku in skus]
                for key, reply in zip(keys, await self._look_all("stock", keys, LookStock()), strict=True):
                    if isinstance(reply, StockView):
                        self._catalogue.put_stock(key, reply.version, reply)
                await asyncio.sleep(PAUSE_BETWEEN_STOCKS_S)

    def _forget_stock(self) -> None:
        self._catalogue.forget_stock()
        self._live.stock.look_again()

    def _on_fenced(self) -> None:
        # Another process has taken the data over. This one must not take it back: two would fight for ever. It says
        # that it isn't healthy, and Serve replaces it.
        self.fenced = True
        logger.error("Another process owns this shop's data now; this replica serves no more")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except Exception as error:
                    logger.exception("The shop could not start")
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return
