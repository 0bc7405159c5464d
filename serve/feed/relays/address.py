"""A relay's URL, taken apart: which broker, which stream or topic, where to begin, and what else it says.

    redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]?stream=NAME&maxlen=1000000&keep_hours=72
    kafka://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...]/TOPIC?security.protocol=SASL_SSL

Both take `name=`, under which the relay's position is kept, and `begin=newest|start|INSTANT` for one that is new.
"""

import contextlib
import re
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from actors.feed.beginning import Begin

from ..contract.catalogue import CHANNEL
from .port import AddressError

REDIS_SCHEMES = ("redis", "rediss", "redis+unix")
KAFKA_SCHEMES = ("kafka",)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,99}")
OURS = ("name", "begin", "stream", "maxlen", "keep_hours")
"""What the query may say to us; the rest is for the broker's client."""


class RelayAddress(NamedTuple):
    """Where to relay to."""

    name: str
    scheme: str
    servers: str
    """For Kafka HOST:PORT,...; for Redis a URL that its client knows."""
    user: str
    password: str
    channel: str
    """The stream or topic."""
    begin: Begin
    maxlen: int
    """Entries that a stream keeps at most, about; 0: no limit."""
    keep_hours: int
    """Age from which a stream lets go of entries; 0: by their number alone."""
    options: dict[str, str]


DEFAULT_MAXLEN = 1_000_000


def parse_relay(url: str) -> RelayAddress:
    """Raises `AddressError`."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise AddressError(f"this is no URL: {error}") from error
    query = dict(parse_qsl(parts.query))
    if parts.scheme in REDIS_SCHEMES:
        channel = query.get("stream", CHANNEL)
        rest = {name: value for name, value in query.items() if name not in OURS}
        scheme = "unix" if parts.scheme == "redis+unix" else parts.scheme
        asked = "&".join(f"{name}={value}" for name, value in rest.items())
        servers = urlunsplit((scheme, parts.netloc, parts.path, asked, ""))
    elif parts.scheme in KAFKA_SCHEMES:
        channel = parts.path.strip("/") or CHANNEL
        rest = {name: value for name, value in query.items() if name not in OURS}
        servers = parts.netloc.rpartition("@")[2]
    else:
        raise AddressError("a relay's URL begins with redis://, rediss://, redis+unix:// or kafka://")
    if not parts.netloc.rpartition("@")[2] and not (parts.scheme == "redis+unix" and parts.path):
        raise AddressError("it must name a server")
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    return RelayAddress(
        name=_name(query, parts.scheme, parts.netloc.rpartition("@")[2] or parts.path, channel),
        scheme=parts.scheme,
        servers=servers,
        user=unquote(user),
        password=unquote(password),
        channel=channel,
        begin=begin_of(query.get("begin", "newest")),
        maxlen=_number(query, "maxlen", DEFAULT_MAXLEN),
        keep_hours=_number(query, "keep_hours", 0),
        options=rest if parts.scheme in KAFKA_SCHEMES else {},
    )


def _name(query: dict[str, str], scheme: str, server: str, channel: str) -> str:
    derived = re.sub(r"[^A-Za-z0-9._:~-]", "-", f"relay:{scheme}:{server}:{channel}")[:100]
    name = query.get("name", derived)
    if not NAME.fullmatch(name):
        raise AddressError("its name has letters, digits and . _ : ~ - only, at most 100")
    return name


def begin_of(text: str) -> Begin:
    """Raises `AddressError`."""
    if text == "newest":
        return "newest"
    if text == "start":
        return "start"
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return round(moment.timestamp() * 1_000)
    raise AddressError("it begins at newest, at start, or at an instant with its offset: 2026-11-27T00:00:00Z")


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or len(text) > 12:
        raise AddressError(f"{name} is a whole number")
    return int(text)
