"""The composition of a process's accounts: mailer, outbox, letters, passwords."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from engine.kernel import Instant

from ..access.access import Access
from ..mail.letters import Letters
from ..mail.mailbox import Mailbox
from ..mail.outbox import Outbox
from ..mail.port import Mailer
from ..mail.smtp import SmtpMailer
from .passwords import Passwords
from .ports import AccountSettings, Sender
from .service import Accounts


class MailSettings(AccountSettings, Protocol):
    """The settings that are read here."""

    @property
    def smtp_url(self) -> SecretStr: ...

    @property
    def mail_from(self) -> str: ...

    @property
    def data(self) -> Path: ...


def mailer_of(settings: MailSettings, now: Callable[[], Instant]) -> Mailer:
    """SMTP where there is a server, else a mailbox in the data directory."""
    url = settings.smtp_url.get_secret_value()
    if url:
        return SmtpMailer(url, settings.mail_from, now)
    return Mailbox(settings.data / "mail", settings.mail_from, now)


def letters_of(settings: AccountSettings) -> Letters:
    directory = settings.mail_templates
    return Letters(settings.shop_name, settings.public_url, Path(directory) if directory else None)


def accounts_of(
    client: Sender,
    settings: MailSettings,
    access: Access,
    *,
    secret: bytes,
    now: Callable[[], Instant],
    new_id: Callable[[], str],
) -> Accounts:
    """The accounts of one process."""
    outbox = Outbox(mailer_of(settings, now))
    letters = letters_of(settings)
    return Accounts(client, settings, access, outbox, letters, Passwords(), secret=secret, now=now, new_id=new_id)
