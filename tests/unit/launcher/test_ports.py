"""Ports are chosen so that shops don't meet, and kept until they are used."""

import socket

import pytest

from serve.launcher.errors import PortTaken
from serve.launcher.ports import FIRST_PORT, LAST_PORT, HeldPorts, choose_side_ports

LOOPBACK = "127.0.0.1"


@pytest.fixture
def port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_port_that_something_listens_on_is_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port} .*--port"):
            HeldPorts([(LOOPBACK, port)])


def test_whoever_asks_for_a_held_port_by_its_number_can_listen_there(port: int) -> None:
    held = HeldPorts([(LOOPBACK, port)])
    with socket.create_server((LOOPBACK, port)) as listener:
        held.release()
        with socket.create_connection(listener.getsockname()):
            pass


def test_a_held_port_is_given_to_nobody_by_chance(port: int) -> None:
    # Asked for "any port" without the permission to share, as a program does that would take it for good.
    held = HeldPorts([(LOOPBACK, port)])
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((LOOPBACK, port))
    held.release()
    with socket.socket() as other:
        other.bind((LOOPBACK, port))


def test_ports_held_before_one_that_is_taken_are_let_go(port: int) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener, pytest.raises(PortTaken):
        HeldPorts([(LOOPBACK, port), (LOOPBACK, listener.getsockname()[1])])
    with socket.socket() as other:
        other.bind((LOOPBACK, port))


def test_two_shops_that_start_at_once_choose_different_side_ports() -> None:
    first, second = choose_side_ports(8_000), choose_side_ports(8_001)
    assert not set(first) & set(second)


def test_side_ports_that_are_taken_are_passed_over() -> None:
    wanted = choose_side_ports(8_100)
    with socket.create_server((LOOPBACK, wanted.metrics)):
        chosen = choose_side_ports(8_100)
    assert wanted.metrics not in chosen
    assert all(FIRST_PORT <= port < LAST_PORT for port in chosen)


def test_side_ports_are_never_the_shops_own() -> None:
    for port in range(FIRST_PORT, FIRST_PORT + 100):
        assert port not in choose_side_ports(port)
