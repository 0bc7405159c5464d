"""A message as it travels (RFC 5322): plain text, with HTML beside it where there is some, and files after it."""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import blake2b

from .port import MailRefused, Message


def composed(message: Message, sender: str, now_ms: int) -> EmailMessage:
    """The message with its headers; raises `MailRefused` for an address that can't be written."""
    mail = EmailMessage()
    try:
        mail["From"] = sender
        user, _, domain = message.to.rpartition("@")
        mail["To"] = Address(username=user, domain=domain)
        mail["Subject"] = " ".join(message.subject.split())
    except (ValueError, IndexError) as error:
        raise MailRefused(f"no mail can be written to this address: {error}") from error
    mail["Message-ID"] = message_id(message, sender)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now_ms / 1_000, UTC))
    # So that no autoresponder answers a machine.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    for attachment in message.attachments:
        main, _, sub = attachment.media_type.partition(";")[0].partition("/")
        mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
    return mail


def message_id(message: Message, sender: str) -> str:
    """The message's identity as a `Message-ID`: the same for the same mail, whoever sends it."""
    domain = sender.rpartition("@")[2].rstrip("> ") or "localhost"
    return f"<{digest_of(message)}@{domain}>"


def digest_of(message: Message) -> str:
    return blake2b(f"{message.id}\n{message.to}".encode(), digest_size=16).hexdigest()
