"""Impressions: one row for each list of recommendations that was shown, or would have been."""

from collections.abc import Iterator, Sequence

from engine.impressions import ImpressionsRecorded
from engine.kernel import Event

from ..tables import ImpressionRow, Row
from .around import Where

SHADOW = "shadow"
"""The variant of a list that nobody saw."""


def impression_rows(where: Where, events: Sequence[Event]) -> Iterator[Row]:
    """The rows of one entry of a ledger."""
    index = 0
    for event in events:
        if not isinstance(event, ImpressionsRecorded):
            continue
        for shown in event.impressions:
            yield ImpressionRow(
                shard=where.shard,
                position=where.position,
                index=index,
                at=shown.at,
                list_id=shown.list_id,
                variant=shown.variant,
                model=shown.model,
                version=shown.version,
                placement=shown.placement,
                visitor=shown.visitor,
                session=shown.session,
                market=shown.market,
                skus=",".join(shown.skus),
                items=len(shown.skus),
                propensity=shown.propensity,
                shadow=shown.variant == SHADOW,
                fallback=shown.fallback,
                received_at=where.at,
            )
            index += 1
