"""Where webhooks may go: public addresses only, unless a setting allows others.

Otherwise whoever configures an endpoint could have the shop ask things of its own network (SSRF).

TargetError     terminal for a post: this URL is not a place to send to
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit


class TargetError(Exception):
    """Nothing is sent there; the message says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class Target(NamedTuple):
    """Where to connect to: an address that was looked at, so that a name can't be pointed elsewhere in between."""

    url: str
    host: str
    host_header: str


def checked_url(url: str, *, private: bool) -> SplitResult:
    """The URL in parts; raises `TargetError` for one that can't be an endpoint."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetError("it is no URL") from error
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise TargetError("it must begin with https://")
    if not parts.hostname or parts.username is not None or parts.password is not None or port == 0:
        raise TargetError("it must name a host, without a user")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise TargetError("it must have no spaces")
    try:
        address = ip_address(parts.hostname)
    except ValueError:
        if not private and ("." not in parts.hostname or parts.hostname.endswith((".local", ".internal"))):
            raise TargetError("its host is not on the public internet") from None
    else:
        if not private:
            _refuse_private(address)
    return parts


async def target_of(url: str, *, private: bool) -> Target:
    """The URL with its host's address in place of its name; raises `TargetError`."""
    parts = checked_url(url, private=private)
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TargetError(f"its host can't be found: {error}") from error
    addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    if not private:
        for address in addresses:
            _refuse_private(address)
    first = addresses[0]
    netloc = f"[{first}]:{port}" if first.version == 6 else f"{first}:{port}"
    return Target(parts._replace(netloc=netloc, fragment="").geturl(), parts.hostname, parts.netloc)


def _refuse_private(address: IPv4Address | IPv6Address) -> None:
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_global or address.is_multicast:
        raise TargetError("its host is not on the public internet")
