"""The composition of a process that serves the shop."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from enum import Enum, auto
from itertools import count
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from actors import on_ray, on_socket
from actors.client import Client
from actors.collector import look_less_for_cycles
from actors.host import Host
from actors.journals.port import Journal
from actors.on_socket import Listening, listen
from actors.pins import LocalShards, Pins
from engine.kernel import Instant
from engine.kinds import KINDS
from engine.product import LookProduct

from .access.access import access_of
from .accounts.composition import accounts_of, letters_of, mailer_of
from .accounts.oidc import Providers
from .api.app import build_app
from .api.schemas.recommendations import ServedModels as ServedModelsShown
from .cache.composition import PageCache
from .catalogue import KnownOrders
from .feed.actor import RemoteDesk
from .feed.keeper import Keeper
from .feed.mails import MailConsumer
from .feed.pace import Pace
from .feed.reader import Leaving, Reader
from .feed.webhooks import WebhookConsumer
from .front import Front
from .gateways.registry import methods_of, providers_of
from .hosting import all_shards, clock_of, host_of, host_socket, journal_of, log_to_stderr, reached_journal_of
from .ingress import door
from .launcher.haproxy import connections_here
from .limits import limits_of
from .listing import ListedKeys
from .live.live import Live, streams_that_fit
from .metrics.figures import tell_of_host, tell_of_shop
from .metrics.metrics import Metrics
from .mirror import Mirror
from .offers import Offers
from .placed import PlacedOrders
from .recommendations.composition import recommendations_of
from .refusals import RefusalTeller
from .search.directory import own_directory
from .search.query_log import LAST_WORD_S
from .search.service import Search
from .settings import Settings
from .shop import Shop

if TYPE_CHECKING:
    from .recommendations.served import ServedModels, ServedRecommender

PROBE = "probe-"
"""What products are called that are asked for to hear whether somebody answers; whether they exist doesn't matter."""
REACH_TIMEOUT_S = 30.0
PROCESS_NAME_LENGTH = 8
"""Characters by which figures tell this process from others."""

logger = logging.getLogger("doorbuster.serve")


def client_of(settings: Settings) -> Client:
    """The way to hosts of other processes."""
    if settings.placement == "replica":
        return on_socket.connect(KINDS, settings.shards, host_socket())
    return on_ray.connect(KINDS, settings.shards)


def recommender_of(settings: Settings) -> "ServedRecommender | None":
    """The way to the processes that recommend."""
    if not settings.recommendations:
        return None
    from .recommendations.served import ServedRecommender

    return ServedRecommender()


def served_models() -> "ServedModels":
    """The way to the models that Serve runs."""
    # Here: it brings Serve, which a process without models doesn't need.
    from .recommendations.served import ServedModels

    return ServedModels()


def new_id() -> str:
    """128 random bits in URL-safe characters."""
    return secrets.token_urlsafe(16)


class Role(Enum):
    """What a process does."""

    SHOP = auto()
    """Everything; where hosts aren't actors of their own, it hosts every shard."""
    RECOMMENDATIONS = auto()
    """Recommends, beside the processes that sell: what they do must not wait for it."""


