"""What `/metrics` tells, as a scraper reads it."""

import asyncio
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from serve.metrics.metrics import Metrics

from .shopfront import Shopfront


def figure(text: str, name: str, **labels: str) -> float | None:
    """The value of one figure; of several with these labels, their sum."""
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found) if found else None


def test_every_figure_carries_the_process_it_is_of() -> None:
    metrics = Metrics("replica-1")
    metrics.counter("letters", "Sent.", ["kind"]).labels("mail").inc(2)
    metrics.gauge("lag_seconds", "Behind.").set(1.5)
    metrics.histogram("turn_seconds", "Each.", buckets=[0.1, 1.0]).observe(0.5)
    text = metrics.text()
    assert figure(text, "doorbuster_letters_total", kind="mail", process="replica-1") == 2
    assert figure(text, "doorbuster_lag_seconds", process="replica-1") == 1.5
    assert figure(text, "doorbuster_turn_seconds_bucket", le="0.1", process="replica-1") == 0
    assert figure(text, "doorbuster_turn_seconds_bucket", le="1.0", process="replica-1") == 1
    assert figure(text, "process_open_fds", process="replica-1") is not None


def test_what_is_kept_anyway_is_read_when_it_is_asked_for() -> None:
    kept: dict[str, float] = {"order": 1}
    metrics = Metrics()
    metrics.reads("shelves", "Of the shop.", lambda: len(kept))
    metrics.reads_each("told", "By kind.", "kind", lambda: kept, grows=True)
    kept["stock"] = 5
    text = metrics.text()
    assert figure(text, "doorbuster_shelves") == 2
    assert figure(text, "doorbuster_told_total", kind="stock") == 5


def test_figures_of_another_process_stand_under_the_same_names() -> None:
    here, there = Metrics("replica-1"), Metrics("feed")
    for metrics in (here, there):
        metrics.gauge("open_files", "Open.").set(3)

    async def tell() -> str:
        return there.text()

    here.also(tell)
    text = asyncio.run(here.text_of_all())
    assert text.count("# TYPE doorbuster_open_files gauge") == 1
    assert figure(text, "doorbuster_open_files", process="replica-1") == 3
    assert figure(text, "doorbuster_open_files", process="feed") == 3


def test_a_process_that_is_away_takes_nothing_with_it() -> None:
    metrics = Metrics("replica-1")
    metrics.gauge("open_files", "Open.").set(3)

    async def away() -> str:
        raise ConnectionError("gone")

    metrics.also(away)
    assert figure(asyncio.run(metrics.text_of_all()), "doorbuster_open_files") == 3


def test_the_route_tells_how_long_each_route_takes() -> None:
    with Shopfront() as shop:
        for path in ("/v1/products/RETRO-CLOCK", "/v1/products/CUCKOO-CLOCK", "/v1/products", "/nowhere/at/all"):
            shop.get(path)
        answer = shop.get("/metrics", admin=True)
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert count_of(answer.text, "GET /v1/products/{sku}", "4xx") == 2
        assert count_of(answer.text, "GET /v1/products", "2xx") == 1
        assert count_of(answer.text, "none", "4xx") == 1
        assert "nowhere" not in answer.text


def count_of(text: str, route: str, status: str) -> float | None:
    labels: Mapping[str, str] = {"route": route, "status": status}
    return figure(text, "doorbuster_http_request_seconds_count", **labels)
