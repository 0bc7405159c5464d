"""The mailer port: how a message reaches a mailbox.

MailError
|-- MailUnavailable  retryable: no answer was heard, and the message may have left
`-- MailRefused      for good: the address or the message isn't taken
"""

from dataclasses import dataclass
from typing import Protocol


class MailError(Exception):
    """Base of all mail errors."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MailUnavailable(MailError, ConnectionError):
    """The server could not be reached or is busy: send the same message again."""


class MailRefused(MailError):
    """The server will never take this message."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that comes with a mail."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person; `id` is its identity: the same mail, however often it is sent."""

    id: str
    to: str
    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()


class Mailer(Protocol):
    """A way out for mails.

    Guarantees: a message whose id was sent before is not sent again, as far as the mailer remembers; beyond that its
    `Message-ID` lets the reader's side tell.
    """

    async def send(self, message: Message) -> None:
        """Send it, or raise `MailError`."""
        ...
