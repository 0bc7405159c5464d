"""A whole shop in one process for tests: the real API, host and entities over a memory journal, and a clock by hand.

Every answer is held to the OpenAPI document: its status, its media type and its body.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import httpx
import jwt
from argon2 import PasswordHasher
from pydantic import SecretStr

from actors.client import Client
from actors.feed.consumer import Consumer
from actors.feed.positions import JournalPositions
from actors.host import Host
from actors.journals.memory import MemoryJournal
from actors.pins import LocalShards, Pins
from actors.volume import TICK_S
from engine.kernel import Answer, Command, Kind
from engine.kinds import KINDS
from engine.order import SettlePayment
from engine.product import ProductView
from engine.stock import StockView
from engine.webhook import PostWebhook, WebhookAnswered
from serve.access.access import access_of
from serve.access.principal import Kind as PrincipalKind
from serve.accounts.composition import letters_of
from serve.accounts.oidc import Providers
from serve.accounts.passwords import Passwords
from serve.accounts.service import Accounts
from serve.api.app import build_app
from serve.assortment import Facets
from serve.catalogue import CatalogueView, KnownOrders
from serve.feed.desk import FeedDesk, LocalDesk, NoDesk
from serve.feed.lake import LakeSection
from serve.feed.pace import Pace
from serve.feed.process import FeedProcess
from serve.feed.reader import Reader
from serve.front import Front
from serve.gateways.port import Provider
from serve.gateways.sandbox import SandboxGateway
from serve.ingress import Door, FrontFirst
from serve.limits import limits_of
from serve.listing import ListedKeys
from serve.live.live import Live
from serve.mail.outbox import Outbox
from serve.mail.port import Message as Mail
from serve.metrics.metrics import Metrics
from serve.offers import Offers
from serve.placed import PlacedOrders
from serve.recommendations.composition import recommendations_of
from serve.recommendations.port import Models
from serve.reports.posting import ReportPosting
from serve.rolls import Rolls
from serve.sales import Sales
from serve.search.service import Search
from serve.shop import Shop
from serve.tables import Tables
from serve.warming import SaleWarming
from tests.patience import SkippingLoop
from tests.wire import Wire

from .http_contract import HttpContract

ADMIN_KEY = "correct-horse-battery-staple"
SECRET = bytes(range(32))
SHARDS = 2
START_MS = 1_795_000_000_000
EMAIL = "ada@example.org"
Result = TypeVar("Result")
Request = tuple[str, str, Mapping[str, Any]]
"""Method, path, and what else `Shopfront.request` takes."""


AS_CLIENTS_DO = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive", "User-Agent": "tests"}


class Clock:
    def __init__(self) -> None:
        self.ms = START_MS

    def __call__(self) -> int:
        return self.ms

    def advance(self, ms: int) -> None:
        self.ms += ms


class Ids:
    """Ids that are never the same twice."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        self._last += 1
        return f"id-{self._last:08}"


@dataclass
class SmallSettings:
    """The settings that the HTTP face reads."""

    max_body_bytes: int = 65_536
    max_import_body_bytes: int = 1_000_000
    public_url: str = "http://shop"
    lake: Path | None = None
    shop_name: str = "Doorbuster"
    session_days: int = 30
    auth_per_minute: int = 0
    api_per_minute: int = 0
    trusted_proxies: int = 0
    cors_origins: str = ""
    oidc_providers: dict[str, Any] = field(default_factory=dict)
    access_token_s: int = 600
    settle_wait_s: float = 5.0
    payment_window_s: int = 600
    webhook_private_addresses: bool = False
    mail_templates: str = ""
    return_window_days: int = 30
    data: Path = Path("/nonexistent")
    relay: str = ""
    low_stock_units: int = 5
    behaviour_days: int = 365
    behaviour_redis: SecretStr = field(default_factory=lambda: SecretStr(""))
    behaviour_journal_hours: int = 6


class MailboxInMemory:
    """Takes every mail."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, message: Mail) -> None:
        self.mails.append(message)


async def no_sleep(_seconds: float) -> None:
    """Time moves by the clock alone."""


CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Argon2id that takes no time."""


class ForgetfulCatalogue:
    """Knows nothing: every look goes to the entity, as right after a start."""

    facets = Facets()

    def skus_after(self, sku: str) -> Iterator[str]:
        return iter(())

    def product(self, sku: str) -> ProductView | None:
        return None

    def stock(self, sku: str) -> StockView | None:
        return None

    def stock_at(self, sku: str, location: str) -> StockView | None:
        return None

    def put_stock(self, key: str, version: int, stock: StockView) -> None:
        """Forgotten at once."""

    def page(self, after: str, limit: int) -> list[ProductView]:
        return []

    page_of_all = page


