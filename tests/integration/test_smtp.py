"""Mail by SMTP, against a real server."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from loadtest.processes import free_port
from serve.mail.port import Attachment, MailRefused, MailUnavailable, Message
from serve.mail.smtp import SmtpMailer

# The server of these tests finds fault with itself: on loopback a login needs no TLS.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning"),
]

HELLO = Message("mail-1", "ada@example.org", "Guten Morgen, Zoë", "Good morning.\n", "<p>Good morning.</p>")


class Inbox:
    """Takes mails, unless it is told to answer something else."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answers: list[str] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        self.mails.append(envelope)
        return "250 OK"


def allowed(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"shop", b"p@ss")
    return AuthResult(success=right, handled=False)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server(inbox: Inbox) -> Iterator[Controller]:
    controller = Controller(
        inbox, hostname="127.0.0.1", port=free_port(), authenticator=allowed, auth_required=True, auth_require_tls=False
    )
    controller.start()
    yield controller
    controller.stop()


def mailer(server: Controller, user: str = "shop:p%40ss") -> SmtpMailer:
    return SmtpMailer(f"smtp://{user}@127.0.0.1:{server.port}", "Shop <shop@example.org>", lambda: 1_795_000_000_000)


def test_a_mail_arrives_once(server: Controller, inbox: Inbox) -> None:
    sending = mailer(server)
    for _ in range(2):
        asyncio.run(sending.send(HELLO))
    (mail,) = inbox.mails
    assert mail.rcpt_tos == ["ada@example.org"]
    assert b"Message-ID: <" in mail.content
    assert b"Good morning." in mail.content


def test_a_busy_server_is_asked_again(server: Controller, inbox: Inbox) -> None:
    sending = mailer(server)
    inbox.answers = ["451 come back later"]
    with pytest.raises(MailUnavailable, match="451"):
        asyncio.run(sending.send(HELLO))
    asyncio.run(sending.send(HELLO))
    assert len(inbox.mails) == 1


def test_what_a_server_never_takes_is_refused(server: Controller, inbox: Inbox) -> None:
    with pytest.raises(MailRefused):
        asyncio.run(mailer(server).send(Message("mail-2", "nobody@example.org", "Hello", "x")))
    inbox.answers = ["554 spam"]
    with pytest.raises(MailRefused, match="554"):
        asyncio.run(mailer(server).send(HELLO))
    with pytest.raises(MailRefused, match="535"):
        asyncio.run(mailer(server, "shop:wrong").send(HELLO))


def test_a_server_that_is_away_is_asked_again() -> None:
    sending = SmtpMailer(f"smtp://127.0.0.1:{free_port()}", "shop@example.org", lambda: 1_795_000_000_000)
    with pytest.raises(MailUnavailable):
        asyncio.run(sending.send(HELLO))


def test_a_file_arrives_as_it_was_sent(server: Controller, inbox: Inbox) -> None:
    content = bytes(range(256)) * 40
    file = Attachment("sales-2026-11-18.parquet", "application/vnd.apache.parquet", content)
    asyncio.run(mailer(server).send(replace(HELLO, attachments=(file,))))
    (envelope,) = inbox.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("shop@example.org", ["ada@example.org"])
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert mail["Subject"] == HELLO.subject
    (part,) = mail.iter_attachments()
    assert (part.get_filename(), part.get_content()) == (file.name, content)
