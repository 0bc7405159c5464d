"""What `/metrics` tells of recommendations: by whom they were made, why not by a model, how long it took."""

from collections import Counter

from ..metrics.metrics import Metrics
from .asking import Asking
from .impressions import Impressions
from .port import Variant

MODEL = "model"
"""The outcome of a request that a model answered."""
OUTCOMES = (MODEL, "missing", "slow", "busy", "broken")


class Figures:
    """The counts of one process."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.histogram("recommendation_seconds", "Seconds until a recommendation was made.")
        self.by_outcome: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.by_variant: Counter[str] = Counter(dict.fromkeys((str(each) for each in Variant), 0))
        self.answers: Counter[tuple[str, Variant]] = Counter()
        self.unknown = 0
        self.fallbacks: Counter[str] = Counter()
        """By market: as many as have a model, and one."""
        metrics.reads_each(
            "recommendations",
            "Recommendations that were made, by a model or why not.",
            "outcome",
            lambda: self.by_outcome,
            grows=True,
        )
        metrics.reads(
            "recommendations_unknown",
            "Recommendations for visitors of whom nothing could be learned in time.",
            lambda: self.unknown,
            grows=True,
        )
        metrics.reads_each(
            "recommendation_variants", "Answers of models.", "variant", lambda: self.by_variant, grows=True
        )

    def heard(self, market: str, variant: Variant, fallback: str, seconds: float) -> None:
        """A recommendation was made, by the model of that market or in its place."""
        self.by_outcome[fallback or MODEL] += 1
        if fallback:
            self.fallbacks[market] += 1
        else:
            self.by_variant[variant] += 1
            self.answers[market, variant] += 1
        self._seconds.observe(seconds)


def tell_of_recommendations(metrics: Metrics, asking: Asking, impressions: Impressions) -> None:
    """What is counted elsewhere anyway."""
    metrics.reads("model_calls", "Calls to models; each asks for many.", lambda: asking.calls, grows=True)
    metrics.reads("challenger_failures", "Calls that a challenger failed.", lambda: asking.trials.failed, grows=True)
    metrics.reads("champions_aside", "Champions that ended their processes: asked no more.", lambda: asking.aside)
    metrics.reads("impressions_recorded", "Lists shown, as told.", lambda: impressions.recorded, grows=True)
    metrics.reads("impressions_lost", "Lists shown that there was no room for.", lambda: impressions.lost, grows=True)
