"""A Ray of one's own for training, where this process has joined none: on this machine only, with a token.

Ray reads its environment when it is imported, so it is imported inside the functions.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from ..workplace import workplace

ENVIRONMENT = {
    # "No cluster of several machines": the node's address becomes 127.0.0.1, and Ray's ports bind there only.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Ray carries out any code that it is sent, so only who knows the token may send some.
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Tune's own tables on the terminal: ours says the same in a line.
    "RAY_AIR_NEW_OUTPUT": "0",
}
TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105
TOKEN_FILE = "RAY_AUTH_TOKEN_PATH"  # noqa: S105
OBJECT_STORE_SHARE = 0.25
"""Of the memory: the data, once, and what tasks hand back."""
LEAST_OBJECT_STORE = 100 << 20
MOST_OBJECT_STORE = 16 << 30


@contextmanager
def some_ray(cpus: int | None = None) -> Iterator[None]:
    """Inside the block Ray's tasks can be called: on the Ray that this process has joined, else on one that is started
    here, with so many CPUs (by default this machine's), and ended with the block or with this process, however that
    ends."""
    import sys

    known = sys.modules.get("ray")
    if known is not None and known.is_initialized():
        yield
        return
    os.environ |= ENVIRONMENT
    if TOKEN_FILE not in os.environ:
        os.environ.setdefault(TOKEN, secrets.token_hex(32))
    import logging

    import ray

    with workplace() as files:
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                num_cpus=cpus,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=_object_store_bytes(),
                _temp_dir=str(files),
            )
            yield
        finally:
            ray.shutdown()


def _object_store_bytes() -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    room = shutil.disk_usage("/dev/shm").free // 2 if os.path.isdir("/dev/shm") else memory  # noqa: S108
    return max(LEAST_OBJECT_STORE, min(int(memory * OBJECT_STORE_SHARE), room, MOST_OBJECT_STORE))
