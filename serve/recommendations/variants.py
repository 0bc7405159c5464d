"""Which model a visitor gets: always the same one while a trial lasts, in any process of the shop."""

from hashlib import blake2b
from typing import NamedTuple

from .port import Mode, Standing, Variant

BUCKETS = 1 << 32


class Drawn(NamedTuple):
    """The variant, how likely this visitor was to get it, and whether the challenger is asked as well, for nobody to
    see."""

    variant: Variant
    propensity: float
    shadowed: bool = False

    def propensity_of(self, answered: Variant) -> float:
        """How likely the visitor was to draw whoever answered: the champion does for a challenger that fails."""
        return self.propensity if answered is self.variant else 1.0 - self.propensity


CHAMPION = Drawn(Variant.CHAMPION, 1.0)


def draw(standing: Standing | None, visitor: str) -> Drawn:
    """The variant of a visitor. Each trial draws anew: the same visitors don't try everything."""
    trial = standing.trial if standing is not None else None
    if trial is None:
        return CHAMPION
    if trial.mode is Mode.SHADOW:
        return Drawn(Variant.CHAMPION, 1.0, shadowed=True)
    if place_of(trial.version, visitor) < trial.share:
        return Drawn(Variant.CHALLENGER, trial.share)
    return Drawn(Variant.CHAMPION, 1.0 - trial.share)


def place_of(trial: str, visitor: str) -> float:
    """Where a visitor stands in a trial, from 0 up to 1, evenly spread."""
    digest = blake2b(f"{trial}:{visitor}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / BUCKETS
