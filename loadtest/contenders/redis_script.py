"""FastAPI and Redis: stock, idempotency key and order in one Lua script, the log synced before the answer."""

import json
from pathlib import Path

import redis

from ..errors import DishonestRun
from ..processes import ServerProcess
from ..redis_program import require_redis_server
from ..shop import order_body
from ..wrk import Target
from .contender import PRELOADED_UNITS, SKU, HttpContender
from .uvicorn_server import UvicornServer

START_TIMEOUT_S = 15.0


class RedisScript(HttpContender):
    """The usual answer to a flash sale, with the durability that it usually lacks."""

    name = "redis"
    per_purchase = (
        "one EVALSHA (looks up the idempotency key, checks and lowers the stock, writes the order and the key), "
        "batched over one pipelined connection per worker"
    )
    durability = "append-only file, appendfsync always"

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.variant = f"{workers} worker" + ("s" if workers > 1 else "")
        self._workers = workers
        self._socket: Path | None = None
        self._database: ServerProcess | None = None
        self._web: UvicornServer | None = None

    def start(self, workspace: Path) -> None:
        data = workspace / "redis"
        data.mkdir()
        socket = self._socket = data / "redis.sock"
        self._database = ServerProcess("Redis", server_command(data, socket), workspace / "redis.log")
        self._database.wait_until(lambda: accepts_connections(socket), START_TIMEOUT_S)
        with redis.Redis(unix_socket_path=str(socket)) as client:
            client.set(f"stock:{SKU}", PRELOADED_UNITS)
        self._web = UvicornServer(
            "loadtest.contenders.redis_app:create_app",
            self._workers,
            workspace / "uvicorn.log",
            BENCH_REDIS_SOCKET=str(socket),
        )
        self._web.wait_until_ready()

    def target(self) -> Target:
        assert self._web, "started before it is used"
        return Target(f"{self._web.url}/v1/orders", "POST", json.dumps(order_body([SKU])), counted_status=201)

    def sold(self) -> int:
        """Units gone from the counter, which must be the number of orders (each request buys one)."""
        with redis.Redis(unix_socket_path=str(self._socket), decode_responses=True) as client:
            # One command, one moment: purchases that the driver hung up on may still be running.
            left, orders = (int(value) for value in client.mget(f"stock:{SKU}", "orders:count"))
        gone = PRELOADED_UNITS - left
        if gone != orders:
            raise DishonestRun(self.label, f"{orders} orders and {gone} units gone from stock")
        return gone

    def stop(self) -> None:
        if self._web:
            self._web.stop()
        if self._database:
            self._database.stop()


def server_command(data: Path, socket: Path) -> list[str]:
    """Everything on disk before it is acknowledged; no snapshots; a socket instead of a port."""
    return [
        *(require_redis_server(), "--port", "0", "--unixsocket", str(socket), "--dir", str(data), "--save", ""),
        *("--appendonly", "yes", "--appendfsync", "always", "--no-appendfsync-on-rewrite", "no"),
    ]


def accepts_connections(socket: Path) -> bool:
    try:
        with redis.Redis(unix_socket_path=str(socket)) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False
