"""Figures that the parts of a serving process keep anyway: read when somebody asks, and free until then."""

from functools import partial

from actors.host import Host

from ..shop import Shop


def tell_of_shop(shop: Shop) -> None:
    """Have `/metrics` tell what the HTTP face knows of itself."""
    metrics = shop.metrics
    metrics.reads("ready", "1 while this process can sell.", lambda: float(shop.ready()))
    metrics.reads("searches", "Searches that were made.", lambda: shop.search.made, grows=True)
    told = shop.behaviour
    metrics.reads(
        "behaviour_batches", "Batches of visitors' events that were acknowledged.", lambda: told.batches, grows=True
    )
    metrics.reads_each("behaviour_events", "Visitors' events.", "outcome", lambda: told.by_outcome, grows=True)
    metrics.reads(
        "behaviour_unlinked", "Events of visitors who object, or are nobody.", lambda: told.unlinked, grows=True
    )
    streams = shop.live.streams
    metrics.reads_each("streams", "Open streams.", "kind", lambda: streams.by_kind)
    metrics.reads("stream_messages", "Messages to streams, signs of life too.", lambda: streams.told, grows=True)
    metrics.reads("streams_refused", "Streams for which there was no room.", lambda: streams.refused, grows=True)
    metrics.reads("streams_cut", "Streams whose reader did not read.", lambda: streams.dropped, grows=True)
    metrics.also(partial(shop.feed.ask, "feed.metrics"))
    if shop.recommender is not None:
        metrics.also(shop.recommender.metrics)


def tell_of_host(shop: Shop, host: Host) -> None:
    """Where the process runs entities itself: how many there are, and what they were asked."""
    shop.metrics.reads("host_commands", "Commands that were taken here.", lambda: host.commands, grows=True)
    shop.metrics.reads("host_entities", "Entities in memory here.", lambda: host.entities)
