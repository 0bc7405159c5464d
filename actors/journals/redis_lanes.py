"""Connections to Redis: commands that wait together travel together, and whatever goes wrong has one name.

A lane is one connection. Which lane a key takes depends on the kind of service: one server, whatever server the
sentinels name, or the cluster's node for the key.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)

from .port import JournalUnavailable
from .redis_address import ANSWER_TIMEOUT_S, RedisAddress, client_options, sentinel_options

MOST_COMMANDS_AT_ONCE = 512
"""Bounds how long the first of a round trip waits for the answer to the last."""
REDIRECTIONS = 16
REDIRECTION_PAUSE_S = 0.05
"""A slot that is being moved answers "try again" until its keys are over there."""

Word = bytes | str | int
Command = Sequence[Word]


class Waiting(NamedTuple):
    """What an append waits for beyond its server: `replicas` that have it too, for `timeout_ms` at most."""

    replicas: int
    timeout_ms: int


class ConnectionLost(JournalUnavailable):
    """The connection ended. What only reads may be asked again at once: the next connection may be fine."""


class Script:
    """A Lua script, called by its hash; a server that doesn't know it (any more) is sent the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Lane:
    """One connection. While a round trip is under way, further commands gather and form the next one.

    Commands are carried out in the order of their calls. After any failure the connection is made anew by the next
    command; those that had no answer yet raise `JournalUnavailable`, because they may or may not have happened.
    """

    def __init__(self, name: str, connect: Callable[[], AbstractConnection], waiting: Waiting | None = None) -> None:
        self._name = name
        self._connect = connect
        self._waiting = waiting
        self._timeout_s = ANSWER_TIMEOUT_S + (waiting.timeout_ms / 1_000 if waiting else 0)
        self._connection: AbstractConnection | None = None
        self._queued: list[tuple[Command, asyncio.Future[Any]]] = []
        self._task: asyncio.Task[None] | None = None

    def call(self, command: Command) -> asyncio.Future[Any]:
        """The answer; raises what the server refused it with, or `JournalUnavailable`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._queued.append((command, future))
        if self._task is None:
            # It begins in the loop's next round: whatever is called in this one travels along.
            self._task = loop.create_task(self._exchange())
        return future

    async def close(self) -> None:
        """Finish what was called, then close the connection."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)

    async def _exchange(self) -> None:
        try:
            while self._queued:
                batch, self._queued = self._queued[:MOST_COMMANDS_AT_ONCE], self._queued[MOST_COMMANDS_AT_ONCE:]
                await self._round_trip(batch)
        finally:
            self._task = None

    async def _round_trip(self, batch: list[tuple[Command, asyncio.Future[Any]]]) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                answers = await self._ask([command for command, _ in batch])
            if any(isinstance(answer, ReadOnlyError) for answer in answers):
                # It is a replica now: the next connection finds its master.
                await self._drop()
        except Exception as error:
            await self._drop()
            answers = [self._unavailable(error) for _ in batch]
        except BaseException:
            # The loop is ending: nobody will use this connection again, but its state is unknown.
            self._connection = None
            raise
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _ask(self, commands: list[Command]) -> list[Any]:
        """An answer or a refusal for each command."""
        if self._connection is None:
            connection = self._connect()
            await connection.connect()  # type: ignore[no-untyped-call]
            self._connection = connection
        connection = self._connection
        asked = [*commands, ("WAIT", *self._waiting)] if self._waiting else commands
        await connection.send_packed_command(connection.pack_commands(asked), check_health=False)
        answers: list[Any] = []
        for _ in asked:
            try:
                answers.append(await connection.read_response())
            except ResponseError as refusal:
                answers.append(refusal)
        if self._waiting and not isinstance(replicas := answers.pop(), Exception) and replicas < self._waiting.replicas:
            late = JournalUnavailable(
                f"{self._name}: {replicas} of {self._waiting.replicas} replicas acknowledged in time"
            )
            return [answer if isinstance(answer, Exception) else late for answer in answers]
        return answers

    def _unavailable(self, error: Exception) -> JournalUnavailable:
        if isinstance(error, TimeoutError):
            return JournalUnavailable(f"{self._name}: no answer within {self._timeout_s:.0f} s")
        return ConnectionLost(f"{self._name}: {error}")


class Service(Protocol):
    """Whatever answers at an address."""

    async def lane(self, key: str, *, appending: bool) -> Lane:
        """The lane to the server that has the key; appends and reads take different ones."""
        ...

    async def look_again(self) -> None:
        """A server said that keys have moved, or was lost: find out anew who has which."""
        ...

    def lane_to(self, host: str, port: int) -> Lane:
        """The lane to a server that another one has named."""
        ...

    async def close(self) -> None: ...


class OneServer:
    """A server, or the one that the sentinels call the master: they are asked whenever a connection is made."""

    def __init__(self, address: RedisAddress, waiting: Waiting | None) -> None:
        pool = _pool_of(address)
        self._appends = Lane(address.name, pool.make_connection, waiting)
        # Of their own, so that a long page doesn't hold up a purchase.
        self._reads = Lane(address.name, pool.make_connection)

    async def lane(self, key: str, *, appending: bool) -> Lane:
        return self._appends if appending else self._reads

    async def look_again(self) -> None:
        """A lane that lost its connection makes a new one by itself."""

    def lane_to(self, host: str, port: int) -> Lane:
        raise JournalUnavailable(f"this server belongs to a cluster (it names {host}:{port}): use redis+cluster://")

    async def close(self) -> None:
        await self._appends.close()
        await self._reads.close()


