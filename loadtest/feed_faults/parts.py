"""What hears of the shop, as processes that can be killed and started again: two brokers, and a service."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from ..errors import LoadTestError
from ..processes import PROJECT, ServerProcess, clean_environment, free_port
from ..redis_program import require_redis_server
from .compared import Event, event_of

STREAM = "doorbuster.events"
GROUP = "books"
TOPIC = "doorbuster.events"
START_TIMEOUT_S = 30.0
READ_TIMEOUT_S = 60.0
IDLE_TIMEOUT_S = 90.0
EXAMPLE = PROJECT / "examples" / "consume_events.py"


class RedisBroker:
    """A Redis that syncs every write, with one stream; its files survive it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._server: ServerProcess | None = None
        self.url = f"redis://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Come up with whatever is in the files."""
        self._directory.mkdir(exist_ok=True)
        place = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._directory), "--save", ""]
        command = [require_redis_server(), *place, "--appendonly", "yes", "--appendfsync", "always"]
        self._server = ServerProcess("Redis", command, self._directory / "redis.log")
        self._server.wait_until(self._answers, START_TIMEOUT_S)

    def kill(self) -> None:
        """kill -9."""
        if self._server is not None:
            self._server.kill()

    def client(self) -> Any:
        return redis.Redis(port=self._port, socket_timeout=READ_TIMEOUT_S)

    def events(self) -> list[Event]:
        """Everything in the stream, in its order, what came twice included."""
        with self.client() as client:
            return [event_of(json.loads(fields[b"event"])) for _, fields in client.xrange(STREAM)]

    def unread_ms(self) -> int:
        """How old, by the broker's clock, the oldest entry is that no member of the group has acknowledged."""
        with self.client() as client:
            group = next((each for each in client.xinfo_groups(STREAM) if each["name"] == GROUP.encode()), None)
            newest = client.xinfo_stream(STREAM)["last-generated-id"]
            if group is None:
                return _ms(newest)
            pending = client.xpending(STREAM, GROUP)["min"]
            waiting = client.xrange(STREAM, min=b"(" + group["last-delivered-id"], count=1)
            oldest = [_ms(each) for each in (pending, *(entry for entry, _ in waiting)) if each is not None]
            seconds, micros = client.time()
            return max(0, seconds * 1_000 + micros // 1_000 - min(oldest)) if oldest else 0

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _ms(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


class KafkaBroker:
    """Three brokers in one process that keeps everything in memory: it is stopped and goes on, and isn't killed."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "kafka.log"
        self._server: ServerProcess | None = None
        self.servers = ""

    def start(self) -> None:
        command = [sys.executable, "-m", "loadtest.feed_faults.mock_kafka"]
        self._server = ServerProcess("Kafka", command, self._log, environment=clean_environment())
        self._server.wait_until(lambda: b"\n" in self._log.read_bytes(), START_TIMEOUT_S)
        self.servers = self._log.read_text().strip()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """It holds its connections and answers nobody."""
        assert self._server is not None
        os.kill(self._server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._server.pid, signal.SIGCONT)

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()

    def events(self) -> list[Event]:
        """Everything in the topic, each partition in its order, what came twice included."""
        from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": GROUP, "log_level": 0})
        try:
            partitions = [
                TopicPartition(TOPIC, number) for number in consumer.list_topics(TOPIC).topics[TOPIC].partitions
            ]
            wanted = sum(consumer.get_watermark_offsets(each, timeout=READ_TIMEOUT_S)[1] for each in partitions)
            # Not by a group, whose members take seconds to agree.
            consumer.assign([TopicPartition(TOPIC, each.partition, OFFSET_BEGINNING) for each in partitions])
            found: list[Event] = []
            deadline = time.monotonic() + READ_TIMEOUT_S
            while len(found) < wanted:
                if time.monotonic() > deadline:
                    raise LoadTestError(f"Kafka has {wanted} records, and gave {len(found)} of them")
                records = consumer.consume(500, timeout=0.2)
                found += [event_of(json.loads(each.value() or b"")) for each in records if each.error() is None]
            return found
        finally:
            consumer.close()


class Service:
    """The service of the page on events, with its books beside it."""

    def __init__(self, directory: Path, broker_url: str) -> None:
        self._directory = directory
        self._command = [sys.executable, str(EXAMPLE), broker_url, "--stream", STREAM, "--group", GROUP]
        self._command += ["--database", str(directory / "books.sqlite")]
        self._process: ServerProcess | None = None

    def start(self) -> None:
        log = self._directory / "service.log"
        self._process = ServerProcess("the service", self._command, log, environment=clean_environment())

    def runs(self) -> bool:
        """One whose broker goes away ends; whoever runs it starts it again."""
        return self._process is not None and self._process.alive()

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()

    def books(self) -> dict[str, int]:
        """Units by SKU, once it has taken everything that the stream has."""
        log = self._directory / "books.log"
        log.unlink(missing_ok=True)
        last = ServerProcess("the service", [*self._command, "--until-idle"], log, environment=clean_environment())
        lines = [line.split() for line in last.wait(IDLE_TIMEOUT_S).splitlines()]
        return {line[0]: int(line[1]) for line in lines}