class Receiver:
    """Takes webhooks: it answers the next posts with these statuses, and all others with 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.posts: list[PostWebhook] = []

    def answer_at_once(self, call: Command) -> Answer | None:
        assert isinstance(call, PostWebhook)
        self.posts.append(call)
        return WebhookAnswered(self.statuses.pop(0) if self.statuses else 200)

    async def call(self, call: Command) -> Answer:
        raise AssertionError(call)


class DeskWithDoor:
    """The feed process's desk, which can be closed and opened."""

    def __init__(self) -> None:
        self._inside: FeedDesk = NoDesk()

    def open(self, inside: FeedDesk) -> None:
        self._inside = inside

    def shut(self) -> FeedDesk:
        """What was inside."""
        inside, self._inside = self._inside, NoDesk()
        return inside

    async def ask(self, method: str, arguments: Mapping[str, Any] | None = None) -> Any:
        return await self._inside.ask(method, arguments)


class Shopfront:
    """The shop's HTTP API, called without a network. Its event loop runs only while a request is under way."""

    _document: ClassVar[dict[str, Any]] = {}
    """The same for every shop, and slow to make."""
    _contract: ClassVar[list[HttpContract]] = []
    """Made of the document, with the first answer."""

    def __init__(
        self,
        *,
        settings: SmallSettings | None = None,
        catalogue: Any = None,
        kinds: Mapping[str, Kind] = KINDS,
        names_requests: bool = True,
        front: bool = False,
        providers: Mapping[str, Provider] | None = None,
        models: Models | None = None,
        model_deadline_s: float = 10.0,
    ) -> None:
        self._providers = providers or {}
        self.clock = Clock()
        self.settings = settings or SmallSettings()
        self.catalogue = catalogue or CatalogueView()
        self.orders = KnownOrders(SHARDS)
        self._kinds = kinds
        self.tables = Tables(kinds.values())
        self.sales = Sales()
        self.rolls = Rolls()
        self.live = Live()
        self.client = Client(SHARDS)
        self.search = Search(self.catalogue, self.tables, self.client, self.clock, writer="replica-1")
        self.webhooks = Receiver()
        self.mailbox = MailboxInMemory()
        self.desk = DeskWithDoor()
        self._readers: dict[str, Reader] = {}
        self.ready = True
        self._runner = asyncio.Runner(loop_factory=SkippingLoop)
        loop = self._runner.get_loop()
        assert isinstance(loop, SkippingLoop)
        self._loop = loop
        self.run(self._open())
        self.access = access_of(
            self.client, self.settings, secret=SECRET, admin_key=ADMIN_KEY, now=self.clock, new_id=Ids()
        )
        self.outbox = Outbox(self.mailbox, sleep=no_sleep)
        accounts = Accounts(
            *(self.client, self.settings, self.access, self.outbox, letters_of(self.settings), Passwords(CHEAP_HASHER)),
            secret=SECRET,
            now=self.clock,
            new_id=Ids(),
        )
        self.feed = FeedProcess(self.settings, self._journal, JournalPositions(self._journal, "feed/"), self.clock)
        self.desk.open(LocalDesk(self.feed))
        metrics = Metrics()
        self.recommendations = recommendations_of(
            self.client,
            self.catalogue,
            self.tables,
            self.desk,
            metrics,
            self.clock,
            models,
            deadline_s=model_deadline_s,
        )
        shop = Shop(
            feed=self.desk,
            metrics=metrics,
            recommendations=self.recommendations,
            client=self.client,
            catalogue=self.catalogue,
            orders=self.orders,
            tables=self.tables,
            sales=self.sales,
            search=self.search,
            rolls=self.rolls,
            live=self.live,
            offers=Offers(self.tables),
            pins=Pins(self.client, LocalShards(self._host, self._journal, SHARDS)),
            settings=self.settings,
            secret=SECRET,
            access=self.access,
            accounts=accounts,
            providers_of_identity=Providers(self.settings.oidc_providers, "http://shop", secret=SECRET, now=self.clock),
            limits=limits_of(
                "",
                self.clock,
                auth_per_minute=self.settings.auth_per_minute,
                api_per_minute=self.settings.api_per_minute,
            ),
            now=self.clock,
            new_id=Ids(),
            ready=lambda: self.ready,
            placed_between=PlacedOrders(self._journal).between,
            keys_after=ListedKeys(self._journal).after,
            names_requests=names_requests,
            payment_methods=("sandbox", *self._providers),
            providers=self._providers,
        )
        self.shop = shop
        self.app = build_app(shop)
        self.app.openapi_schema = self._document or None
        self._wire = Wire(FrontFirst(self.app, Door(Front(shop))), in_one_piece=True) if front else Wire(self.app)
        self._cookies = httpx.Cookies()

    async def _open(self) -> None:
        async def settled(order_id: str, authorize_key: str, reply: Answer) -> None:
            await self.client.send("order", order_id, SettlePayment(authorize_key, reply))

        async def no_answer(_seconds: float) -> None:
            await asyncio.Event().wait()

        sandbox = SandboxGateway(settled, sleep=no_answer)
        self._journal = MemoryJournal(shards=SHARDS)
        self._host = Host(
            self._kinds,
            self._journal,
            SHARDS,
            self.clock,
            gateways={
                "sandbox": sandbox,
                "sales": SaleWarming(self.client, None),
                "webhooks": self.webhooks,
                "reports": ReportPosting(self.desk, lambda: (self.mailbox, letters_of(self.settings)), self.clock),
                **self._providers,
            },
            send=self.client.send,
            known={"order": self.orders.keys},
        )
        self.client.attach(self._host)
        if isinstance(self.catalogue, CatalogueView):
            self.catalogue.listeners += [self.search, self.live.stock]
            await self.client.watch("product", self.catalogue.put_product)
            await self.client.watch("stock", self.catalogue.put_stock)
        for kind, table in self.tables.by_name().items():
            await self.client.watch(kind, table.put)
        await self.client.watch("flash-sale", self.sales.put)
        for kind, roll in self.rolls.by_name().items():
            await self.client.watch(kind, roll.put)
        self._host.watch("order", lambda key, _version, _state: self.live.orders.changed(key))
        await self._host.own(range(SHARDS))

    def close(self) -> None:
        self.run(self.search.stop())
        self.run(self._host.close())
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_feed(self, *consumers: Consumer) -> None:
        """Have each consumer read what is new, as far as it is recorded by now."""
        self.run(self._read_feed(consumers))

    async def _read_feed(self, consumers: Sequence[Consumer]) -> None:
        for consumer in consumers:
            reader = self._readers.setdefault(consumer.name, Reader(self._journal, consumer, Pace(1.0)))
            while await reader.read_once():
                pass

    def let_feed_read(self) -> None:
        """Have the feed process read everything that is recorded by now."""
        self._runner.run(self.feed.feed.catch_up())

    def let_lake_read(self) -> None:
        """As `let_feed_read`, and have all of it in the lake's files."""
        self.let_feed_read()
        lake = self.feed.sections["lake"]
        assert isinstance(lake, LakeSection)
        self._runner.run(lake.writer.flush())

    def request(self, method: str, path: str, *, admin: bool = False, **options: Any) -> httpx.Response:
        """One request; `json`, `content` and `headers` as in httpx."""
        return self.at_once([(method, path, {"admin": admin, **options})])[0]

    def at_once(self, requests: Sequence[Request]) -> list[httpx.Response]:
        """Several requests at the same time."""
        return self.run(self._all(requests))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def preflight(self, path: str, headers: Mapping[str, str]) -> httpx.Response:
        """What a browser asks before it asks; not part of the contract."""
        asked = httpx.Request("OPTIONS", f"http://shop{path}", headers=headers)
        return self.run(self._wire.handle_async_request(asked))

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if not self._document:
            self._document.update(self.app.openapi())
        return self._document

    @property
    def commands(self) -> int:
        """How many commands the host has taken."""
        return self._host.commands

    def let_effects_run(self, seconds: float = 0.2) -> None:
        """Let calls that failed be made again, and reminders be looked at."""
        self._loop.run_without_waiting(asyncio.sleep(seconds))

    def let_time_pass(self) -> None:
        """Let the host look at its reminders, after the clock was advanced."""
        self._loop.run_without_waiting(asyncio.sleep(TICK_S * 1.5))

    def token(self, subject: str, *scopes: str, kind: str = "customer") -> dict[str, str]:
        """The header of a request by whoever has these scopes; a customer without any said."""
        issued = self.access.tokens.issue(PrincipalKind(kind), subject, scopes or ("customer",))
        return {"Authorization": f"Bearer {self.run(issued)}"}

    def mails(self) -> list[Mail]:
        """What was sent so far, oldest first."""
        self.run(self.outbox.idle())
        return self.mailbox.mails

    @property
    def journal(self) -> MemoryJournal:
        """What was recorded."""
        return self._journal

    def forget_cookies(self) -> None:
        """What a browser would send by itself is for each test to say."""
        self._cookies.clear()

    def kid_of(self, who: Mapping[str, str]) -> str:
        """The name of the key that signed a token."""
        kid: str = jwt.get_unverified_header(who["Authorization"].removeprefix("Bearer "))["kid"]
        return kid

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Something asynchronous, on the shop's own event loop."""
        # By itself `Runner.run` looks after Ctrl-C each time, which took a quarter of a request.
        return self._loop.run_until_complete(work)

    # -- what tests begin with

    def knows_all_orders(self) -> None:
        """As if the host had learned of all orders that were placed before."""
        for shard in range(SHARDS):
            self.orders.keys.learned(shard)

    def sell(self, sku: str, *, quantity: int = 10, amount: int = 1999, currency: str = "USD", **fields: Any) -> None:
        """A product with stock."""
        body = {"title": sku.title(), "price": {"amount": amount, "currency": currency}, **fields}
        assert self.put(f"/v1/products/{sku}", json=body, admin=True).status_code in (200, 201)
        if quantity:
            receipt = self.post(f"/v1/stock/{sku}/receipts", json={"quantity": quantity}, admin=True)
            assert receipt.status_code == 201

    def buy(
        self,
        *lines: tuple[str, int],
        key: str = "key-1",
        token: str = "tok_ok",
        method: str = "sandbox",
        email: str = EMAIL,
        **headers: str,
    ) -> httpx.Response:
        """The express purchase."""
        body = order_body(*lines, token=token, email=email)
        body["payment"]["method"] = method
        return self.post("/v1/orders", json=body, headers=keyed(key, **headers))

    def cart_with(self, *lines: tuple[str, int]) -> str:
        """The path of a new cart."""
        path: str = self.post("/v1/carts").headers["location"]
        for sku, quantity in lines:
            assert self.post(f"{path}/lines", json={"sku": sku, "quantity": quantity}).status_code == 200
        return path

    def check_out(self, cart: str, *, key: str = "key-1", token: str = "tok_ok") -> httpx.Response:
        body = {"email": EMAIL, "payment": {"method": "sandbox", "token": token}}
        return self.post(f"{cart}/checkout", json=body, headers=keyed(key))

    def stock(self, sku: str) -> dict[str, Any]:
        """The quantities, exactly as they are."""
        found: dict[str, Any] = self.get(f"/v1/stock/{sku}", admin=True).json()
        return found

    def index(self) -> None:
        """Begin to search: the catalogue as it is now can be found when this returns."""
        self.run(self._index())

    # -- inside

    async def _index(self) -> None:
        self.search.start()
        while not self.search.is_ready:
            await asyncio.sleep(0.005)

    async def _all(self, requests: Sequence[Request]) -> list[httpx.Response]:
        return await asyncio.gather(*(self._send(method, path, **options) for method, path, options in requests))

    async def _send(
        self, method: str, path: str, *, admin: bool = False, headers: Any = None, **body: Any
    ) -> httpx.Response:
        """By httpx's requests and answers, but past its client, whose ways through a network took as long as ours."""
        told = httpx.Headers(AS_CLIENTS_DO)
        told.update(headers)
        if admin:
            told["Authorization"] = f"Bearer {ADMIN_KEY}"
        request = httpx.Request(method, f"http://shop{path}", headers=told, cookies=self._cookies or None, **body)
        response = await self._wire.handle_async_request(request)
        response.request = request
        await response.aread()
        if "set-cookie" in response.headers:
            self._cookies.extract_cookies(response)
        self.hold_to_contract(response)
        return response

    def hold_to_contract(self, response: httpx.Response) -> None:
        """Every answer is what the document says."""
        if not self._contract:
            self._contract.append(HttpContract(self.openapi()))
        self._contract[0].hold(response)


def order_body(*lines: tuple[str, int], token: str = "tok_ok", email: str = EMAIL) -> dict[str, Any]:
    return {
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        "email": email,
        "payment": {"method": "sandbox", "token": token},
    }


def keyed(key: str, **headers: str) -> dict[str, str]:
    return {"Idempotency-Key": key, **headers}


def kind_of(response: httpx.Response) -> str:
    """The name of the problem that the response tells."""
    return str(response.json()["type"]).removeprefix("/problems/")
