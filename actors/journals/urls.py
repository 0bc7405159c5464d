"""From a journal's URL to the journal: the one place that knows every store."""

from pathlib import Path

from .memory import MemoryJournal
from .port import Journal, JournalMismatch
from .sqlite import SqliteJournal

SQLITE_PREFIX = "sqlite:///"
REDIS_PREFIXES = ("redis:", "rediss:", "redis+", "rediss+")
FIRST_FILE = "volume-00.sqlite"
KNOWN = (
    "sqlite:///DIRECTORY (relative, or absolute with a fourth slash), redis://HOST:PORT, rediss://, redis+unix://, "
    "redis+cluster://, redis+sentinel://, memory:"
)


def open_journal(
    url: str,
    *,
    shards: int | None = None,
    volumes: int | None = None,
    volumes_if_new: int = 1,
    accept_data_loss: bool = False,
    wait_replicas: int = 0,
    create: bool = True,
) -> Journal:
    """Open the journal at `url`; the options are as in `SqliteJournal` and `RedisJournal`.

    One that is not there is created, or without `create` raises `JournalMismatch`: whoever only looks must not leave a
    journal behind. Raises ValueError for a URL of no known store.
    """
    if url == "memory:":
        return MemoryJournal(shards=shards or 16, volumes=volumes or volumes_if_new)
    if url.startswith(SQLITE_PREFIX) and (directory := url.removeprefix(SQLITE_PREFIX)):
        if not create and not (Path(directory) / FIRST_FILE).exists():
            raise JournalMismatch(f"there is no journal in {directory}")
        return SqliteJournal(Path(directory), shards=shards, volumes=volumes, volumes_if_new=volumes_if_new)
    if url.startswith(REDIS_PREFIXES):
        # A host on files starts without the client of a server that it doesn't use.
        from .redis import RedisJournal

        return RedisJournal(
            url,
            shards=shards,
            volumes=volumes,
            volumes_if_new=volumes_if_new,
            accept_data_loss=accept_data_loss,
            wait_replicas=wait_replicas,
            create=create,
        )
    raise ValueError(f"no journal is known for {url!r}: use one of {KNOWN}")
