"""Every setting of the shop: its meaning, its default, and what it may be.

Plain data: it is passed to the Serve application and never reads the environment. `resolving` makes it.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    field_validator,
    model_validator,
)

from .feed.relays.address import parse_relay
from .mail.address import SmtpAddress

DERIVED = frozenset({"sandbox_payments", "journal", "lake", "registry", "placement", "hosts", "public_url"})
"""Settings that, unless given, follow from others."""

MASK = "********"
URL_PASSWORD = re.compile(r"(?<=://)([^/@:]*):([^/@]+)@")

Secret = Annotated[SecretStr, PlainSerializer(SecretStr.get_secret_value, return_type=str, when_used="json")]
"""A setting that is never shown; the JSON by which settings travel to other processes of the shop keeps its value."""

PAYMENT_SECRETS = ("stripe_secret_key", "paypal_client_secret")
"""Each of them makes the shop take real money."""


def _secret_of(values: Mapping[str, Any], name: str) -> str:
    given = values.get(name, "")
    return given.get_secret_value() if isinstance(given, SecretStr) else str(given)


class OidcProvider(BaseModel):
    """A provider of OpenID Connect at which customers may log in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(pattern=r"^https?://[^\s?#]+$")
    client_id: str = Field(min_length=1)
    client_secret: Secret
    scopes: str = "openid email profile"
    trusts_email: bool = True


