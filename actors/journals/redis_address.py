"""Where a Redis journal is: what its URL says, and the clients of redis-py that it leads to."""

from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

SCHEMES = ("redis", "rediss", "redis+unix", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel")
KNOWN = (
    "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// (TLS), redis+unix://PATH, redis+cluster://HOST[:PORT], "
    "redis+sentinel://HOST[:PORT][,HOST[:PORT]...]/SERVICE"
)

DEFAULT_PREFIX = "doorbuster"
SENTINEL_PORT = 26_379
CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 3.0
"""A server that doesn't answer that long is as good as gone: its shards are taken over again when it is back."""


class RedisAddress(NamedTuple):
    """What a URL says. `prefix` begins every key, so that several shops can share a server."""

    kind: Literal["server", "cluster", "sentinel"]
    url: str
    """As redis-py reads it, with the password; for Sentinel without a host."""
    sentinels: tuple[tuple[str, int], ...]
    service: str
    prefix: str
    volumes: int | None
    name: str
    """How messages call it: without user and password."""


def parse_address(url: str) -> RedisAddress:
    """Read a URL of one of `SCHEMES`; raises ValueError where it makes no sense."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"no Redis journal is known by the scheme {parts.scheme!r}: use one of {KNOWN}")
    secure, _, kind = parts.scheme.partition("+")
    options = dict(parse_qsl(parts.query))
    prefix = options.pop("prefix", DEFAULT_PREFIX)
    volumes = options.pop("volumes", None)
    if not prefix or set(prefix) & set("{}"):
        raise ValueError(f"the prefix {prefix!r} must have characters, but no braces")
    credentials, _, hosts = parts.netloc.rpartition("@")
    query = urlencode(options)
    name = urlunsplit((parts.scheme, hosts, parts.path, "", ""))
    number = int(volumes) if volumes else None
    if kind == "unix":
        return RedisAddress("server", f"unix://{parts.netloc}{parts.path}?{query}", (), "", prefix, number, name)
    if kind != "sentinel":
        if not parts.hostname:
            raise ValueError(f"{name} names no host: use one of {KNOWN}")
        plain = urlunsplit((secure, parts.netloc, parts.path, query, ""))
        return RedisAddress("cluster" if kind else "server", plain, (), "", prefix, number, name)
    service, _, database = parts.path.strip("/").partition("/")
    if not service or not hosts:
        raise ValueError(f"{name} must name the sentinels and the service: redis+sentinel://HOST[,HOST...]/SERVICE")
    login = f"{credentials}@" if credentials else ""
    plain = urlunsplit((secure, f"{login}-", f"/{database}", query, ""))
    sentinels = tuple(_host_and_port(host) for host in hosts.split(","))
    return RedisAddress("sentinel", plain, sentinels, unquote(service), prefix, number, name)


def _host_and_port(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(f"{text!r} is no host")
    return parts.hostname, parts.port or SENTINEL_PORT


def client_options(**more: Any) -> dict[str, Any]:
    """How every connection is made: one protocol version, so that answers have one shape, and no hidden retries.

    A retry that nobody knows of could send an append twice; what to do after a failure is the journal's to decide.
    """
    return {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        **more,
    }


def sentinel_options(address: RedisAddress) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options for connections to the sentinels and to the server that they name.

    The sentinels' own user and password come as `sentinel_username` and `sentinel_password` in the URL's query.
    """
    given: dict[str, Any] = dict(redis.connection.parse_url(address.url))  # type: ignore[no-untyped-call]
    for name in ("host", "port", "connection_class"):
        given.pop(name, None)
    given["ssl"] = address.url.startswith("rediss:")
    own = {name: given.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in given}
    shared = {name: value for name, value in given.items() if name.startswith("ssl")}
    return {**client_options(socket_timeout=ANSWER_TIMEOUT_S), **shared, **own}, given
