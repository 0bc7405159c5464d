"""Figures that the parts of a serving process keep anyway: read when somebody asks, and free until then."""

from actors.host import Host

from ..shop import Shop


def tell_of_shop(shop: Shop) -> None:
    """Have `/metrics` tell what the HTTP face knows of itself."""
    metrics = shop.metrics
    metrics.reads("ready", "1 while this process can sell.", lambda: float(shop.ready()))
    metrics.reads("searches", "Searches that were made.", lambda: shop.search.log.searches, grows=True)
    metrics.reads("line_streams", "Open streams of places in line.", lambda: shop.sales.streams)


def tell_of_host(shop: Shop, host: Host) -> None:
    """Where the process runs entities itself: how many there are, and what they were asked."""
    shop.metrics.reads("host_commands", "Commands that were taken here.", lambda: host.commands, grows=True)
    shop.metrics.reads("host_entities", "Entities in memory here.", lambda: host.entities)
