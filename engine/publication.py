"""When something is shown to shoppers: its status and, within it, a window of time. Products, pages and collections
share these rules."""

from enum import StrEnum

from .kernel import Instant


class Status(StrEnum):
    """What the merchant wants."""

    ACTIVE = "active"
    DRAFT = "draft"
    ARCHIVED = "archived"


class Stage(StrEnum):
    """What holds at an instant. Only what is published is shown and sold."""

    PUBLISHED = "published"
    HIDDEN = "hidden"
    SCHEDULED = "scheduled"
    ENDED = "ended"


STATUSES = frozenset(Status)


def stage_at(status: str, publish_at: Instant, unpublish_at: Instant, now: Instant) -> Stage:
    """What holds at `now`; a bound of 0 is none."""
    if status != Status.ACTIVE:
        return Stage.HIDDEN
    if now < publish_at:
        return Stage.SCHEDULED
    if unpublish_at and now >= unpublish_at:
        return Stage.ENDED
    return Stage.PUBLISHED


def next_change(stage: str, publish_at: Instant, unpublish_at: Instant) -> Instant | None:
    """The instant at which the stage changes by itself, if it does."""
    if stage == Stage.SCHEDULED:
        return publish_at
    if stage == Stage.PUBLISHED and unpublish_at:
        return unpublish_at
    return None


def fault_of_window(status: str, publish_at: Instant, unpublish_at: Instant) -> tuple[str, str] | None:
    """The field that can't be so, and how it must be."""
    if status not in STATUSES:
        return "status", f"be one of {', '.join(sorted(STATUSES))}"
    if publish_at < 0 or unpublish_at < 0:
        return "publish_at", "not be before 1970"
    if unpublish_at and unpublish_at <= publish_at:
        return "unpublish_at", "be after publish_at"
    return None
