"""The public contract of events: what happens in the shop is told as documented, with the same ids whenever it is read,
and the documents are what the code says and what their standards ask for."""

import collections
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker

from serve.feed.contract.catalogue import EVENT_TYPES
from serve.feed.contract.documents import documents, written
from serve.feed.contract.envelope import CloudEvent, encode
from serve.feed.contract.teller import Teller

from .shopfront import EMAIL, SHARDS, Shopfront, keyed, order_body
from .test_aftersales import Counter, lines, own
from .test_history import bring, order
from .visitor import Visitor

ROOT = Path(__file__).parents[3]
DOCUMENTS = ROOT / "docs" / "events"
LOW_UNITS = 3


@cache
def envelope() -> Draft202012Validator:
    return Draft202012Validator(documents()["cloudevent.json"], format_checker=FormatChecker())


@cache
def schema_of(event_type: str) -> Draft202012Validator:
    return Draft202012Validator(documents()[f"schemas/{event_type.removeprefix('doorbuster.')}.json"])


@pytest.fixture(scope="module")
def shop() -> Iterator[Shopfront]:
    with Shopfront() as front:
        busy_day(front)
        yield front


def busy_day(shop: Shopfront) -> None:
    """Something of everything."""
    shop.sell("RETRO-CLOCK", quantity=6)
    shop.sell("LAVA-LAMP", quantity=1)
    shop.sell("LAVA-LAMP", quantity=0, amount=2500)
    kept = shop.buy(("RETRO-CLOCK", 2), ("LAVA-LAMP", 1), key="kept").json()
    undone = shop.buy(("RETRO-CLOCK", 1), key="undone").json()["id"]
    shop.buy(("RETRO-CLOCK", 1), key="declined", token="tok_declined")
    ada = Visitor(shop, "carla@example.org").registered()
    ada.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=keyed("hers"))
    assert shop.post(f"/v1/orders/{undone}/cancel", json={"reason": "Ada's cat"}, admin=True).status_code == 200
    counter = Counter(shop, kept)
    counter.ship((0, 2), (1, 1))
    path, hers = own(kept, "/returns")
    asked = shop.post(path, json={"lines": lines((0, 1), reason="damaged")}, headers={**hers, **keyed("back")})
    name = f"returns/{asked.json()['after_sale']['returns'][0]['id']}"
    counter.post(f"{name}/answer", authorized=True)
    counter.post(f"{name}/receive")
    counter.post(f"{name}/inspect", lines=[{"line": 0, "restocked": 1, "written_off": 0}])
    counter.post(f"{name}/refund", restocking_fee=99)
    shop.delete("/v1/products/LAVA-LAMP", admin=True)
    shop.let_effects_run(0.05)


def told_by(shop: Shopfront, page: int = 500, teller: Teller | None = None, after: int = 0) -> list[CloudEvent]:
    """Everything that is told of what was recorded, read in pages of so many entries."""
    teller = teller or Teller(shop.journal, "http://shop", LOW_UNITS)

    async def told() -> list[CloudEvent]:
        found: list[CloudEvent] = []
        for shard in range(SHARDS):
            position = after
            while entries := await shop.journal.read(shard, position, page):
                found += await teller.tell(shard, entries)
                position = entries[-1].position
        return found

    return shop.run(told())


def counted(events: list[CloudEvent]) -> collections.Counter[str]:
    return collections.Counter(event.type.removeprefix("doorbuster.") for event in events)


def test_what_happens_is_told_once(shop: Shopfront) -> None:
    found = counted(told_by(shop))
    assert found["order.placed.v1"] == 4
    assert found["order.confirmed.v1"] == 3
    assert found["order.rejected.v1"] == 1
    assert found["order.cancelled.v1"] == 1
    assert found["order.shipped.v1"] == found["order.returned.v1"] == 1
    assert found["refund.created.v1"] == 2, "of the cancelled order, and of what came back"
    assert found["product.put.v1"] == 3
    assert found["product.removed.v1"] == 1
    assert found["customer.registered.v1"] == 1
    assert found["stock.out.v1"] == 1, "the lamp is sold out"
    assert found["stock.low.v1"] >= 1, "few clocks are left"


def test_every_event_is_as_its_schema_says(shop: Shopfront) -> None:
    for event in told_by(shop):
        content = json.loads(encode(event))
        envelope().validate(content)
        schema_of(event.type).validate(content["data"])
        assert content["dataschema"] == EVENT_TYPES[event.type.removeprefix("doorbuster.")].schema_id


def test_an_order_is_told_as_it_was_right_then(shop: Shopfront) -> None:
    events = [event for event in told_by(shop) if event.type.startswith("doorbuster.order.")]
    (cancelled,) = [event for event in events if event.type == "doorbuster.order.cancelled.v1"]
    its_own = [event for event in events if event.subject == cancelled.subject]
    assert [event.data.status for event in its_own] == ["reserving", "confirmed", "cancelled"]
    assert [event.sequence for event in its_own] == sorted(event.sequence for event in its_own)
    assert its_own[1].data.total.amount == 1999
    assert cancelled.data.customer_id is None
    hers = [event for event in events if event.data.customer_id is not None]
    assert [event.type for event in hers] == ["doorbuster.order.placed.v1", "doorbuster.order.confirmed.v1"]
    (back,) = [event.data for event in events if event.type == "doorbuster.order.returned.v1"]
    assert [(item.sku, item.quantity, item.reason) for item in back.items] == [("RETRO-CLOCK", 1, "damaged")]


