"""What can go wrong between a client and an entity. `Unavailable` may be tried again; business refusals are values.

ActorsError
|-- FeedRefused         the feed process won't do what it was asked; the code says why
|-- CannotDrain         a host can't be drained now; nothing has happened
`-- Unavailable         nobody could carry the command out in time; it may still have happened: same id, same answer
    |-- Undecided       the entity's code failed on this command: nothing happened, the log has the cause
    |-- Overloaded      a queue is full: nothing happened, come back after `retry_after_s`
    |-- JournalAway     the journal hasn't answered for a while: to try on at once would be in vain
    `-- NotMine         the host doesn't run that shard (any more): ask the directory, then send again
        `-- Moved       the entity is pinned to another shard, or back home: send it there
"""


class ActorsError(Exception):
    """Base of all errors of the runtime."""


class CannotDrain(ActorsError):
    """The host isn't known, or no other would be left to run its shards."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class FeedRefused(ActorsError):
    """What was asked of the feed process can't be done, and won't be when it is asked again."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Unavailable(ActorsError):
    """The command was not answered in time or its shard is between owners. It may have happened."""

    def __init__(self, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(detail, retry_after_s)
        self.detail = detail
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.detail


class Overloaded(Unavailable):
    """A bounded queue is full. The command was not accepted, so it did not happen."""


class JournalAway(Unavailable):
    """The shard's journal has been away for longer than a sender should wait. This try was not carried out."""


class NotMine(Unavailable):
    """The shard is not run here. The command was not carried out here."""


class Moved(NotMine):
    """The entity lives in another shard now. The command was not carried out here."""

    def __init__(self, shard: int) -> None:
        super().__init__(f"the entity moved to shard {shard}")
        self.shard = shard

    def __reduce__(self) -> tuple[type["Moved"], tuple[int]]:
        return Moved, (self.shard,)


class Undecided(Unavailable):
    """The entity's own code raised on this command. It did not happen; that is a bug, and in the log."""
