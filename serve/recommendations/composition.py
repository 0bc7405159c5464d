"""What recommends in one process, put together."""

from collections.abc import Callable
from typing import Protocol

from engine.kernel import Instant

from ..behaviour import Sender
from ..feed.desk import FeedDesk
from ..metrics.metrics import Metrics
from ..search.surroundings import Surroundings
from ..tables import Tables
from .asking import Asking
from .figures import Figures, tell_of_recommendations
from .filters import Catalogue, Shelf
from .gathering import DEADLINE_S
from .impressions import Impressions, Ledger
from .ledger import EntityLedger
from .popular import Catalogue as Browsed
from .popular import Popular
from .port import Models, NoModels
from .rules import RuleBook
from .service import Recommendations


class Products(Catalogue, Browsed, Protocol):
    """The catalogue in memory."""


def recommendations_of(
    client: Sender,
    catalogue: Products,
    tables: Tables,
    desk: FeedDesk,
    metrics: Metrics,
    now: Callable[[], Instant],
    models: Models | None = None,
    ledger: Ledger | None = None,
    deadline_s: float = DEADLINE_S,
) -> Recommendations:
    """The recommendations of one process; without `models` of what is popular alone."""
    asking = Asking(models or NoModels(), deadline_s)
    impressions = Impressions(ledger or EntityLedger(client))
    tell_of_recommendations(metrics, asking, impressions)
    return Recommendations(
        client,
        Shelf(catalogue, Surroundings(tables)),
        RuleBook(tables),
        Popular(desk, catalogue),
        asking,
        impressions,
        Figures(metrics),
        now,
    )