class ShopProcess:
    """Everything that one serving process holds: an ASGI application whose lifespan starts and stops it."""

    def __init__(self, settings: Settings, role: Role = Role.SHOP) -> None:
        self._settings = settings
        self._sells = role is Role.SHOP
        self._hosts = self._sells and settings.placement == "replica"
        self._orders = KnownOrders(settings.shards)
        self._client = Client(settings.shards) if self._hosts else client_of(settings)
        self._mirror = Mirror(self._client, settings.shards, forgets=self._sells)
        self._journal: Journal | None = None
        self._host: Host | None = None
        self._reached: Listening | None = None
        self._background: list[asyncio.Task[None]] = []
        self._feeding: asyncio.Task[None] | None = None
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
        catalogue, tables = self._mirror.catalogue, self._mirror.tables
        self._search = Search(
            catalogue,
            tables,
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
        self._live.orders.are_told = self._hosts
        metrics = Metrics(f"{'replica' if self._sells else 'recommender'}-{new_id()[:PROCESS_NAME_LENGTH]}")
        # Where recommendations are on, a selling process makes some itself only while those who do are away.
        self._models = served_models() if settings.recommendations and not self._sells else None
        self._recommendations = recommendations_of(
            self._client, catalogue, tables, self._desk, metrics, now, self._models
        )
        shop = Shop(
            client=self._client,
            catalogue=catalogue,
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
            tables=tables,
            search=self._search,
            sales=self._mirror.sales,
            rolls=self._mirror.rolls,
            feed=self._desk,
            live=self._live,
            offers=Offers(tables),
            metrics=metrics,
            recommendations=self._recommendations,
            recommender=recommender_of(settings) if self._sells else None,
            pins=Pins(self._client, self if settings.placement == "replica" else on_ray.RayDirectory()),
        )
        self._app = build_app(shop)
        self._page_cache = PageCache(shop, settings, self._app)
        kept = self._page_cache.cache if settings.cache_bytes else None
        self._front = Front(shop, self._page_cache.pages, self._app, kept)
        self._shop = shop
        if self._sells:
            catalogue.listeners += [self._search, self._live.stock, self._page_cache.cache]
            self._mirror.when_stock_is_forgotten.append(self._live.stock.look_again)
            tell_of_shop(shop)
        front = self._front
        shop.metrics.reads("front_requests", "Answers by the lean front.", lambda: front.requests, grows=True)
        self._feed = Keeper(self._client, new_id(), lambda: self._readers(shop))
        self._refusals = RefusalTeller(self._desk, shop.refusals, new_id())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            # Serve tells the prefix by which a request came here; paths are the same, whichever process answers.
            scope["root_path"] = ""
            await self._app(scope, receive, send)

    async def start(self) -> None:
        """Open the journal, take the shards over where this process hosts them, and load the catalogue."""
        log_to_stderr()
        if self._hosts:
            await self._begin_to_host()
        else:
            # Whoever started the hosts has tried it: what is wrong with it now will pass.
            self._journal = await reached_journal_of(self._settings)
        assert self._journal is not None
        await self._mirror.watch()
        if self._host is not None:
            await self._host.own(await all_shards(self._settings, self._journal))
            self._reached = await listen(self._host, KINDS, host_socket())
        else:
            await self._reach(range(self._settings.shards))
        await self._mirror.load(self._journal)
        look_less_for_cycles()
        self._ready = True
        door.front = self._front
        work = [self._recommend()]
        if self._sells:
            self._search.start()
            work += [self._search.reporter.run(), self._refusals.run()]
            self._feeding = asyncio.create_task(self._feed.run())
        self._background = [asyncio.create_task(each) for each in work]

    async def stop(self) -> None:
        """Finish what is being recorded and close the journal."""
        self._ready = False
        door.front = None
        self._live.streams.end()
        self._mirror.close()
        for task in self._background:
            task.cancel()
        await self._search.stop()
        if self._sells:
            await self._search.reporter.tell_if_possible(LAST_WORD_S)
        if self._feeding is not None:
            self._feeding.cancel()
            await asyncio.gather(self._feeding, return_exceptions=True)
            await self._feed.close()
        if self._reached is not None:
            self._reached.close()
        if self._host is not None:
            await self._host.close()
        if self._journal is not None:
            await self._journal.close()
        await self._page_cache.close()
        for provider in self._providers.values():
            await provider.close()

    async def _begin_to_host(self) -> None:
        self._journal = journal_of(self._settings)
        self._host = await host_of(
            self._settings,
            self._journal,
            self._client,
            desk=self._desk,
            on_fenced=self._on_fenced,
            known={"order": self._orders.keys},
        )
        self._client.attach(self._host)
        tell_of_host(self._shop, self._host)
        self._host.watch("order", self._live.orders.changed)

    def serving(self) -> bytes:
        """What models serve here, as `/v1/admin/recommendations/serving` shows it."""
        here = self._recommendations
        return ServedModelsShown.of(here.asking, here.figures).model_dump_json().encode()

    def metrics(self) -> str:
        """The figures of this process."""
        return self._shop.metrics.text()

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
