"""Mails: their words, the embedded mailbox, and that nobody waits for them."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from actors.errors import Overloaded
from serve.mail import outbox as outbox_module
from serve.mail.address import SmtpAddress
from serve.mail.letters import Letters
from serve.mail.mailbox import Mailbox
from serve.mail.outbox import TRIES, Outbox
from serve.mail.port import MailRefused, MailUnavailable, Message

NOW_MS = 1_795_000_000_000
HELLO = Message("mail-1", "ada@example.org", "Hello", "Good morning.\n", "<p>Good morning.</p>")


class Failing:
    """Fails so many times, then takes what it gets."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.sent: list[Message] = []

    async def send(self, message: Message) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(message)


async def at_once(_seconds: float) -> None:
    """No time passes."""


def delivered(mailer: Failing, *messages: Message) -> list[Message]:
    async def deliver() -> None:
        outbox = Outbox(mailer, sleep=at_once)
        for message in messages:

            async def write(message: Message = message) -> Message:
                return message

            outbox.post(write)
        await outbox.idle()

    asyncio.run(deliver())
    return mailer.sent


def read(directory: Path) -> list[EmailMessage]:
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in (directory / "new").iterdir()]
    return [mail for mail in mails if isinstance(mail, EmailMessage)]


def test_a_mailbox_holds_each_mail_once(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path, "Shop <shop@example.org>", lambda: NOW_MS)
    for _ in range(2):
        asyncio.run(mailbox.send(HELLO))
    (mail,) = read(tmp_path)
    assert (mail["To"], mail["From"], mail["Subject"]) == ("ada@example.org", "Shop <shop@example.org>", "Hello")
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("to", ["ada@exam\nple.org", "", "no address"])
def test_an_address_cannot_smuggle_headers_in(tmp_path: Path, to: str) -> None:
    mailbox = Mailbox(tmp_path, "shop@example.org", lambda: NOW_MS)
    message = Message("mail-2", to, "Hello\nBcc: everybody@example.org", "x")
    try:
        asyncio.run(mailbox.send(message))
    except MailRefused:
        return
    (mail,) = read(tmp_path)
    assert mail["Bcc"] is None


def test_what_customers_say_of_themselves_is_no_html() -> None:
    letters = Letters("Doorbuster", "http://shop")
    letter = letters.write("password-changed", "ada@example.org", "id", {"name": "<script>alert(1)</script>"})
    assert "<script>" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert letter.subject == "Your password at Doorbuster was changed"


def test_a_letter_misses_nothing() -> None:
    with pytest.raises(Exception, match="link"):
        Letters("Doorbuster", "http://shop").write("reset-password", "ada@example.org", "id", {"minutes": 30})


def test_a_mail_is_tried_again_until_the_server_takes_it() -> None:
    assert delivered(Failing(MailUnavailable("busy"), MailUnavailable("busy")), HELLO) == [HELLO]


def test_a_refused_mail_is_not_tried_again() -> None:
    mailer = Failing(MailRefused("no such user"), MailUnavailable("never reached"))
    assert delivered(mailer, HELLO) == []
    assert len(mailer.failures) == 1


def test_a_mail_is_given_up_in_the_end() -> None:
    mailer = Failing(*(MailUnavailable("away") for _ in range(TRIES + 1)))
    assert delivered(mailer, HELLO) == []
    assert len(mailer.failures) == 1


def test_too_many_mails_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MOST_WAITING", 1)
    with pytest.raises(Overloaded):
        delivered(Failing(), HELLO, HELLO)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("smtp://mail.example", SmtpAddress("mail.example", 587, False, "", "")),
        ("smtps://ada:a%40b@mail.example:2465", SmtpAddress("mail.example", 2465, True, "ada", "a@b")),
    ],
)
def test_a_mail_server_is_named_by_a_url(url: str, address: SmtpAddress) -> None:
    assert SmtpAddress.of(url) == address


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://"])
def test_what_is_no_mail_server_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://"):
        SmtpAddress.of(url)
