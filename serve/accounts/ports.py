"""What accounts need of the process that they are in: the way to entities, and settings."""

from typing import Protocol

from engine.kernel import Command, Reply


class Sender(Protocol):
    """The way to entities."""

    async def send(self, kind: str, key: str, command: Command, *, settle_s: float = 0.0) -> Reply: ...


class AccountSettings(Protocol):
    """The settings that are read here."""

    @property
    def public_url(self) -> str: ...

    @property
    def shop_name(self) -> str: ...

    @property
    def mail_templates(self) -> str: ...

    @property
    def session_days(self) -> int: ...
