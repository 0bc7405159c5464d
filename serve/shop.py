"""What the HTTP face is made of, in one value that the serving process composes and passes in."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from actors.journals.port import Entry
from engine.kernel import Command, Instant, Reply
from engine.product import ProductView
from engine.stock import StockView

from .access.access import Access
from .accounts.oidc import Providers
from .accounts.service import Accounts
from .assortment import Facets
from .behaviour import BehaviourCounts
from .feed.desk import FeedDesk, NoDesk
from .gateways.port import Provider
from .limits import Limits
from .live.live import Live
from .metrics.metrics import Metrics
from .offers import Offers
from .recommendations.port import Recommender
from .recommendations.service import Recommendations
from .refusals import Refusals
from .rolls import Rolls
from .sales import Sales
from .search.service import Search
from .tables import Tables


class Client(Protocol):
    """How a command reaches its entity, wherever that lives. Sending again is safe: same id, same answer."""

    async def send(
        self, kind: str, key: str, command: Command, *, deadline_s: float = 10.0, settle_s: float = 0.0
    ) -> Reply:
        """Raises `actors.errors.Unavailable`; with `settle_s`, waits that long at most for a process to settle."""
        ...

    async def history(self, kind: str, key: str, *, after_version: int = 0, limit: int = 100) -> Sequence[Entry]:
        """The entity's entries with a version greater than `after_version`, oldest first."""
        ...


class Catalogue(Protocol):
    """Products and quantities as hosts last told them: reading it costs no command."""

    def product(self, sku: str) -> ProductView | None: ...

    def stock(self, sku: str) -> StockView | None:
        """The quantities at the default location."""
        ...

    def stock_at(self, sku: str, location: str) -> StockView | None: ...

    def put_stock(self, key: str, version: int, stock: StockView) -> None:
        """What a stock said when it was asked; from then on hosts tell of its changes."""
        ...

    def page(self, after: str, limit: int) -> list[ProductView]:
        """Products on sale with a SKU greater than `after`, in ascending order."""
        ...

    @property
    def facets(self) -> Facets:
        """SKUs of products on sale by tag, vendor and category."""
        ...

    def skus_after(self, sku: str) -> Iterator[str]:
        """SKUs of products on sale, greater than that one, in ascending order."""
        ...

    def page_of_all(self, after: str, limit: int) -> list[ProductView]:
        """As `page`, with those that aren't on sale among them."""
        ...


class Orders(Protocol):
    """Which orders exist, as far as this process was told."""

    def surely_new(self, order_id: str) -> bool:
        """Whether no order has this id; False where that isn't certain."""
        ...


class Pins(Protocol):
    """Gives a hot entity a shard of its own, and takes it back; see `actors.pins`."""

    async def pin(self, kind: str, key: str, look: Command) -> int: ...

    async def unpin(self, kind: str, key: str, look: Command) -> None: ...


class ShopSettings(Protocol):
    """The settings that the HTTP face reads."""

    @property
    def max_body_bytes(self) -> int: ...

    @property
    def max_import_body_bytes(self) -> int: ...

    @property
    def settle_wait_s(self) -> float: ...

    @property
    def payment_window_s(self) -> int: ...

    @property
    def trusted_proxies(self) -> int: ...

    @property
    def public_url(self) -> str: ...

    @property
    def cors_origins(self) -> str: ...

    @property
    def webhook_private_addresses(self) -> bool: ...

    @property
    def return_window_days(self) -> int: ...

    @property
    def behaviour_days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop's connections, settings and secrets. `now` and `new_id` are the only clock and randomness here."""

    client: Client
    catalogue: Catalogue
    orders: Orders
    tables: Tables
    search: Search
    pins: Pins
    settings: ShopSettings
    secret: bytes
    """16 to 64 random bytes, the same for the life of the data: order ids and access tokens are made with it."""
    access: Access
    """Tells who makes a request."""
    offers: Offers
    """Promotions, shipping and taxes."""
    recommendations: Recommendations
    accounts: Accounts
    providers_of_identity: Providers
    limits: Limits
    now: Callable[[], Instant]
    new_id: Callable[[], str]
    """A fresh unguessable id: 128 bits or more in URL-safe characters."""
    ready: Callable[[], bool]
    placed_between: Callable[[Instant, Instant], AsyncIterator[Sequence[str]]]
    """The ids of orders that were placed from an instant to before another, in pages."""
    keys_after: Callable[[str, str, int], Awaitable[list[str]]]
    """The next keys of a listed kind after one, so many at most."""
    payment_methods: Sequence[str] = ("sandbox",)
    """What a purchase may name as its payment method."""
    providers: Mapping[str, Provider] = field(default_factory=dict)
    """Payment providers that call back, by the method's name."""
    rolls: Rolls = field(default_factory=Rolls)
    names_requests: bool = True
    """Whether the application writes `X-Request-Id`; False behind a server that writes it itself, like Ray Serve."""
    behaviour: BehaviourCounts = field(default_factory=BehaviourCounts)
    refusals: Refusals = field(default_factory=Refusals)
    sales: Sales = field(default_factory=Sales)
    metrics: Metrics = field(default_factory=Metrics)
    feed: FeedDesk = field(default_factory=NoDesk)
    """The way to the feed process."""
    live: Live = field(default_factory=Live)
    recommender: Recommender | None = None
    """The processes that recommend, where this isn't one of them."""
