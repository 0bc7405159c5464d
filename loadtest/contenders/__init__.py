"""The contenders of the side-by-side benchmark, in the order in which a round visits them.

A contender is whatever subclass of `Contender` the line-up names; one that isn't driven over HTTP overrides `measure`.
"""

from collections.abc import Iterator

from .actor_per_product import ActorPerProduct
from .contender import Contender
from .doorbuster import Doorbuster, DoorbusterSoldOut, EmptyEndpoint, EmptyFront
from .doorbuster_redis import DoorbusterRedis
from .engine_only import EngineOnly, EngineOnlyRedis
from .postgres import PostgresHotRow
from .redis_script import RedisScript

__all__ = ["Contender", "line_up"]

WORKER_COUNTS = (1, 2)
"""Both are measured: more processes can win by using a second core or lose by making batches smaller."""


def line_up(empty_path: str, hosts: int, replicas: int) -> Iterator[Contender]:
    """Every contender, new and not started; contenders of one name are variants, of which the best one counts."""
    yield EmptyEndpoint(empty_path)
    yield EmptyFront()
    yield Doorbuster()
    yield DoorbusterSoldOut()
    yield Doorbuster(name="doorbuster-actors", options=("--hosts", str(hosts), "--replicas", str(replicas)))
    yield DoorbusterRedis()
    for workers in WORKER_COUNTS:
        yield PostgresHotRow(workers)
    for workers in WORKER_COUNTS:
        yield RedisScript(workers)
    yield ActorPerProduct()
    yield EngineOnly()
    yield EngineOnlyRedis()
