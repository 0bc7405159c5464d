"""What a fault did to buyers, from their purchases and the moments of the strikes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .scene import Strike
from .steady import Purchase


@dataclass(frozen=True)
class Figures:
    """One fault, struck one or more times. Times are in seconds."""

    strikes: int
    purchases: int
    answers: Mapping[str, int]
    """Statuses, and the names of what came instead of an answer, of the purchases under way or sent meanwhile."""
    sent_again: int
    """Purchases that took more than one request."""
    back_s: Sequence[float]
    """For each strike, until every shard that it hit had sold to somebody who came after it."""
    slowest_s: float
    """The longest that a buyer waited, retries and all."""
    others_s: float | None
    """The same of purchases that no shard hit took part in; None where all were hit."""
    never_back: int
    """Strikes after which a shard did not sell any more."""

    @property
    def median_back_s(self) -> float:
        return percentile(self.back_s, 0.5)

    @property
    def p99_back_s(self) -> float:
        return percentile(self.back_s, 0.99)


def figures_of(purchases: Sequence[Purchase], strikes: Sequence[Strike]) -> Figures:
    """The figures of all strikes together."""
    answers: Counter[str] = Counter()
    touched: list[Purchase] = []
    others: list[float] = []
    back: list[float | None] = []
    for strike in strikes:
        meanwhile = [each for each in purchases if _is_of(each, strike)]
        touched += meanwhile
        answers.update(answer for each in meanwhile for answer in each.answers)
        others += [_wait_s(each, strike) for each in meanwhile if strike.shards and not strike.shards & each.shards]
        back.append(back_after_s(meanwhile, strike))
    return Figures(
        strikes=len(strikes),
        purchases=len(touched),
        answers=dict(answers.most_common()),
        sent_again=sum(len(each.answers) > 1 for each in touched),
        back_s=[seconds for seconds in back if seconds is not None],
        slowest_s=max((_wait_s(each, strikes[-1]) for each in touched), default=0.0),
        others_s=max(others, default=None),
        never_back=back.count(None),
    )


def back_after_s(purchases: Iterable[Purchase], strike: Strike) -> float | None:
    """The seconds until each shard that was hit had sold to somebody who came later; None if one had not.

    Where no shard in particular was hit: until anybody who came later was sold to.
    """
    first: dict[int, float] = {}
    for each in purchases:
        if each.bought and each.ended_at is not None and each.sent_at >= strike.at:
            for shard in each.shards & strike.shards if strike.shards else [-1]:
                first[shard] = min(first.get(shard, each.ended_at), each.ended_at)
    missing = strike.shards - first.keys() if strike.shards else not first
    return None if missing else max(first.values()) - strike.at


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of them doesn't exceed; 0 where there is none."""
    if not values:
        return 0.0
    place = -(-len(values) * share // 1)
    return sorted(values)[max(0, int(place) - 1)]


def _is_of(purchase: Purchase, strike: Strike) -> bool:
    """Whether it was sent while the strike lasted, or was under way when it came."""
    ended = purchase.ended_at
    return purchase.sent_at < strike.until and (ended is None or ended >= strike.at)


def _wait_s(purchase: Purchase, strike: Strike) -> float:
    ended = purchase.ended_at
    return (ended if ended is not None else strike.until) - purchase.sent_at
