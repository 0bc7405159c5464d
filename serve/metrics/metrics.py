"""The figures of one process: parts make counters, gauges and histograms of their own here, or say where one is read.

`/metrics` tells them, with those of other processes beside them. Every figure carries the process it is of: behind one
door a scrape meets now one replica and now another, and their counters must not be taken for one that jumps.
"""

import logging
from asyncio import gather, timeout
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

NAMESPACE = "doorbuster"
"""What the name of every figure of ours begins with."""
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHERS_WITHIN_S = 1.0
"""A process that hasn't told its figures by then is left out: the rest is needed most while something is slow."""
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Buckets of durations."""

logger = logging.getLogger("doorbuster.metrics")


class Metrics:
    """The figures of the process that is called `process`; empty in a test."""

    def __init__(self, process: str = "") -> None:
        self._process = process
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self._others: list[Callable[[], Awaitable[str]]] = []

    def counter(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
        """A figure that only grows; its name is told with `_total` behind it."""
        return Counter(name, meaning, labels, namespace=NAMESPACE, registry=self._registry)

    def gauge(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Gauge:
        """A figure that goes up and down."""
        return Gauge(name, meaning, labels, namespace=NAMESPACE, registry=self._registry)

    def histogram(
        self, name: str, meaning: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS
    ) -> Histogram:
        """How many observations fell below each bound. The unit is the end of its name, such as `_seconds`."""
        return Histogram(name, meaning, labels, namespace=NAMESPACE, registry=self._registry, buckets=buckets)

    def reads(self, name: str, meaning: str, read: Callable[[], float], *, grows: bool = False) -> None:
        """A figure that somebody keeps anyway: it is read when it is asked for, and costs nothing until then."""
        self._registry.register(_Read(name, meaning, None, lambda: {"": read()}, grows=grows))

    def reads_each(
        self, name: str, meaning: str, label: str, read: Callable[[], Mapping[str, float]], *, grows: bool = False
    ) -> None:
        """As `reads`, one figure for each value of the label."""
        self._registry.register(_Read(name, meaning, label, read, grows=grows))

    def also(self, tell: Callable[[], Awaitable[str]]) -> None:
        """Tell the figures of another process, too, which `tell` asks for as text."""
        self._others.append(tell)

    def text(self) -> str:
        """The figures of this process."""
        return _written(self._named())

    async def text_of_all(self) -> str:
        """The figures of this process and of the others that answer in time."""
        told = await gather(*(self._ask(tell) for tell in self._others))
        families = {metric.name: metric for metric in self._named()}
        for metric in (metric for text in told for metric in text_string_to_metric_families(text)):
            # A name may stand in the text once, with all its figures.
            known = families.setdefault(metric.name, metric)
            if known is not metric:
                known.samples += metric.samples
        return _written(families.values())

    async def _ask(self, tell: Callable[[], Awaitable[str]]) -> str:
        try:
            async with timeout(OTHERS_WITHIN_S):
                return await tell()
        except Exception as error:
            # Whatever ails the other process: its figures are missing, and that is told by their absence.
            logger.info("The figures of another process are missing: %s", error)
            return ""

    def _named(self) -> Iterator[Metric]:
        whose = {"process": self._process} if self._process else {}
        for metric in self._registry.collect():
            metric.samples = [
                Sample(each.name, {**each.labels, **whose}, each.value)
                for each in metric.samples
                # When each figure was made would double what is told.
                if not each.name.endswith("_created")
            ]
            yield metric


class _Read(Collector):
    """A figure that is read when it is collected."""

    def __init__(
        self, name: str, meaning: str, label: str | None, read: Callable[[], Mapping[str, float]], *, grows: bool
    ) -> None:
        self._name = f"{NAMESPACE}_{name}"
        self._meaning = meaning
        self._labels = [label] if label else []
        self._read = read
        self._family = CounterMetricFamily if grows else GaugeMetricFamily

    def collect(self) -> Iterable[Metric]:
        family = self._family(self._name, self._meaning, labels=self._labels)
        for value, figure in self._read().items():
            family.add_metric([value] if self._labels else [], figure)
        yield family


class _Collected:
    """Families as a registry, which is what the library writes down."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _written(families: Iterable[Metric]) -> str:
    return generate_latest(_Collected(families)).decode()
