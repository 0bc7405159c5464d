"""Opening a Redis journal: is the server set up to keep what it acknowledges, and which layout has the data?

Done once, before the first command, with a connection that is closed again: whatever speaks against the store is told
before anything relies on it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import redis
from redis.exceptions import RedisError, ResponseError

from .port import JournalMismatch, JournalTooNew, JournalUnavailable, JournalUnsafe
from .redis_address import ANSWER_TIMEOUT_S, RedisAddress, client_options, sentinel_options

FORMAT = 2
"""Kept in the data; a greater one is refused."""
FORMAT_UNTRIMMED = 1
"""Of data of which nothing was ever trimmed: what doesn't know of trimming can read it as well."""
DEFAULT_SHARDS = 16

SETTLE_LAYOUT = """
if redis.call('EXISTS', KEYS[1]) == 0 and ARGV[4] == '1' then
    redis.call('HSET', KEYS[1], 'format', ARGV[1], 'shards', ARGV[2], 'volumes', ARGV[3])
end
return redis.call('HMGET', KEYS[1], 'format', 'shards', 'volumes')
"""

PERSISTENCE_OFF = """\
{name} keeps its data in memory only (appendonly no): when it stops, every order is lost.
Set in its configuration:
  appendonly yes
  appendfsync always     each purchase is on the disk before the buyer hears of it
or, to lose the purchases of up to two seconds when the machine itself fails, but none when only Redis does:
  appendfsync everysec
To run without any of it, for a trial, start with --accept-data-loss."""
EVICTING = """\
{name} throws keys away when its memory is full (maxmemory-policy {policy}): a journal would lose entries.
Set maxmemory-policy noeviction, so that a full memory refuses purchases instead of forgetting them.
To run like this all the same, start with --accept-data-loss."""
NOT_EVERY_PURCHASE = """\
%s does not sync every purchase (appendfsync %s): when its machine fails, the last seconds are lost, although buyers \
were told that they have bought. With appendfsync always nothing is."""
PAUSES_SYNCING = """\
%s does not sync while it rewrites its log (no-appendfsync-on-rewrite yes): purchases of that time are lost when its \
machine fails."""

logger = logging.getLogger("doorbuster.journal")


class Layout(NamedTuple):
    """What is chosen when the data is created and never changes: it says under which hash tag a shard's keys are."""

    shards: int
    volumes: int


class Persistence(NamedTuple):
    """How a server keeps its data; empty where it doesn't say."""

    appends_to_file: bool
    syncs: str = ""
    pauses_syncing: bool = False
    eviction: str = ""


def settle_layout(
    address: RedisAddress,
    meta_key: str,
    shards: int | None,
    volumes: int | None,
    volumes_if_new: int,
    *,
    create: bool,
) -> Layout:
    """The layout of the data at the address; of new data, as asked for. Raises `JournalMismatch` where they differ."""
    asked_volumes = volumes or address.volumes
    new_shards = shards or DEFAULT_SHARDS
    # A volume lies on one server: in a cluster, more of them spread further.
    new_volumes = asked_volumes or (new_shards if address.kind == "cluster" else min(volumes_if_new, new_shards))
    if min(new_shards, new_volumes) < 1:
        raise ValueError(f"a journal needs one shard and one volume at least, not {new_shards} and {new_volumes}")
    with _connected(address) as client:
        found = client.eval(SETTLE_LAYOUT, 1, meta_key, FORMAT_UNTRIMMED, new_shards, new_volumes, int(create))
    if None in found:
        raise JournalMismatch(f"{address.name} has no journal under {meta_key}: is the prefix the right one?")
    kept_format, kept_shards, kept_volumes = (int(number) for number in found)
    if kept_format > FORMAT:
        raise JournalTooNew(kept_format, FORMAT)
    kept = Layout(kept_shards, kept_volumes)
    if kept != (shards or kept.shards, asked_volumes or kept.volumes):
        raise JournalMismatch(
            f"the journal at {address.name} was created with {kept.shards} shards in {kept.volumes} volumes, not "
            f"{new_shards} in {new_volumes}: these numbers can't change later"
        )
    return kept


def ensure_durable(address: RedisAddress, *, accept_data_loss: bool) -> None:
    """Raise `JournalUnsafe` if a server would forget what it acknowledged; log what it might."""
    with _connected(address) as client:
        for name, persistence in _persistence_of_servers(address, client):
            complaint = _complaint(name, persistence)
            if complaint and not accept_data_loss:
                raise JournalUnsafe(complaint)
            if complaint:
                logger.warning("Data loss is accepted: %s", complaint.splitlines()[0])
            elif persistence.syncs and persistence.syncs != "always":
                logger.warning(NOT_EVERY_PURCHASE, name, persistence.syncs)
            elif persistence.pauses_syncing:
                logger.warning(PAUSES_SYNCING, name)


def _complaint(name: str, persistence: Persistence) -> str:
    if not persistence.appends_to_file:
        return PERSISTENCE_OFF.format(name=name)
    # The volatile policies only take keys with a time to live; ours have none.
    if persistence.eviction.startswith("allkeys"):
        return EVICTING.format(name=name, policy=persistence.eviction)
    return ""


def _persistence_of_servers(address: RedisAddress, client: Any) -> Iterator[tuple[str, Persistence]]:
    if address.kind != "cluster":
        yield address.name, _persistence(client)
        return
    for node in client.get_primaries():
        yield f"{address.name} ({node.name})", _persistence(node.redis_connection)


def _persistence(client: Any) -> Persistence:
    try:
        config: dict[str, str] = {}
        # One pattern at a time: several need Redis 7.
        for pattern in ("append*", "no-appendfsync-on-rewrite", "maxmemory-policy"):
            config |= client.config_get(pattern)
        return Persistence(
            config["appendonly"] == "yes",
            config["appendfsync"],
            config["no-appendfsync-on-rewrite"] == "yes",
            config["maxmemory-policy"],
        )
    except (ResponseError, KeyError):
        # CONFIG is forbidden to this user, or hidden by whoever runs the server.
        info = client.info("persistence") | client.info("memory")
        return Persistence(bool(info.get("aof_enabled")), eviction=str(info.get("maxmemory_policy", "")))


@contextmanager
def _connected(address: RedisAddress) -> Iterator[Any]:
    """A blocking client, and errors of the port for its own."""
    client = None
    try:
        client = _client(address)
        yield client
    except (RedisError, OSError) as error:
        raise JournalUnavailable(f"{address.name}: {error}") from error
    finally:
        if client is not None:
            client.close()


def _client(address: RedisAddress) -> Any:
    options = client_options(socket_timeout=ANSWER_TIMEOUT_S, decode_responses=True)
    if address.kind == "cluster":
        return redis.RedisCluster.from_url(address.url, **options)
    if address.kind == "server":
        return redis.Redis.from_url(address.url, **options)
    for_sentinels, for_server = sentinel_options(address)
    sentinel = redis.Sentinel(address.sentinels, sentinel_kwargs=for_sentinels)  # type: ignore[no-untyped-call]
    return sentinel.master_for(address.service, **{**for_server, **options})  # type: ignore[no-untyped-call]
