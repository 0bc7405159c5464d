"""What was shown, as rows: a list each."""

from engine.impressions import Impression, ImpressionsRecorded
from ml.lake.tables import ImpressionRow

from .told import rows_of_events


def test_each_list_is_a_row_with_whoever_made_it() -> None:
    seen = Impression(
        *("list-1", 5, "challenger", "item-knn", "3", "home", "browser-1", ("RETRO-CLOCK", "BRASS-LAMP"), 0.1),
        session="visit-1",
        market="berlin",
    )
    unseen = Impression("list-1", 6, "shadow", "ease", "4", "home", "", (), 0.0, "slow")
    first, second = rows_of_events("impressions", "ledger_0", [ImpressionsRecorded("b", (seen, unseen), 9)], at=10)
    assert isinstance(first, ImpressionRow)
    assert isinstance(second, ImpressionRow)
    assert (first.list_id, first.variant, first.model, first.version, first.at) == (
        "list-1",
        "challenger",
        "item-knn",
        "3",
        5,
    )
    assert (first.visitor, first.session, first.market, first.placement) == ("browser-1", "visit-1", "berlin", "home")
    assert (first.skus, first.items, first.propensity, first.shadow) == ("RETRO-CLOCK,BRASS-LAMP", 2, 0.1, False)
    assert (second.index, second.shadow, second.fallback, second.received_at) == (1, True, "slow", 10)
