"""Several machines, made of namespaces, started by the commands of cluster.yaml; one of them dies."""

import subprocess
import sys

import pytest

from loadtest import machines
from loadtest.processes import clean_environment
from loadtest.redis_program import find_redis_server

from ..redis_server import NO_SERVER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture(scope="module", autouse=True)
def network() -> None:
    if find_redis_server() is None:
        pytest.skip(NO_SERVER)
    if reason := machines.reason_against():
        pytest.skip(reason)


def test_selling_goes_on_when_a_node_dies_and_every_unit_is_accounted_for() -> None:
    command = [sys.executable, "-m", "loadtest.cluster", "--window", "4", "--rate", "20"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment(), timeout=400)
    print(said.stdout)
    assert said.returncode == 0, f"{said.stdout}\n{said.stderr}"
    assert "worker-1 is killed" in said.stdout
    assert "FAIL" not in said.stdout