class Settings(BaseModel):
    """What one shop runs with. Immutable; survives `model_dump_json` and back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on. Everything else stays on this machine.")
    port: int = Field(8000, ge=1, le=65_535, description="Port of the HTTP API.")
    data: Path = Field(Path("./var"), description="Directory of the journal and the keys. It survives restarts.")
    lake: Path = Field(
        Path("./var/lake"),
        description="Directory of the event lake, DATA/lake by default; on a cluster one that every node reaches.",
    )
    journal: str = Field("", description="URL of the journal; sqlite:///DIR by default inside the data directory.")
    registry: str = Field(
        "",
        description="Registry of models: an MLflow server, http://...; by default a database in the data directory.",
    )
    accept_data_loss: bool = Field(
        False, description="Run on a Redis that may forget what was acknowledged: for trials only."
    )
    journal_replicas: int = Field(
        0, ge=0, le=16, description="Replicas of a Redis journal that must have an entry before it is acknowledged."
    )
    journal_keep_days: int = Field(
        0, ge=0, description="Days of history that `doorbuster journal trim` keeps; 0 for all."
    )
    shards: int = Field(
        16, ge=1, le=1_024, description="Number of shards, chosen when the data is created and kept from then on."
    )
    placement: Literal["replica", "actors"] = Field(
        "replica",
        description="Where hosts run: inside the one Serve replica (best on one machine), or as actors of their own.",
    )
    hosts: int = Field(
        0,
        ge=0,
        le=1_024,
        description="Host actors on each node; more than 0 means placement actors (there: one per core).",
    )
    replicas: int = Field(1, ge=1, le=256, description="Number of Serve replicas; more than 1 needs placement actors.")
    demo_products: int = Field(
        500, ge=0, le=100_000, description="Products of the demo catalogue put into new data; 0 for none."
    )
    payment_window_s: int = Field(
        600, ge=10, le=86_400, description="Seconds that an order holds its stock while its payment is awaited."
    )
    settle_wait_s: float = Field(
        10.0, ge=0, le=60, description="Seconds that a purchase waits for its order to settle before it answers 202."
    )
    return_window_days: int = Field(
        30,
        ge=0,
        le=3_650,
        description="Days after its arrival in which a customer may ask to return something; 0 for any.",
    )
    behaviour_redis: Secret = Field(
        SecretStr(""),
        description="URL of a Redis in which visitors' newest events are kept, too, for programs beside the shop.",
    )
    retrain_hours: float = Field(
        0,
        ge=0,
        le=8_760,
        description="Hours between trainings of a new model, released if it beats the one that serves; 0 for never.",
    )
    retrain_days: int = Field(90, ge=1, le=3_650, description="Days of the event lake that such a round learns from.")
    behaviour_journal_hours: int = Field(
        6,
        ge=0,
        le=8_760,
        description="Hours that the journal keeps visitors' single events, once the lake has them; 0 for all.",
    )
    behaviour_days: int = Field(
        365, ge=1, le=3_650, description="Days that what visitors did is kept for reports and recommendations."
    )
    max_body_bytes: int = Field(65_536, ge=1_024, description="Largest JSON body of a request, in bytes.")
    max_import_body_bytes: int = Field(
        16_777_216, ge=1_024, description="Largest JSON body of a bulk import by the admin, in bytes."
    )
    search_language: Literal[
        "arabic",
        "danish",
        "dutch",
        "english",
        "finnish",
        "french",
        "german",
        "greek",
        "hungarian",
        "italian",
        "norwegian",
        "portuguese",
        "romanian",
        "russian",
        "spanish",
        "swedish",
        "tamil",
        "turkish",
    ] = Field("english", description="Language of the products' texts, by whose word stems they are found.")
    mailbox_limit: int = Field(
        4_096, ge=1, description="Commands that may wait for one host; more get 503 with Retry-After."
    )
    entities_in_memory: int = Field(
        100_000, ge=1_000, description="Entities that one host keeps in memory; the idlest leave first."
    )
    entity_idle_s: int = Field(900, ge=1, description="Seconds without a command after which an entity leaves memory.")
    public_url: str = Field(
        "",
        max_length=200,
        description="The shop's address as customers see it: access tokens name it, links in mails begin with it.",
    )
    shop_name: str = Field("Doorbuster", min_length=1, max_length=100, description="What mails call the shop.")
    smtp_url: Secret = Field(
        SecretStr(""),
        description="Mail server, smtp://user:password@host:port or smtps://; without one mails go into data/mail.",
    )
    mail_from: str = Field("shop@localhost", max_length=200, description="Address that mails come from.")
    session_days: int = Field(30, ge=1, le=400, description="Days after which a login has to be made anew.")
    oidc_providers: dict[str, OidcProvider] = Field(
        {}, description="Other providers to log in at, by name: issuer, client_id, client_secret; a table in the file."
    )
    auth_per_minute: int = Field(
        60,
        ge=0,
        le=100_000,
        description="Requests to log in or register per address and minute; 0: no limit.",
    )
    api_per_minute: int = Field(
        0, ge=0, le=1_000_000, description="Other requests per address and minute, purchases aside; 0: no limit."
    )
    limits_redis: Secret = Field(
        SecretStr(""),
        description="URL of a Redis in which all replicas count requests; else each counts its own.",
    )
    cache_bytes: int = Field(
        67_108_864, ge=0, le=2**40, description="Memory of one replica for pages made for others, in bytes; 0: none."
    )
    cache_redis: Secret = Field(
        SecretStr(""), description="URL of a Redis in which replicas share lists and search results for a second."
    )
    streams: int = Field(
        4_000,
        ge=1,
        le=100_000,
        description="Open streams of one replica at most; half of HAProxy's connections at most.",
    )
    streams_per_address: int = Field(
        100, ge=0, le=100_000, description="Open streams of one address at one replica; 0: no limit."
    )
    trusted_proxies: int = Field(
        1, ge=0, le=8, description="Proxies in front whose X-Forwarded-For is believed; ours is one of them."
    )
    cors_origins: str = Field(
        "",
        description="Other sites whose pages may call the API, such as https://shop.example, with commas between.",
    )
    access_token_s: int = Field(600, ge=60, le=3_600, description="Seconds that an access token is good for.")
    sandbox_payments: bool = Field(
        True, description="Take payments that move no money; by default only while no real provider is set up."
    )
    payment_return_url: str = Field(
        "", max_length=2_000, description="Page to which shoppers come back from their bank or from PayPal."
    )
    stripe_secret_key: Secret = Field(SecretStr(""), description="Stripe's secret key; with it, the shop takes Stripe.")
    stripe_webhook_secret: Secret = Field(
        SecretStr(""), description="Signing secret of the endpoint /v1/webhooks/stripe at Stripe."
    )
    stripe_api_url: str = Field("", description="Another address of Stripe's API: for tests only.")
    paypal_client_id: str = Field("", description="PayPal's client id; with its secret, the shop takes PayPal.")
    paypal_client_secret: Secret = Field(SecretStr(""), description="PayPal's client secret.")
    paypal_webhook_id: str = Field("", description="Id of the webhook /v1/webhooks/paypal at PayPal.")
    paypal_api_url: str = Field(
        "", description="PayPal's API: https://api-m.sandbox.paypal.com for trials; by default the live one."
    )
    object_store_bytes: int = Field(
        104_857_600, ge=80_000_000, description="Shared memory that Ray reserves for large objects, in bytes."
    )
    recommendations: bool = Field(True, description="Run the processes that recommend by the models of the registry.")
    haproxy_threads: int = Field(1, ge=1, le=64, description="Threads of the HAProxy in front of the replicas.")
    mail_templates: str = Field(
        "", max_length=4_096, description="Directory of mail templates that stand in place of the shop's own."
    )
    order_mails: bool = Field(True, description="Send customers mails about their orders.")
    webhook_private_addresses: bool = Field(
        False, description="Let webhooks go to http:// and to addresses of private networks: for trials only."
    )
    low_stock_units: int = Field(
        5, ge=0, le=1_000_000, description="Units of a SKU at a location from which on `stock.low` is told."
    )
    relay: str = Field(
        "",
        max_length=8_192,
        description="Broker that public events are relayed to, redis:// or kafka://; may be given several times.",
    )
    application: str = Field(
        "serve.replica:build",
        pattern=r"^[\w.]+:\w+$",
        description="Function that builds the Serve application from these settings, as module:function.",
    )

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, given: Any) -> Any:
        """Fill in what depends on other settings, so that a resolved object has no blanks."""
        if not isinstance(given, Mapping):
            return given
        values = dict(given)
        data = Path(values.get("data", cls.model_fields["data"].default)).expanduser().absolute()
        values["data"] = str(data)
        values["lake"] = str(Path(values["lake"]).expanduser().absolute() if values.get("lake") else data / "lake")
        if values.get("journal", "") in ("", "sqlite"):
            values["journal"] = f"sqlite:///{data / 'journal'}"
        if not values.get("registry"):
            values["registry"] = f"sqlite:///{data / 'models' / 'registry.sqlite'}"
        if "placement" not in values:
            values["placement"] = "actors" if str(values.get("hosts", 0)) != "0" else "replica"
        if "sandbox_payments" not in values:
            values["sandbox_payments"] = not any(_secret_of(values, name) for name in PAYMENT_SECRETS)
        if values["placement"] == "actors" and str(values.get("hosts", 0)) == "0":
            values["hosts"] = os.cpu_count() or 1
        if not values.get("public_url"):
            host = str(values.get("host", cls.model_fields["host"].default))
            values["public_url"] = _url_of(host, values.get("port", cls.model_fields["port"].default))
        return values

    @field_validator("smtp_url")
    @classmethod
    def _smtp_url_names_a_server(cls, url: Secret) -> Secret:
        if url.get_secret_value():
            SmtpAddress.of(url.get_secret_value())
        return url

    @field_validator("relay")
    @classmethod
    def _relays_are_known(cls, relay: str) -> str:
        names = [parse_relay(url).name for url in relay.split()]
        if len(set(names)) < len(names):
            raise ValueError("two of them have one name: tell them apart by ?name=")
        return relay

    @field_validator("registry")
    @classmethod
    def _registry_is_known(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "http://", "https://")):
            raise ValueError("must be the address of an MLflow server, http://..., or sqlite:///FILE")
        return url

    @field_validator("oidc_providers")
    @classmethod
    def _provider_names_are_plain(cls, providers: dict[str, OidcProvider]) -> dict[str, OidcProvider]:
        for name in providers:
            if not re.fullmatch(r"[a-z0-9-]{1,40}", name):
                raise ValueError("must have names of small letters, digits and -")
        return providers

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_named(cls, origins: str) -> str:
        for origin in filter(None, origins.split(",")):
            if not re.fullmatch(r"https?://[^/*\s]+", origin):
                raise ValueError("must be origins such as https://shop.example: no path, and no *")
        return origins

    @field_validator("public_url")
    @classmethod
    def _public_url_is_plain(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")) or any(sign in url for sign in " ?#"):
            raise ValueError("must be a plain address, such as https://shop.example")
        return url.rstrip("/")

    @field_validator("host")
    @classmethod
    def _host_is_an_address(cls, host: str) -> str:
        if not host or "/" in host or " " in host:
            raise ValueError("must be a host name or an address, such as 127.0.0.1")
        return host

    @model_validator(mode="after")
    def _placement_fits(self) -> "Settings":
        if self.placement == "replica" and self.hosts:
            raise ValueError("hosts: host actors need placement actors; leave out --placement replica or --hosts")
        if self.placement == "replica" and self.replicas > 1:
            raise ValueError(
                "replicas: a replica that hosts all shards must be the only one; for more, add --hosts N "
                "(host actors that every replica talks to)"
            )
        return self

    @model_validator(mode="after")
    def _webhooks_can_be_verified(self) -> "Settings":
        # Without them nobody would hear of a payment that settles later, or anybody could tell of one.
        if self.stripe_secret_key.get_secret_value() and not self.stripe_webhook_secret.get_secret_value():
            raise ValueError("stripe_webhook_secret: must be given with stripe_secret_key")
        if bool(self.paypal_client_id) != bool(self.paypal_client_secret.get_secret_value()):
            raise ValueError("paypal_client_id: must be given with paypal_client_secret")
        if self.paypal_client_id and not self.paypal_webhook_id:
            raise ValueError("paypal_webhook_id: must be given with paypal_client_id")
        return self

    @property
    def takes_stripe(self) -> bool:
        return bool(self.stripe_secret_key.get_secret_value())

    @property
    def takes_paypal(self) -> bool:
        return bool(self.paypal_client_id)

    @property
    def url(self) -> str:
        """Where the shop answers, as a client on this machine would write it."""
        return _url_of(self.host, self.port)

    @property
    def admin_key_file(self) -> Path:
        """The file with the admin key; its content is never printed or logged."""
        return self.data / "admin.key"

    @property
    def secret_key_file(self) -> Path:
        """The file with the secret from which order ids and access tokens are derived."""
        return self.data / "secret.key"

    @property
    def models(self) -> Path:
        """The directory of the registry and its artifacts, of trained models, and of copies from a server."""
        return self.data / "models"


def _url_of(host: str, port: Any) -> str:
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def display(settings: Settings, name: str) -> str:
    """The value as a person may see it: secrets are masked, passwords in URLs too."""
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    return mask_password(str(value))


def mask_password(url: str) -> str:
    """The URL as it may be shown."""
    return URL_PASSWORD.sub(rf"\1:{MASK}@", url)
