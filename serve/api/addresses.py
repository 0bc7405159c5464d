"""The network that a request came from, for limits that count customers by it."""

from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

from ..shop import Shop
from .limiting import client_of


def network_of(shop: Shop, request: Request) -> str:
    """The address, or of IPv6 the network that one customer gets; nothing where only this machine's own is known."""
    try:
        address = ip_address(client_of(request, shop.settings.trusted_proxies))
    except ValueError:
        return ""
    if address.is_loopback:
        return ""
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
