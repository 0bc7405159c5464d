"""Mail by SMTP: `smtp://user:password@host:port` (STARTTLS where the server offers it) or `smtps://` (TLS at once)."""

import asyncio
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import parseaddr

import aiosmtplib
from aiosmtplib.email import flatten_message

from .address import SmtpAddress
from .composing import composed, message_id
from .port import MailRefused, MailUnavailable, Message

TIMEOUT_S = 20.0
SENT_KEPT = 10_000
"""Message ids that are remembered, so that a repeated message doesn't leave twice."""
_BUSY = range(400, 500)


class SmtpMailer:
    """Opens a connection for each message: mails are few, and an idle connection is one more thing that breaks."""

    def __init__(self, url: str, sender: str, now: Callable[[], int]) -> None:
        self._address = SmtpAddress.of(url)
        self._sender = sender
        self._now = now
        self._sent: dict[str, None] = {}
        self._turn = asyncio.Lock()

    async def send(self, message: Message) -> None:
        """Raises `MailUnavailable` or `MailRefused`."""
        identity = message_id(message, self._sender)
        if identity in self._sent:
            return
        address = self._address
        mail = await self._written(message)
        try:
            await aiosmtplib.send(
                mail,
                sender=parseaddr(self._sender)[1],
                recipients=[message.to],
                hostname=address.host,
                port=address.port,
                username=address.user or None,
                password=address.password or None,
                use_tls=address.tls,
                start_tls=None if not address.tls else False,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPResponseException as error:
            raise (MailUnavailable if error.code in _BUSY else MailRefused)(f"{error.code} {error.message}") from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            busy = all(refusal.code in _BUSY for refusal in error.recipients)
            raise (MailUnavailable if busy else MailRefused)("the recipient was refused") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailUnavailable(f"{address.host}:{address.port}: {error}") from error
        self._sent[identity] = None
        if len(self._sent) > SENT_KEPT:
            del self._sent[next(iter(self._sent))]

    async def _written(self, message: Message) -> EmailMessage | bytes:
        if not message.attachments:
            return composed(message, self._sender, self._now())
        # A file of some megabytes takes a third of a second to write: in a thread, and one after the other, so that
        # whatever else this process does goes on.
        async with self._turn:
            return await asyncio.to_thread(self._flattened, message)

    def _flattened(self, message: Message) -> bytes:
        # In seven bits: what the server can do is asked later.
        return flatten_message(composed(message, self._sender, self._now()), cte_type="7bit")
