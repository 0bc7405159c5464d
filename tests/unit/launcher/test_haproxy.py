"""What is mended in the configuration that Serve renders for HAProxy."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from serve.launcher.haproxy import (
    BINARY_PATH,
    CLOSED,
    CONNECTIONS,
    UNAVAILABLE_PAGE,
    Addresses,
    connections_here,
    mend,
    with_stand_ins,
    write_wrapper,
)

RENDERED = """global
    log stderr local0 info
    maxconn 4096
    stats socket /run/admin.sock mode 666 level admin expose-fd listeners
defaults
    mode http
    timeout connect 5s
    log global
    option httplog
    errorfile 502 /run/500.http
    errorfile 503 /run/500.http
    balance leastconn
frontend prometheus
    bind :9101
frontend http_frontend
    bind *:8000
    default_backend default_backend
backend http-doorbuster
    server here 127.0.0.1:30000 check
    server there 10.0.0.3:30000 check
backend default_backend
    http-request return status 404 content-type text/plain lf-string "Path '%[path]' not found."
listen stats
  bind *:8404
  stats enable
"""


def mended(door: str = "127.0.0.1", node: str = "127.0.0.1") -> str:
    return mend(RENDERED, Addresses(door, node), Path("/run/503.http"))


def test_statistics_and_metrics_stay_on_loopback() -> None:
    assert "    bind 127.0.0.1:9101\n" in mended()
    assert "  bind 127.0.0.1:8404\n" in mended()
    assert "bind *" not in mended()
    assert "bind :" not in mended()


def test_a_shop_for_the_world_keeps_its_statistics_to_itself() -> None:
    assert "  bind 127.0.0.1:8404\n" in mended("0.0.0.0")


def test_requests_are_not_logged_one_by_one() -> None:
    assert "option httplog" not in mended()
    assert "log stderr local0 notice" in mended()


def test_when_no_replica_can_answer_clients_are_told_to_try_again() -> None:
    assert "errorfile 502 /run/503.http" in mended()
    assert "errorfile 503 /run/503.http" in mended()
    assert "    http-request deny deny_status 503\n" in mended()
    assert UNAVAILABLE_PAGE.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in UNAVAILABLE_PAGE


def test_slow_headers_are_not_waited_for() -> None:
    assert "defaults\n    timeout http-request 10s\n    timeout http-keep-alive 75s\n" in mended()


def test_a_replica_whose_machine_lost_its_power_is_given_up() -> None:
    assert "    server there 10.0.0.3:30000 check tcp-ut 2s\n" in mended()


def test_only_what_is_safe_to_repeat_is_sent_to_a_second_replica() -> None:
    rule = "    http-request disable-l7-retry unless METH_GET or { req.hdr(idempotency-key) -m found }\n"
    assert f"frontend http_frontend\n{rule}" in mended()


def test_replicas_hear_where_requests_came_from_where_they_count_them() -> None:
    assert "    http-request add-header x-forwarded-for %[src] unless { path /v1/orders }\n" in mended()


def test_a_dead_replica_is_not_waited_for() -> None:
    assert "    timeout connect 250ms\n" in mended()


def test_mending_twice_is_mending_once() -> None:
    for node in ("127.0.0.1", "10.0.0.2"):
        once = mended(node, node)
        assert mend(once, Addresses(node, node), Path("/run/503.http")) == once


def test_customers_are_let_in_where_the_shop_was_told_to_listen() -> None:
    assert "    bind 127.0.0.1:8000\n" in mended()
    assert "    bind 0.0.0.0:8000\n" in mended("0.0.0.0")
    assert "    bind 192.168.1.5:8000\n" in mended("192.168.1.5")


def test_a_node_of_a_cluster_listens_on_its_own_address_only() -> None:
    node = mended("10.0.0.2", "10.0.0.2")
    assert "    bind 10.0.0.2:8000\n" in node
    assert "  bind 10.0.0.2:8404\n" in node
    assert "    server here 10.0.0.2:30000 check" in node
    assert "    server there 10.0.0.3:30000 check" in node
    assert "127.0.0.1" not in node


def test_a_node_open_to_the_world_keeps_its_statistics_in_the_cluster() -> None:
    node = mended("0.0.0.0", "10.0.0.2")
    assert "    bind 0.0.0.0:8000\n" in node
    assert "  bind 10.0.0.2:8404\n" in node


@pytest.fixture
def wrapper(tmp_path: Path) -> Path:
    return write_wrapper(tmp_path)


def test_the_wrapper_becomes_haproxy(wrapper: Path) -> None:
    # Serve's processes have the variable that names the wrapper: it must not run itself for ever.
    environment = os.environ | {BINARY_PATH: str(wrapper)}
    said = subprocess.run([wrapper, "-v"], capture_output=True, text=True, check=True, env=environment, timeout=10)
    assert "HAProxy version" in said.stdout


def test_haproxy_accepts_the_mended_configuration(wrapper: Path, tmp_path: Path) -> None:
    file = tmp_path / "haproxy.cfg"
    rendered = RENDERED.replace("/run/admin.sock", str(tmp_path / "admin.sock"))
    rendered = rendered.replace("    mode http\n", "    mode http\n    timeout client 1s\n    timeout server 1s\n", 1)
    file.write_text(rendered.replace("balance leastconn", "timeout connect 1s\n    balance leastconn"))
    said = subprocess.run([wrapper, "-c", "-f", file], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "127.0.0.1:8404" in file.read_text()


def test_a_closing_shop_starts_no_new_haproxy(wrapper: Path) -> None:
    (wrapper.parent / CLOSED).touch()
    said = subprocess.run([wrapper, "-v"], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "closing" in said.stderr


def test_the_wrapper_runs_this_interpreter(wrapper: Path) -> None:
    assert sys.executable in wrapper.read_text()


def test_streams_leave_room_for_buyers_where_the_system_allows_enough_files() -> None:
    assert f"maxconn {connections_here()}\n" in mended()


@pytest.mark.parametrize(("files", "connections"), [(-1, CONNECTIONS), (1 << 20, CONNECTIONS), (20_000, 7_897), (9, 1)])
def test_haproxy_takes_as_many_connections_as_it_may_open_files_for(
    files: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (files, files))
    assert connections_here() == connections


TWO_APPLICATIONS = """frontend http_frontend
    bind *:8000
    acl is_http-models path_beg /v1/recommendations/
    acl is_http-models path /v1/recommendations
    acl is_http-doorbuster path_beg /
    acl is_http-doorbuster path /
    use_backend http-models if is_http-models
    use_backend http-doorbuster if is_http-doorbuster
