"""What is left of a customer who wants to be forgotten: nothing in answers, and nothing in a redacted journal."""

import pytest

from actors.journals.trimming import Trimmed
from serve.cli.journal_redact import redact_journal

from .shopfront import SHARDS, Shopfront, keyed, order_body
from .visitor import PASSWORD, Visitor

TELLING = (b"ada@example.org", b"Lovelace", b"St James", b"argon2", b"newsletter", b"engagement ring")


@pytest.fixture(autouse=True)
def _checkpoints_come_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.shard.MIN_ENTRIES_BETWEEN_CHECKPOINTS", 1)


def recorded(shop: Shopfront) -> bytes:
    """Everything that the journal says."""

    async def read() -> bytes:
        said = b""
        for shard in range(SHARDS):
            entries = await shop.journal.read(shard, 0, 100_000)
            said += b"".join(entry.events for entry in entries)
            async for addresses in shop.journal.entities(shard):
                said += b"".join(base.state for base in await shop.journal.bases(shard, addresses) if base)
                said += b"".join(
                    each.snapshot.state for each in await shop.journal.load(shard, addresses) if each.snapshot
                )
        return said

    return shop.run(read())


def redacted(shop: Shopfront) -> tuple[int, Trimmed]:
    return shop.run(redact_journal(shop.journal, shop.clock() + 1, lambda doing, done, total: None))


def customer_with_a_past(shop: Shopfront) -> tuple[Visitor, str]:
    shop.sell("RETRO-CLOCK")
    ada = Visitor(shop).registered()
    ada.request("PUT", "/v1/me/profile", json={"name": "Ada Lovelace"})
    home = {"name": "Ada Lovelace", "line1": "12 St James's Square", "city": "London", "country": "GB"}
    ada.request("PUT", "/v1/me/addresses/home", json=home)
    ada.request("PUT", "/v1/me/preferences", json={"preferences": {"newsletter": "yes"}})
    searched = {"id": "e-1", "type": "search", "query": "engagement ring"}
    shop.post("/v1/events", json={"anonymous_id": "browser-0001", "events": [searched]})
    assert ada.log_in(anonymous_id="browser-0001").status_code == 200
    placed = ada.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=keyed("key-1")).json()
    return ada, placed["id"]


def test_nothing_tells_of_an_erased_customer_once_the_journal_is_redacted(shop: Shopfront) -> None:
    ada, order_id = customer_with_a_past(shop)
    shop.sell("DESK-LAMP")
    guest = shop.buy(("DESK-LAMP", 1), key="a-guest", email="bob@example.org").json()
    assert ada.post("/v1/me/erasure", json={"password": PASSWORD}).status_code == 204
    assert all(word in recorded(shop) for word in TELLING)
    # Checkpoints come with later entries.
    for number in range(20):
        shop.sell(f"LATER-{number}", quantity=1)
    accounts, found = redacted(shop)
    assert accounts == 1
    assert found.removed > 5
    said = recorded(shop)
    assert [word for word in TELLING if word in said] == []
    assert b"bob@example.org" in said
    order = shop.get(f"/v1/orders/{order_id}", admin=True).json()
    assert (order["status"], order["email"], order["lines"][0]["sku"]) == ("confirmed", "", "RETRO-CLOCK")
    assert shop.get(f"/v1/orders/{guest['id']}", admin=True).json()["email"] == "bob@example.org"
    assert redacted(shop)[0] == 1


def test_a_redaction_leaves_the_living_alone(shop: Shopfront) -> None:
    ada, _ = customer_with_a_past(shop)
    for number in range(20):
        shop.sell(f"LATER-{number}", quantity=1)
    assert redacted(shop) == (0, Trimmed(0, 0))
    assert ada.get("/v1/me").json()["profile"]["name"] == "Ada Lovelace"