def test_a_refund_says_how_much_went_back(shop: Shopfront) -> None:
    refunds = [event.data.amount.amount for event in told_by(shop) if event.type == "doorbuster.refund.created.v1"]
    assert sorted(refunds) == [1900, 1999]


def test_of_imported_history_only_the_products_and_accounts_that_came_with_it_are_told() -> None:
    with Shopfront() as shop:
        bring(shop, "orders", order(), order("536366", customer={"reference": "17851", "email": "old@example.org"}))
        back = {"reference": "C1", "order": "536365", "returned_at": "2010-12-02T09:41:00Z"}
        bring(shop, "returns", {**back, "lines": [{"line": 0, "quantity": 2, "amount": 678}]})
        credit = {"reference": "C2", "credited_at": "2010-12-02T09:49:00Z", "currency": "GBP"}
        bring(shop, "credits", {**credit, "lines": [{"kind": "discount", "amount": 500}]})
        shop.let_effects_run(0.05)
        found = told_by(shop)
    assert counted(found) == {"product.put.v1": 2, "customer.registered.v1": 1}, (
        "only one has an address, and can log in some day"
    )
    assert not any(event.data.on_sale for event in found if event.type == "doorbuster.product.put.v1")


def test_reading_again_makes_the_same_events_whatever_the_pages(shop: Shopfront) -> None:
    def strict(events: list[CloudEvent]) -> dict[str, bytes]:
        return {event.id: encode(event) for event in events if event.type != "doorbuster.stock.changed.v1"}

    whole = told_by(shop)
    assert len({event.id for event in whole}) == len(whole)
    assert strict(told_by(shop, page=3)) == strict(whole)
    # One that begins in the middle, as after a restart, folds what came before from the journal.
    middle = len(whole) // 2
    later = strict(told_by(shop, after=middle))
    assert later
    assert later.items() <= strict(whole).items()


def test_the_last_state_of_every_stock_is_told(shop: Shopfront) -> None:
    newest = {
        event.subject: event.data for event in told_by(shop, page=4) if event.type == "doorbuster.stock.changed.v1"
    }
    for key, data in newest.items():
        view = shop.catalogue.stock_at(*key.split("@"))
        assert (data.available, data.on_hand, data.reserved) == (view.available, view.on_hand, view.reserved)
    assert set(newest) == {"RETRO-CLOCK@default", "LAVA-LAMP@default"}


def test_no_event_says_who_somebody_is(shop: Shopfront) -> None:
    told = b"".join(encode(event) for event in told_by(shop))
    for secret in (EMAIL, "carla", "tok_", "Ada's cat"):
        assert secret.encode() not in told


def test_the_documents_are_what_the_code_says() -> None:
    stale = [
        name
        for name, document in documents().items()
        if not (DOCUMENTS / name).exists() or (DOCUMENTS / name).read_text() != written(document)
    ]
    assert not stale, f"run make contract: {stale}"
    assert {str(path.relative_to(DOCUMENTS)) for path in DOCUMENTS.rglob("*.json")} == documents().keys()


def test_the_documents_are_what_their_standards_ask_for() -> None:
    found = documents()
    Draft7Validator(json.loads((ROOT / "tests" / "data" / "asyncapi-3.0.0.json").read_text())).validate(
        found.pop("asyncapi.json")
    )
    for document in found.values():
        Draft202012Validator.check_schema(document)


def test_the_page_shows_an_event_as_it_is_and_names_every_type() -> None:
    page = (ROOT / "docs" / "events.md").read_text()
    shown = json.loads(page.partition("```json")[2].partition("```")[0])
    envelope().validate(shown)
    schema_of(shown["type"]).validate(shown["data"])
    assert set(shown) == set(CloudEvent.__struct_fields__)
    missing = [name for name in EVENT_TYPES if f"`{name.removesuffix('.v1')}`" not in page]
    assert not missing


def test_references_of_the_asyncapi_document_lead_somewhere() -> None:
    document = documents()["asyncapi.json"]

    def follow(node: Any) -> None:
        if isinstance(node, dict):
            if reference := node.get("$ref"):
                target = document
                for step in reference.removeprefix("#/").split("/"):
                    target = target[step]
            for value in node.values():
                follow(value)
        elif isinstance(node, list):
            for value in node:
                follow(value)

    follow(document)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_names_of_types_carry_their_version(name: str) -> None:
    assert name.rpartition(".")[2] == "v1"
    assert msgspec.inspect.type_info(EVENT_TYPES[name].data).cls is EVENT_TYPES[name].data
