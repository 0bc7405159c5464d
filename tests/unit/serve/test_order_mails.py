"""Mails about orders: one for each thing that happens, in the customer's language, and never two of one kind."""

from pathlib import Path
from typing import Any

import pytest

from engine.money import Money
from serve.feed.mails import MailConsumer
from serve.mail.amounts import shown_amount
from serve.mail.composing import message_id
from serve.mail.letters import Letters, names_of
from serve.mail.port import MailRefused, MailUnavailable, Message

from .shopfront import EMAIL, Shopfront

CLOCK = "RETRO-CLOCK"


class Postman:
    """Takes mails, unless told to fail with these first."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.mails: dict[str, Message] = {}

    async def send(self, message: Message) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.mails.setdefault(message.id, message)

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.mails.values()]


def feed(shop: Shopfront, postman: Postman, directory: Path | None = None) -> MailConsumer:
    consumer = MailConsumer(shop.client, Letters("Clocks & Co", "https://clocks.example", directory), postman)
    shop.read_feed(consumer)
    return consumer


def cancel(shop: Shopfront, bought: Any) -> None:
    token = {"Authorization": f"Bearer {bought['access_token']}"}
    assert shop.post(f"/v1/orders/{bought['id']}/cancel", headers=token).status_code == 200


def test_a_bought_and_cancelled_order_is_written_about_three_times(shop: Shopfront) -> None:
    postman = Postman()
    consumer = feed(shop, postman)
    shop.sell(CLOCK)
    bought = shop.buy((CLOCK, 2)).json()
    cancel(shop, bought)
    shop.read_feed(consumer)
    confirmed, cancelled, refunded = postman.mails.values()
    assert "is cancelled" in cancelled.subject
    assert ("39.98 USD" in refunded.text, "39.98 USD" in confirmed.text, "2 x Retro-Clock" in confirmed.text) == (
        True,
        True,
        True,
    )
    assert {mail.to for mail in postman.mails.values()} == {EMAIL}
    assert "Clocks &amp; Co" in confirmed.html


def test_what_was_never_confirmed_is_not_written_about(shop: Shopfront) -> None:
    postman = Postman()
    consumer = feed(shop, postman)
    shop.sell(CLOCK)
    shop.buy((CLOCK, 1), token="tok_declined")
    cancel(shop, shop.buy((CLOCK, 1), key="key-2", token="tok_async", Prefer="respond-async").json())
    shop.read_feed(consumer)
    assert postman.subjects == []


def test_a_successor_that_reads_again_writes_the_same_mails(shop: Shopfront) -> None:
    shop.sell(CLOCK)
    cancel(shop, shop.buy((CLOCK, 1)).json())
    written = []
    for _ in range(2):
        postman = Postman()
        consumer = MailConsumer(shop.client, Letters("Clocks & Co", "https://clocks.example"), postman)
        for shard in shop.run(shop.journal.shards()):
            shop.run(consumer.take(shard, shop.run(shop.journal.read(shard, 0))))
        written.append({message_id(mail, "shop@example.org") for mail in postman.mails.values()})
    assert written[0] == written[1]
    assert len(written[0]) == 3, "each of its own"


def test_while_the_server_is_away_nothing_is_lost(shop: Shopfront) -> None:
    postman = Postman(MailUnavailable("busy"))
    consumer = feed(shop, postman)
    shop.sell(CLOCK)
    shop.buy((CLOCK, 1))
    with pytest.raises(Exception, match="busy"):
        shop.read_feed(consumer)
    shop.read_feed(consumer)
    assert len(postman.mails) == 1


def test_a_mail_that_is_refused_holds_up_no_other(shop: Shopfront) -> None:
    postman = Postman(MailRefused("no such mailbox"))
    consumer = feed(shop, postman)
    shop.sell(CLOCK)
    shop.buy((CLOCK, 1))
    shop.buy((CLOCK, 1), key="key-2")
    shop.read_feed(consumer)
    assert len(postman.mails) == 1


def test_the_merchants_own_words_come_first(shop: Shopfront, tmp_path: Path) -> None:
    (tmp_path / "order-confirmed.txt").write_text("Subject: Hooray, {{ number }}!\n\n{{ total }}")
    postman = Postman()
    consumer = feed(shop, postman, tmp_path)
    shop.sell(CLOCK)
    shop.buy((CLOCK, 1))
    shop.read_feed(consumer)
    (mail,) = postman.mails.values()
    assert (mail.subject[:7], mail.text, "is confirmed" in mail.html) == ("Hooray,", "19.99 USD", True)


def test_a_letter_is_in_the_language_that_there_is(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "order-cancelled.txt").write_text("Subject: Bestellung {{ number }} storniert\n\n{{ reason }}")
    letters = Letters("Uhren", "https://uhren.example", tmp_path)
    values = {"number": "7", "reason": ""}
    german = letters.write("order-cancelled", EMAIL, "1", values, "de-AT")
    assert german.subject == "Bestellung 7 storniert"
    assert "is cancelled" in letters.write("order-cancelled", EMAIL, "1", values, "fr").subject
    assert names_of("x", "../../etc") == ["x"]
    assert names_of("x", "de_AT") == ["de-AT/x", "de/x", "x"]


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(1999, "USD", "19.99 USD"), (5, "EUR", "0.05 EUR"), (1200, "JPY", "1200 JPY"), (1234, "KWD", "1.234 KWD")],
)
def test_amounts_have_their_currencys_decimals(amount: int, currency: str, shown: str) -> None:
    assert shown_amount(Money(amount, currency)) == shown
