"""Where impressions are kept for good: the entities of `engine.impressions`, a batch with one command."""

import logging
from collections.abc import Sequence

from engine.impressions import IMPRESSIONS, Impression, ImpressionsTaken, RecordImpressions, ledger_key

from ..behaviour import Sender

logger = logging.getLogger("doorbuster.recommendations")


class EntityLedger:
    """Implements `Ledger`."""

    def __init__(self, client: Sender) -> None:
        self._client = client

    async def record(self, batch_id: str, impressions: Sequence[Impression]) -> bool:
        """All of them, once however often it is repeated. Raises actors.errors.ActorsError."""
        command = RecordImpressions(batch_id, tuple(impressions))
        reply = await self._client.send(IMPRESSIONS.name, ledger_key(batch_id), command)
        if isinstance(reply, ImpressionsTaken):
            return True
        logger.error("Impressions were refused, and are lost: %s", reply)
        return False
