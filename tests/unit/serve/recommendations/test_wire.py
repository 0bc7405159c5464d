"""Both ends of the socket to models, in one process."""

import asyncio
from collections.abc import Sequence

import pytest

from serve.recommendations.port import Answered, ModelBroken, ModelMissing, Query, Suggestion
from serve.recommendations.wire import connect, listen

LOOPBACK = "127.0.0.1"


class Echo:
    """Answers each query with its own SKU; `slow` ones by and by, `missing` and `broken` ones not at all."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()

    def answer_at_once(self, market: str, queries: Sequence[Query]) -> Answered | None:
        if market == "broken":
            raise ModelBroken("it is broken")
        return None if market in ("slow", "missing") else self._echoed(queries)

    async def answer(self, market: str, queries: Sequence[Query]) -> Answered:
        if market == "missing":
            raise ModelMissing("it is missing")
        await self.may_answer.wait()
        return self._echoed(queries)

    def _echoed(self, queries: Sequence[Query]) -> Answered:
        return Answered("echo", "1", tuple((Suggestion(query.sku),) for query in queries))


async def pair() -> tuple[Echo, asyncio.Server, int]:
    host = Echo()
    server = await listen(host, "secret", LOOPBACK)
    return host, server, server.sockets[0].getsockname()[1]


def test_questions_are_answered_each_by_its_number_and_told_why_if_not() -> None:
    async def test() -> None:
        host, server, port = await pair()
        asking = await connect(LOOPBACK, port, "secret")
        slow = asking.ask("slow", [Query(1, sku="RETRO-CLOCK")])
        quick = asking.ask("", [Query(1, sku="BRASS-LAMP" * 5_000), Query(1, sku="OAK-TABLE")])
        assert [each[0].sku[-9:] for each in (await quick).lists] == ["RASS-LAMP", "OAK-TABLE"]
        with pytest.raises(ModelMissing, match="it is missing"):
            await asking.ask("missing", [Query(1)])
        with pytest.raises(ModelBroken, match="it is broken"):
            await asking.ask("broken", [Query(1)])
        host.may_answer.set()
        assert (await slow).lists[0][0].sku == "RETRO-CLOCK"
        server.close()

    asyncio.run(test())


def test_who_does_not_know_the_token_hears_nothing() -> None:
    async def test() -> None:
        _, server, port = await pair()
        asking = await connect(LOOPBACK, port, "guessed")
        with pytest.raises(ModelBroken, match="ended"):
            await asking.ask("", [Query(1)])
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(b"\xff\xff\xff\xff" + b"x" * 100)
        assert await reader.read() == b""
        server.close()

    asyncio.run(test())


def test_whatever_was_asked_when_the_process_ends_is_broken_and_the_next_is_told_at_once() -> None:
    async def test() -> None:
        _, server, port = await pair()
        asking = await connect(LOOPBACK, port, "secret")
        lost = asyncio.Event()
        asking.when_lost = lost.set
        slow = asking.ask("slow", [Query(1)])
        await asking.ask("", [Query(1)])
        assert asking.transport is not None
        asking.transport.abort()
        with pytest.raises(ModelBroken):
            await slow
        await lost.wait()
        with pytest.raises(ModelMissing):
            await asking.ask("", [Query(1)])
        server.close()

    asyncio.run(test())


def test_a_connection_that_is_replaced_ends_when_all_is_answered() -> None:
    async def test() -> None:
        host, server, port = await pair()
        asking = await connect(LOOPBACK, port, "secret")
        slow = asking.ask("slow", [Query(1, sku="OAK-TABLE")])
        asking.end_when_idle()
        host.may_answer.set()
        assert (await slow).lists[0][0].sku == "OAK-TABLE"
        while not asking.closed:
            await asyncio.sleep(0.001)
        server.close()

    asyncio.run(test())
