"""The keys of entities of a listed kind, in order, read from the journal: nobody keeps them in memory for it."""

from asyncio import gather

from actors.errors import Unavailable
from actors.journals.port import Journal, JournalError


class ListedKeys:
    """Pages through the keys of a kind, wherever they live."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def after(self, kind: str, after: str, limit: int) -> list[str]:
        """The next keys after one ("": from the first); raises `Unavailable` where the journal doesn't answer."""
        shards = range(self._journal.base_shards)
        try:
            found = await gather(*(self._journal.keys(shard, kind, after=after, limit=limit) for shard in shards))
        except JournalError as error:
            raise Unavailable(f"keys can't be listed: {error}") from error
        return sorted(key for keys in found for key in keys)[:limit]
