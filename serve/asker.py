"""Whose request it is, as far as a lean way reads headers: what is unusual is left to the application."""

from collections.abc import Iterable
from typing import NamedTuple

from .access.principal import ANONYMOUS, Principal
from .api.auth import token_of
from .shop import Shop


class Asker(NamedTuple):
    """Who asks, and whether they object to being known."""

    principal: Principal = ANONYMOUS
    unlinked: bool = False


def asker_of(shop: Shop, headers: Iterable[tuple[bytes, bytes]]) -> Asker | None:
    """Who asks; None if the application has to find out."""
    principal, unlinked = ANONYMOUS, False
    for name, value in headers:
        if name == b"authorization":
            known = shop.access.known(token_of(value.decode("latin-1")) or "")
            if known is None:
                return None
            principal = known
        elif name in (b"dnt", b"sec-gpc"):
            unlinked = unlinked or value == b"1"
        elif name == b"origin" and shop.settings.cors_origins:
            # What a page of another site may read is the application's to say.
            return None
    return Asker(principal, unlinked)