backend http-models
    default-server inter 5s check

    server recommender 127.0.0.1:30001 check observe layer4 error-limit 3 on-error mark-down

    server fallback 127.0.0.1:14617 check backup
backend http-doorbuster
    default-server inter 5s check
    server one 127.0.0.1:30000 check observe layer4 error-limit 3 on-error mark-down
    server two 127.0.0.1:30002 check observe layer4 error-limit 3 on-error mark-down
    server fallback 127.0.0.1:14617 check backup
"""


def test_those_that_sell_stand_in_for_those_that_recommend_before_any_other() -> None:
    recommending, _, selling = with_stand_ins(TWO_APPLICATIONS).partition("backend http-doorbuster\n")
    servers = [line.split() for line in recommending.splitlines() if line.lstrip().startswith("server ")]
    assert [server[1] for server in servers] == ["recommender", "stand-in-one", "stand-in-two", "fallback"]
    assert [server[-1] for server in servers[1:]] == ["backup"] * 3
    assert servers[1][2:] == ["127.0.0.1:30000", "no-check", "track", "http-doorbuster/one", "backup"]
    # The first connection that fails is enough.
    assert "error-limit 1 " in " ".join(servers[0])
    assert selling == TWO_APPLICATIONS.partition("backend http-doorbuster\n")[2]


def test_stand_ins_are_those_of_the_newest_configuration() -> None:
    once = with_stand_ins(TWO_APPLICATIONS)
    assert with_stand_ins(once) == once
    assert "stand-in-two" not in with_stand_ins("".join(once.partition("    server two")[0]))
    assert with_stand_ins(RENDERED) == RENDERED
