"""A real local Ray for this ring: one per module, on loopback only."""

import os
from collections.abc import Iterator

import pytest

from serve.launcher.cluster import leave_out_what_nobody_uses
from serve.launcher.environment import LOOPBACK_ONLY, SERVING


@pytest.fixture(scope="module")
def local_ray() -> Iterator[None]:
    """Ray started here with the environment of production, and stopped with everything in it."""
    os.environ.update(SERVING | LOOPBACK_ONLY)
    import ray

    leave_out_what_nobody_uses()
    ray.init(address="local", include_dashboard=False, num_cpus=8, log_to_driver=False, object_store_memory=100_000_000)
    yield
    ray.shutdown()
