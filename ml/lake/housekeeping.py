"""What is done to the lake's files now and then: sweep what doesn't count, merge, let go of what is old or erased."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from . import compaction, retention, summaries
from .forgetting import Forgetting
from .manifest import LakeFile, Manifest
from .parquet import DAY_MS
from .tables import PERSONAL, TABLES

MOST_MERGES = 8
"""Merges at a time: there is another time soon."""
ERASE_EVERY_MS = 600_000
"""How often files are searched for accounts that were erased: for one and for many it is the same work."""
GONE_KEPT_MS = 900_000
"""How long files that were replaced stay for whoever is reading them."""

Reach = Callable[[str], None]

logger = logging.getLogger("doorbuster.lake")


class Keeping(NamedTuple):
    """How long things are kept."""

    behaviour_days: int = 365
    """Visitors' behaviour; 0: for ever."""
    gone_ms: int = GONE_KEPT_MS
    erase_every_ms: int = ERASE_EVERY_MS


def nothing(_point: str) -> None:
    """Nobody crashes here."""


class Housekeeping:
    """Only the lake's writer keeps house, so files come from elsewhere meanwhile but never go."""

    def __init__(self, directory: Path, token: str, keeping: Keeping, now: Callable[[], int]) -> None:
        self._directory = directory
        # A connection of its own: it works in another thread than the writer.
        self._manifest = Manifest(directory, create=True)
        self._token = token
        self._keeping = keeping
        self._now = now
        self._erased_at = 0
        self._forgetting = Forgetting(directory)
        self._forgot_at = 0

    def close(self) -> None:
        self._manifest.close()

    def sweep(self) -> None:
        """Take away files that don't count: a writer was killed before they did. Nobody writes yet."""
        counting = self._manifest.all_paths()
        for table in TABLES:
            for file in (self._directory / table).rglob("*.parquet"):
                if str(file.relative_to(self._directory)) not in counting:
                    file.unlink()

    def once(self, reach: Reach = nothing) -> None:
        """Everything that is due."""
        self.drop_gone()
        self.age()
        self.erase()
        self.forget()
        for _ in range(MOST_MERGES):
            if not self.merge(reach):
                break

    def drop_gone(self) -> None:
        """Take away files that were replaced a while ago."""
        for path in self._manifest.drop_gone(self._token, self._now() - self._keeping.gone_ms):
            (self._directory / path).unlink(missing_ok=True)
        summaries.sweep(self._directory, self._manifest.all_paths())

    def merge(self, reach: Reach = nothing) -> bool:
        """Merge some files of one table; whether there were any."""
        for table in TABLES:
            files = compaction.plan(self._manifest.files(table), self._now())
            if len(files) > 1:
                merged = compaction.merge(self._directory, files)
                reach("before merge")
                self._replace(files, [merged])
                reach("after merge")
                return True
        return False

    def age(self) -> None:
        """Let go of behaviour that is older than it may be."""
        if not self._keeping.behaviour_days:
            return
        before_ms = self._now() - self._keeping.behaviour_days * DAY_MS
        aging = [file for table in retention.AGING for file in self._manifest.files(table)]
        for file in retention.too_old(aging, before_ms):
            left = retention.younger(self._directory, file, before_ms)
            self._replace([file], [left] if left is not None else [])

    def erase(self) -> None:
        """Let no file name an account that was erased."""
        if self._now() < self._erased_at + self._keeping.erase_every_ms:
            return
        customers = self._manifest.erased(pending=True)
        if not customers:
            return
        self._erased_at = self._now()
        for table in (*PERSONAL, *retention.AGING):
            for file in self._manifest.files(table):
                if retention.names_any(self._directory, file, customers):
                    left = retention.anonymous(self._directory, file, customers)
                    self._replace([file], [left] if left is not None else [])
        self._manifest.settle_erased(self._token, customers)
        logger.info("%s erased accounts are in no file of the lake any more", len(customers))

    def forget(self) -> None:
        """Let go of what visitors wanted to be forgotten."""
        if self._now() < self._forgot_at + self._keeping.erase_every_ms:
            return
        self._forgot_at = self._now()
        told, shown = (self._manifest.files(table) for table in retention.AGING)
        for file, left in self._forgetting.once(told, shown):
            self._replace([file], [left] if left is not None else [])

    def _replace(self, gone: Sequence[LakeFile], added: Sequence[LakeFile]) -> None:
        self._manifest.replace(self._token, gone, added, self._now())
