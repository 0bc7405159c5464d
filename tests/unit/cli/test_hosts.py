"""`doorbuster hosts` where it can't do what is asked: one sentence each, before anything was tried."""

import json
import socket
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from serve.cli.hosts import command


def told(*arguments: str) -> str:
    """What the command says, which must be a refusal."""
    result = CliRunner().invoke(command, list(arguments))
    assert result.exit_code != 0
    return result.output


def test_without_a_running_shop_it_says_where_it_looked(tmp_path: Path) -> None:
    assert f"no shop runs with the data in {tmp_path}" in told("list", "--data", str(tmp_path))


def test_without_the_secret_nobody_is_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        address = f"127.0.0.1:{somebody.getsockname()[1]}"
        (tmp_path / "run.json").write_text(json.dumps({"id": "x", "cluster": address}))
        assert "ray.token is missing" in told("list", "--data", str(tmp_path))


def test_a_shop_that_is_gone_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "ray.token").write_text("00")
    began = time.monotonic()
    assert "nobody answers at 127.0.0.1:1" in told("list", "--data", str(tmp_path), "--address", "127.0.0.1:1")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Name hosts, or a node with --node."),
        (("host-1", "--node", "10.0.0.7"), "Name hosts, or a node with --node."),
        (("host-1", "--leaving"), "Only a node leaves: name it with --node."),
    ],
)
def test_what_to_drain_must_be_said_once(arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in told("drain", *arguments)
