"""The composition of the feed process: one journal, and the parts that read it. It owns no shard, sends no command."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import SecretStr

from actors.errors import FeedRefused
from actors.feed.feed import Feed
from actors.feed.positions import FilePositions, JournalPositions, Positions
from actors.feed.spare import Spare
from actors.journals.port import Journal
from actors.journals.urls import SQLITE_PREFIX
from engine.kernel import Instant

from ..hosting import clock_of, log_to_stderr, reached_journal_of
from ..metrics.metrics import Metrics
from ..recommendations.retraining import Retraining, round_as_task
from ..recommendations.section import RecommendationSection
from ..reports.section import ReportSection
from ..settings import Settings
from .lake import LakeSection
from .recent_visits import RecentVisits
from .relays.section import Relays
from .status import FeedStatus
from .visits import VisitTrimming

POSITIONS_PREFIX = "feed/"
"""Before the names under which a journal on a server keeps our consumers' positions."""

logger = logging.getLogger("doorbuster.feed")


class Section(Protocol):
    """A part of the process, whose public async methods others may ask for as SECTION.METHOD."""

    async def start(self) -> None:
        """Do from now on what it does by itself; its consumers read already."""
        ...

    async def close(self) -> None:
        """End that, and write down what is to stay."""
        ...


class FeedSettings(Protocol):
    """The settings that every part reads; a part that needs more asks for `Settings`."""

    @property
    def data(self) -> Path: ...

    @property
    def public_url(self) -> str: ...

    @property
    def lake(self) -> Path | None: ...

    @property
    def behaviour_days(self) -> int: ...

    @property
    def behaviour_redis(self) -> SecretStr: ...

    @property
    def behaviour_journal_hours(self) -> int: ...

    @property
    def relay(self) -> str: ...

    @property
    def low_stock_units(self) -> int: ...


class FeedProcess:
    """Everything that the feed process holds. Parts add their consumers by `feed.read_for` when they are made."""

    def __init__(
        self,
        settings: FeedSettings,
        journal: Journal,
        positions: Positions,
        now: Callable[[], Instant],
        parts: Mapping[str, "Part"] | None = None,
        spare: Spare | None = None,
    ) -> None:
        self.settings = settings
        self.journal = journal
        self.now = now
        self.spare = spare
        self.feed = Feed(journal, positions, now, spare=spare)
        self.metrics = Metrics("feed")
        self.sections: dict[str, Section] = {}
        for name, make in (PARTS if parts is None else parts).items():
            if (section := make(self)) is not None:
                self.sections[name] = section

    async def start(self) -> None:
        """Read from now on."""
        self.feed.start()
        for section in self.sections.values():
            await section.start()

    async def ask(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """What the section's method says. Raises actors.errors.FeedRefused, and whatever else the section raises."""
        section, _, name = method.partition(".")
        if section not in self.sections:
            raise FeedRefused("not-found", f"This shop has no {section}.")
        assert name
        assert not name.startswith("_")
        return await getattr(self.sections[section], name)(**arguments)

    async def close(self) -> None:
        """Write down how far it has come, and let go of the journal."""
        await self.feed.close()
        for section in self.sections.values():
            try:
                await section.close()
            except Exception:
                logger.exception("A part of the feed did not end well")
        await self.journal.close()


Part = Callable[[FeedProcess], Section | None]
"""Makes a section, or none where the settings don't want it."""

PARTS: Mapping[str, Part] = {
    "feed": lambda process: FeedStatus(process.feed, process.metrics),
    "lake": lambda process: lake_of(process),
    "reports": lambda process: reports_of(process),
    "relays": lambda process: relays_of(process),
    "visits": lambda process: visits_of(process),
    "recent-visits": lambda process: recent_visits_of(process),
    "recommendations": lambda process: recommendations_of(process),
    "retraining": lambda process: retraining_of(process),
}
"""What the process does, by the names of its sections."""


def lake_of(process: FeedProcess) -> LakeSection | None:
    """The lake, where the settings have a place for it."""
    directory = process.settings.lake
    if directory is None:
        return None
    days, spare = process.settings.behaviour_days, process.spare

    def busy() -> bool:
        return spare is not None and not spare.plenty

    return LakeSection(process.feed, process.journal, directory, days, process.now, busy)


def reports_of(process: FeedProcess) -> ReportSection | None:
    """The reports, where there is a lake to ask."""
    lake = process.sections.get("lake")
    return ReportSection(lake, process.now) if isinstance(lake, LakeSection) else None


def recommendations_of(process: FeedProcess) -> RecommendationSection | None:
    """What is popular and how models do, where there is a lake to ask."""
    directory = process.settings.lake
    return RecommendationSection(directory, process.now) if directory is not None else None


def visits_of(process: FeedProcess) -> VisitTrimming | None:
    """Trims visitors' entries, where a lake has what they said."""
    hours = process.settings.behaviour_journal_hours
    if process.settings.lake is None or not hours:
        return None
    return VisitTrimming(process.feed, process.journal, hours, process.now)


def recent_visits_of(process: FeedProcess) -> RecentVisits | None:
    """Visitors' newest events in a Redis, where the settings name one."""
    url = process.settings.behaviour_redis.get_secret_value()
    return RecentVisits(process.feed, url) if url else None


def retraining_of(process: FeedProcess) -> Retraining | None:
    """Trains models from time to time, where the settings say how often and there is a lake to learn from."""
    settings = process.settings
    if not isinstance(settings, Settings) or not settings.retrain_hours:
        return None
    return Retraining(settings.models, settings.retrain_hours, round_as_task(settings), process.now)


def relays_of(process: FeedProcess) -> Relays:
    """The relays that the settings name."""
    settings = process.settings
    return Relays(process.feed, settings.relay.split(), settings.public_url, settings.low_stock_units)


async def compose_feed(settings: Settings) -> FeedProcess:
    """The process with its own way to the journal, reading already."""
    log_to_stderr()
    journal = await reached_journal_of(settings)
    process = FeedProcess(settings, journal, positions_of(settings, journal), clock_of(os.environ), spare=Spare())
    try:
        await process.start()
    except BaseException:
        # Whoever tries again makes another one.
        await process.close()
        raise
    return process


def positions_of(settings: Settings, journal: Journal, file: str = "positions.sqlite") -> Positions:
    """Beside a journal in files, and within one on a server, where the process may come up on another machine."""
    if settings.journal.startswith(SQLITE_PREFIX):
        return FilePositions(settings.data / "feed" / file)
    return JournalPositions(journal, POSITIONS_PREFIX)