class Cluster:
    """The nodes of a Redis Cluster, with two lanes to each that is used."""

    def __init__(self, address: RedisAddress, waiting: Waiting | None) -> None:
        self._address = address
        self._waiting = waiting
        self._nodes: RedisCluster | None = None
        self._known = False
        self._looking = asyncio.Lock()
        self._lanes: dict[tuple[str, bool], Lane] = {}

    async def lane(self, key: str, *, appending: bool) -> Lane:
        if not self._known:
            await self._look()
        assert self._nodes is not None
        try:
            node = self._nodes.get_node_from_key(key)
        except RedisClusterException as error:
            self._known = False
            raise JournalUnavailable(f"{self._address.name}: {error}") from error
        assert node is not None, "only replicas may be missing"
        return self._lane(node, appending)

    async def look_again(self) -> None:
        self._known = False

    def lane_to(self, host: str, port: int) -> Lane:
        assert self._nodes is not None
        node = self._nodes.get_node(host, port)
        if node is None:
            self._known = False
            raise JournalUnavailable(f"{self._address.name}: the node {host}:{port} is not known yet")
        return self._lane(node, appending=True)

    async def close(self) -> None:
        for lane in self._lanes.values():
            await lane.close()
        if self._nodes is not None:
            await self._nodes.aclose()

    async def _look(self) -> None:
        async with self._looking:
            if self._known:
                return
            if self._nodes is None:
                self._nodes = RedisCluster.from_url(
                    self._address.url, socket_timeout=ANSWER_TIMEOUT_S, **client_options()
                )
            try:
                await self._nodes.aclose()
                await self._nodes.initialize()
            except (RedisError, OSError) as error:
                raise JournalUnavailable(f"{self._address.name}: {error}") from error
            self._known = True

    def _lane(self, node: Any, appending: bool) -> Lane:
        lane = self._lanes.get((node.name, appending))
        if lane is None:
            # Beyond the node's own pool, and with our own timeout for whole round trips.
            options = {**node.connection_kwargs, **client_options(socket_timeout=None)}

            def connect() -> AbstractConnection:
                connection: AbstractConnection = node.connection_class(**options)
                return connection

            lane = Lane(f"{self._address.name} ({node.name})", connect, self._waiting if appending else None)
            self._lanes[node.name, appending] = lane
        return lane


class Servers:
    """The journal's way to Redis: commands and scripts by key, wherever that key is now."""

    def __init__(self, address: RedisAddress, waiting: Waiting | None = None) -> None:
        self._name = address.name
        self._service: Service = Cluster(address, waiting) if address.kind == "cluster" else OneServer(address, waiting)

    async def ask(self, key: str, command: Command) -> Any:
        """The answer to a command that reads."""
        return await self._carry_out(key, command, appending=False)

    async def record(self, key: str, command: Command) -> Any:
        """The answer to a command that writes, once it is as durable as the server makes it."""
        return await self._carry_out(key, command, appending=True)

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Word], *, appending: bool) -> Any:
        """The result of a script whose keys all are on one server."""
        following = (len(keys), *keys, *arguments)
        try:
            return await self._carry_out(keys[0], ("EVALSHA", script.digest, *following), appending=appending)
        except NoScriptError:
            # The server was started since, or it is another one: nothing was carried out.
            return await self._carry_out(keys[0], ("EVAL", script.text, *following), appending=appending)

    async def close(self) -> None:
        await self._service.close()

    async def _carry_out(self, key: str, command: Command, *, appending: bool) -> Any:
        """Follow the command to the server that takes it. A server that refuses it has not carried it out."""
        refusal: Exception | None = None
        asked_again = appending
        for _ in range(REDIRECTIONS):
            lane = await self._service.lane(key, appending=appending)
            try:
                return await lane.call(command)
            except (MovedError, TryAgainError, ClusterDownError) as error:
                refusal = error
            except AskError as elsewhere:
                # Both in one go: the permission holds for the next command only.
                lane = self._service.lane_to(elsewhere.host, elsewhere.port)
                lane.call(("ASKING",)).add_done_callback(_ignore)
                return await lane.call(command)
            except JournalUnavailable as error:
                await self._service.look_again()
                if asked_again or not isinstance(error, ConnectionLost):
                    raise
                asked_again = True
                continue
            except NoScriptError:
                raise
            except ResponseError as error:
                raise JournalUnavailable(f"{self._name}: {error}") from error
            await self._service.look_again()
            await asyncio.sleep(REDIRECTION_PAUSE_S)
        raise JournalUnavailable(f"{self._name}: {refusal}") from refusal


def _ignore(future: asyncio.Future[Any]) -> None:
    """Whatever it was, the command that follows will meet it too."""
    if not future.cancelled():
        future.exception()


def _pool_of(address: RedisAddress) -> ConnectionPool:
    """Makes connections; none is kept in it."""
    # No timeout for single reads: a lane has one for the whole round trip.
    options = client_options(socket_timeout=None)
    if address.kind == "server":
        return ConnectionPool.from_url(address.url, **options)
    for_sentinels, for_server = sentinel_options(address)
    sentinel = Sentinel(address.sentinels, sentinel_kwargs=for_sentinels)  # type: ignore[no-untyped-call]
    master: Redis = sentinel.master_for(address.service, **{**for_server, **options})
    return master.connection_pool
