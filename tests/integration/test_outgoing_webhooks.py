"""Webhooks against a real HTTP server: signed, tried again, none delayed by a slow one, read on by a second process."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from actors.client import Client
from actors.host import Host
from actors.journals.memory import MemoryJournal
from engine.kernel import Rejected
from engine.kinds import KINDS
from engine.webhook import DELIVERY, ENDPOINT, Deliver, DeliveryView, LookDelivery, PutEndpoint
from engine.webhook.signing import secret_of
from serve.feed.keeper import Keeper
from serve.feed.pace import Pace
from serve.feed.poster import AT_ONCE_TO_ONE, WebhookPoster
from serve.feed.reader import Reader

SECRET = secret_of(bytes(32))
SHARDS = 2


class Heard:
    """What the server was sent; `/slow` takes its time, `/once-down` refuses the first post, `/away` redirects."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, Any, str]] = []
        self.refused = 0
        self.release = threading.Event()


@contextmanager
def serving() -> Iterator[tuple[str, Heard]]:
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            if self.path == "/slow":
                heard.release.wait(10)
            status = 200
            if self.path == "/once-down" and not heard.refused:
                heard.refused, status = 1, 503
            if self.path == "/away":
                status = 302
            heard.posts.append((self.path, self.headers, body))
            self.send_response(status)
            self.send_header("location", "http://127.0.0.1:1/")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", heard
        finally:
            heard.release.set()
            server.shutdown()


@asynccontextmanager
async def shop(*, private: bool = True, timeout_s: float = 2.0) -> AsyncIterator[tuple[Client, MemoryJournal]]:
    journal, client = MemoryJournal(shards=SHARDS), Client(SHARDS)
    poster = WebhookPoster(private=private, timeout_s=timeout_s)
    host = Host(
        KINDS, journal, SHARDS, lambda: time.time_ns() // 1_000_000, gateways={"webhooks": poster}, send=client.send
    )
    client.attach(host)
    await host.own(range(SHARDS))
    try:
        yield client, journal
    finally:
        await host.close()
        await poster.close()


async def endpoint(client: Client, key: str, url: str) -> None:
    assert not isinstance(await client.send(ENDPOINT.name, key, PutEndpoint(url, secret=SECRET)), Rejected)


async def look(client: Client, message_id: str) -> DeliveryView:
    view = await client.send(DELIVERY.name, message_id, LookDelivery())
    assert isinstance(view, DeliveryView)
    return view


async def until(condition: Callable[[], Any], timeout_s: float = 8.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


def test_a_post_is_verified_by_the_specifications_own_library() -> None:
    async def run(url: str, heard: Heard) -> None:
        async with shop() as (client, _):
            await endpoint(client, "erp", f"{url}/hooks")
            await client.send(DELIVERY.name, "msg_1", Deliver("erp", "order.confirmed", '{"type":"order.confirmed"}'))
            await until(lambda: heard.posts)
            path, headers, body = heard.posts[0]
            assert path == "/hooks"
            assert Webhook(SECRET).verify(body, dict(headers.items())) == json.loads(body)
            while (await look(client, "msg_1")).status == "pending":
                await asyncio.sleep(0.02)
            assert (await look(client, "msg_1")).status == "delivered"

    with serving() as (url, heard):
        asyncio.run(run(url, heard))


@pytest.mark.slow
def test_a_server_that_was_down_gets_it_five_seconds_later_with_the_same_id() -> None:
    async def run(url: str, heard: Heard) -> None:
        async with shop() as (client, _):
            await endpoint(client, "erp", f"{url}/once-down")
            await client.send(DELIVERY.name, "msg_1", Deliver("erp", "order.confirmed", "{}"))
            await until(lambda: len(heard.posts) == 2, 10.0)
            assert {headers["webhook-id"] for _, headers, _ in heard.posts} == {"msg_1"}
            await asyncio.sleep(0.2)
            assert [each.status for each in (await look(client, "msg_1")).attempts] == [503, 200]

    with serving() as (url, heard):
        asyncio.run(run(url, heard))


def test_a_slow_endpoint_delays_no_other() -> None:
    async def run(url: str, heard: Heard) -> None:
        async with shop(timeout_s=5.0) as (client, _):
            await endpoint(client, "slow", f"{url}/slow")
            await endpoint(client, "fast", f"{url}/fast")
            for number in range(20):
                await client.send(DELIVERY.name, f"msg_s{number}", Deliver("slow", "order.confirmed", "{}"))
            began = time.monotonic()
            for number in range(20):
                await client.send(DELIVERY.name, f"msg_f{number}", Deliver("fast", "order.confirmed", "{}"))
            # More than a few at once are never under way to one endpoint: the others wait, and are no tries.
            await until(lambda: len(heard.posts) >= AT_ONCE_TO_ONE)
            assert all(path == "/fast" for path, _, _ in heard.posts)
            assert time.monotonic() - began < 2.0

    with serving() as (url, heard):
        asyncio.run(run(url, heard))


@pytest.mark.parametrize(
    ("path", "private", "status", "words"),
    [
        ("/slow", True, 0, "no answer within"),
        ("/away", True, 302, ""),
        ("/hooks", False, 0, "must begin with https"),
    ],
    ids=["silence", "a redirect", "a private address"],
)
def test_a_failure_is_an_answer(path: str, private: bool, status: int, words: str) -> None:
    async def run(url: str, heard: Heard) -> None:
        async with shop(private=private, timeout_s=0.3) as (client, _):
            await endpoint(client, "erp", url + path)
            await client.send(DELIVERY.name, "msg_1", Deliver("erp", "order.confirmed", "{}"))
            while not (found := await look(client, "msg_1")).attempts:
                await asyncio.sleep(0.02)
            assert (found.attempts[0].status, words in found.attempts[0].error) == (status, True)
            assert found.next_at > 0
            heard.release.set()

    with serving() as (url, heard):
        asyncio.run(run(url, heard))


class Counting:
    """A consumer that remembers what it was shown."""

    name = "counting"

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    async def take(self, _shard: int, entries: Any) -> None:
        self.seen += [(entry.key, entry.version) for entry in entries if entry.kind == ENDPOINT.name]


def test_one_process_reads_and_another_goes_on_when_it_dies() -> None:
    async def run() -> None:
        async with shop() as (client, journal):
            first, second = Counting(), Counting()
            keepers = [
                Keeper(
                    client,
                    name,
                    lambda consumer=consumer: [Reader(journal, consumer, Pace(1.0))],  # type: ignore[misc]
                    lease_ms=400,
                    renew_every_s=0.1,
                )
                for name, consumer in (("first", first), ("second", second))
            ]
            tasks = [asyncio.create_task(keepers[0].run())]
            await until(lambda: keepers[0].reads)
            tasks.append(asyncio.create_task(keepers[1].run()))
            await asyncio.sleep(0.6)
            await endpoint(client, "before", "https://example.org/1")
            await until(lambda: first.seen)
            assert not keepers[1].reads
            tasks[0].cancel()
            await endpoint(client, "after", "https://example.org/2")
            await until(lambda: ("after", 1) in second.seen)
            assert ("before", 1) not in second.seen, "what was read and written down is not read again"
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
