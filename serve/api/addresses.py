"""The network address that a request came from, as the shop's own proxy tells it."""

from ipaddress import IPv6Address, ip_address

from starlette.requests import Request


def address_of(request: Request) -> str:
    """The address, or nothing where only the proxy's own is known; of IPv6 the network that one customer gets.

    Only the last entry of `X-Forwarded-For` counts: the proxy in front of the shop wrote it, the others may be made up.
    """
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    peer = request.client.host if request.client else ""
    try:
        address = ip_address(told or peer)
    except ValueError:
        return ""
    if address.is_loopback:
        return ""
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
