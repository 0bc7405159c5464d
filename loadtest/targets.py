"""The targets of a run on two cores, each a comparison of figures of that same run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .measurement import Figure

Figures = Mapping[str, Mapping[int, Figure]]
"""By contender and number of connections."""


class Result(StrEnum):
    PASS = "pass"
    FAIL = "**fail**"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Verdict:
    """One line of the table of targets: what was wanted, what was measured."""

    target: str
    connections: int
    measured: str
    result: Result


@dataclass(frozen=True)
class Ratio:
    """`name`'s rate is at least `factor` times that of `rival`; `moonshot` is what one would love to see."""

    name: str
    rival: str
    factor: float
    connections: Sequence[int]
    moonshot: float | None = None

    def verdicts(self, figures: Figures) -> list[Verdict]:
        wish = f" (moonshot {self.moonshot:g} x)" if self.moonshot else ""
        text = f"{self.name} >= {self.factor:g} x {self.rival}{wish}"
        return [self._verdict(figures, text, level) for level in self.connections]

    def _verdict(self, figures: Figures, text: str, level: int) -> Verdict:
        own, rival = figure(figures, self.name, level), figure(figures, self.rival, level)
        if own is None or rival is None or not rival.rate_per_s:
            return Verdict(text, level, "", Result.NOT_MEASURED)
        ratio = own.rate_per_s / rival.rate_per_s
        return Verdict(text, level, f"{ratio:.2f} x", judged(ratio >= self.factor))


@dataclass(frozen=True)
class AtLeast:
    """`name` reaches a rate per second."""

    name: str
    rate_per_s: float
    connections: int

    def verdicts(self, figures: Figures) -> list[Verdict]:
        text = f"{self.name} >= {self.rate_per_s:,.0f}/s"
        own = figure(figures, self.name, self.connections)
        if own is None:
            return [Verdict(text, self.connections, "", Result.NOT_MEASURED)]
        return [Verdict(text, self.connections, f"{own.rate_per_s:,.0f}/s", judged(own.rate_per_s >= self.rate_per_s))]


@dataclass(frozen=True)
class AtMost:
    """A latency of `name` stays within a bound."""

    name: str
    quantile: str
    limit_ms: float
    connections: int
    latency_ms: Callable[[Figure], float]

    def verdicts(self, figures: Figures) -> list[Verdict]:
        text = f"{self.name} {self.quantile} <= {self.limit_ms:g} ms"
        own = figure(figures, self.name, self.connections)
        if own is None:
            return [Verdict(text, self.connections, "", Result.NOT_MEASURED)]
        latency_ms = self.latency_ms(own)
        return [Verdict(text, self.connections, f"{latency_ms:.2f} ms", judged(latency_ms <= self.limit_ms))]


Target = Ratio | AtLeast | AtMost

TARGETS: Sequence[Target] = (
    Ratio("doorbuster", "empty", 0.55, (32, 128)),
    Ratio("doorbuster", "postgres", 2.0, (32, 128)),
    Ratio("doorbuster", "redis", 0.75, (32, 128), moonshot=1.0),
    Ratio("doorbuster", "actor-per-product", 8.0, (128,)),
    AtMost("doorbuster", "p50", 2.0, 1, lambda measured: measured.p50_ms),
    AtMost("doorbuster", "p99", 10.0, 1, lambda measured: measured.p99_ms),
    Ratio("doorbuster-soldout", "empty", 0.9, (128,)),
    AtLeast("engine-only", 60_000, 8),
)


def judge(figures: Figures) -> list[Verdict]:
    """Every target's verdict on the figures of one run."""
    return [verdict for target in TARGETS for verdict in target.verdicts(figures)]


def figure(figures: Figures, name: str, connections: int) -> Figure | None:
    return figures.get(name, {}).get(connections)


def judged(held: bool) -> Result:
    return Result.PASS if held else Result.FAIL
