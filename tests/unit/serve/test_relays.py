"""Relays: what their URLs may say, and a broker that is away for ten minutes while the shop sells."""

from collections.abc import Iterator, Sequence

import pytest
from click.testing import CliRunner

from actors.feed.consumer import Held
from serve.cli.config import command as config
from serve.feed.contract.envelope import CloudEvent
from serve.feed.contract.teller import Teller
from serve.feed.relays.address import parse_relay
from serve.feed.relays.kafka import producer_options
from serve.feed.relays.port import AddressError, BrokerAway
from serve.feed.relays.relay import Relay
from serve.resolving import SettingsError, resolve

from .shopfront import Shopfront

TEN_MINUTES_MS = 600_000


class Pinboard:
    """A broker in memory. It can be away, or take a part and fail then."""

    def __init__(self) -> None:
        self.away = False
        self.room = 1_000_000
        self.events: list[CloudEvent] = []

    async def publish(self, events: Sequence[CloudEvent]) -> None:
        if self.away:
            raise BrokerAway("nobody answers")
        taken = events[: self.room]
        self.events += taken
        self.room -= len(taken)
        if len(taken) < len(events):
            raise BrokerAway("it was cut off")

    async def close(self) -> None:
        """Nothing is open."""

    def once(self) -> list[str]:
        """Ids as a consumer sees them that de-duplicates."""
        return list(dict.fromkeys(event.id for event in self.events))


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    with Shopfront() as front:
        yield front


def relay_of(shop: Shopfront, broker: Pinboard) -> None:
    teller = Teller(shop.journal, "http://shop", 3)
    shop.feed.feed.read_for(Relay("relay:test", teller, broker), "start")


def behind(shop: Shopfront) -> tuple[int, int]:
    (standing,) = shop.get("/v1/admin/feed", admin=True).json()["items"]
    return standing["lag_entries"], standing["lag_ms"]


def test_a_broker_that_is_away_for_ten_minutes_keeps_nobody_from_buying_and_misses_nothing(shop: Shopfront) -> None:
    broker = Pinboard()
    relay_of(shop, broker)
    shop.sell("RETRO-CLOCK", quantity=50)
    shop.let_feed_read()
    told = len(broker.events)
    assert told > 0
    broker.away = True
    for number in range(10):
        assert shop.buy(("RETRO-CLOCK", 1), key=f"key-{number}").status_code == 201
        with pytest.raises(Held):
            shop.let_feed_read()
        shop.clock.advance(TEN_MINUTES_MS // 10)
    entries, oldest_ms = behind(shop)
    assert entries >= 20
    assert oldest_ms == TEN_MINUTES_MS
    broker.away = False
    shop.let_feed_read()
    assert behind(shop) == (0, 0)
    confirmed = [event for event in broker.events if event.type == "doorbuster.order.confirmed.v1"]
    assert len(confirmed) == 10


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_what_a_broker_took_before_it_failed_comes_again_with_the_same_ids_and_in_order(
    shop: Shopfront, share: float
) -> None:
    broker, whole = Pinboard(), Pinboard()
    shop.feed.feed.read_for(Relay("relay:whole", Teller(shop.journal, "http://shop", 3), whole), "start")
    shop.sell("RETRO-CLOCK", quantity=50)
    for number in range(5):
        shop.buy(("RETRO-CLOCK", 1), key=f"key-{number}")
    shop.let_feed_read()
    relay_of(shop, broker)
    broker.room = int(share * len(whole.events))
    with pytest.raises(Held):
        shop.let_feed_read()
    broker.room = 1_000_000
    shop.let_feed_read()
    assert set(broker.once()) == set(whole.once())
    for subject in {event.subject for event in whole.events}:
        first_seen = {event.id: event for event in reversed(broker.events) if event.subject == subject}
        sequences = [event.sequence for event in sorted(first_seen.values(), key=lambda each: each.sequence)]
        in_order = [event.sequence for event in whole.events if event.subject == subject]
        assert sequences == in_order


def test_a_relays_url_says_where_and_from_when() -> None:
    address = parse_relay("redis://shop:secret@redis.example:6380/2?stream=events&maxlen=5000&begin=start")
    assert address.servers == "redis://shop:secret@redis.example:6380/2"
    assert (address.channel, address.maxlen, address.begin) == ("events", 5_000, "start")
    assert address.name == "relay:redis:redis.example:6380:events"
    kafka = parse_relay("kafka://ada:s%40fe@a:9092,b:9092/shop?security.protocol=SASL_SSL&name=books")
    assert (kafka.servers, kafka.channel, kafka.name) == ("a:9092,b:9092", "shop", "books")
    options = producer_options(kafka, 5.0, 1_000)
    assert options["security.protocol"] == "SASL_SSL"
    assert options["sasl.password"] == "s@fe"
    assert options["enable.idempotence"]


@pytest.mark.parametrize(
    "url",
    [
        "amqp://rabbit",
        "kafka://",
        "redis://",
        "redis://a?begin=yesterday",
        "redis://a?maxlen=many",
        "redis://a?name=a/b",
        "kafka://[a",
    ],
)
def test_a_url_that_cant_be_relayed_to_is_told_at_once(url: str) -> None:
    with pytest.raises(AddressError):
        parse_relay(url)
    with pytest.raises(SettingsError):
        resolve({"relay": url})


def test_several_relays_need_several_names() -> None:
    assert resolve({"relay": "redis://a redis://b"}).settings.relay == "redis://a redis://b"
    with pytest.raises(SettingsError, match="name"):
        resolve({"relay": "redis://a redis://a"})


def test_the_flag_may_be_given_several_times_and_shows_no_password() -> None:
    flags = ["--relay", "redis://ada:xyzzy@a", "--relay", "kafka://bob:plugh@b:9092/shop"]
    shown = CliRunner().invoke(config, flags, env={"COLUMNS": "1000"}).output
    assert "redis://ada:********@a" in shown
    assert "b:9092/shop" in shown
    assert "xyzzy" not in shown
    assert "plugh" not in shown
