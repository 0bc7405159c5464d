"""The way to the feed process: a question by the name of a section and its method, and the answer as plain values."""

from collections.abc import Mapping
from typing import Any, Protocol

from actors.errors import Unavailable


class FeedDesk(Protocol):
    """Where replicas and the command line ask what the feed process knows."""

    async def ask(self, method: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """`method` is SECTION.NAME. Raises actors.errors.Unavailable where the process is away or has not begun, and
        actors.errors.FeedRefused."""
        ...


class Answers(Protocol):
    """Whatever answers in the process itself."""

    async def ask(self, method: str, arguments: Mapping[str, Any]) -> Any: ...


class LocalDesk:
    """Asks a feed process that is in this one."""

    def __init__(self, process: Answers) -> None:
        self._process = process

    async def ask(self, method: str, arguments: Mapping[str, Any] | None = None) -> Any:
        return await self._process.ask(method, arguments or {})


class NoDesk:
    """Where there is no feed process."""

    async def ask(self, method: str, arguments: Mapping[str, Any] | None = None) -> Any:
        raise Unavailable(f"nobody reads the feed here: {method}")
