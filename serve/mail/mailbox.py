"""The embedded mailer: a Maildir below the data directory, for trials and tests. Any mail program opens it."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from .composing import composed, digest_of
from .port import MailUnavailable, Message

MOST_KEPT = 10_000
"""Mails; the oldest leave first."""
COUNTED_EVERY = 500
"""Mails after which the folder is looked through again: it can hold so many more for a while."""


class Mailbox:
    """Writes each message into a file that is named by the message's identity: sent twice, it is there once."""

    def __init__(self, directory: Path, sender: str, now: Callable[[], int]) -> None:
        self._directory = directory
        self._sender = sender
        self._now = now
        self._written = MOST_KEPT
        """Mails since the oldest were let go: so many there may be before they are counted for the first time."""

    async def send(self, message: Message) -> None:
        """Raises `MailUnavailable` if the file can't be written."""
        await asyncio.to_thread(self._write, message)

    def _write(self, message: Message) -> None:
        content = composed(message, self._sender, self._now()).as_bytes()
        new = self._directory / "new"
        file = new / digest_of(message)
        try:
            for folder in ("new", "cur", "tmp"):
                (self._directory / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            if file.exists() or (self._directory / "cur" / f"{file.name}:2,S").exists():
                return
            draft = self._directory / "tmp" / f"{file.name}.{os.getpid()}"
            draft.write_bytes(content)
            draft.rename(file)
            self._let_go(new)
        except OSError as error:
            raise MailUnavailable(f"{file}: {error.strerror}") from error

    def _let_go(self, folder: Path) -> None:
        self._written += 1
        if self._written < COUNTED_EVERY:
            return
        self._written = 0
        files = list(folder.iterdir())
        if len(files) > MOST_KEPT:
            for oldest in sorted(files, key=lambda file: file.stat().st_mtime)[: len(files) - MOST_KEPT]:
                oldest.unlink(missing_ok=True)
