"""Visitors' events over HTTP: each counts once, goes to whose it is, and to nobody who doesn't want to be known."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.visitor import UNLINKED_KEYS, UNLINKED_PREFIX, BehaviourRecorded, VisitorView
from serve.api.schemas.times import instant_of
from serve.behaviour import Visitors
from serve.events import LeanEvents
from serve.metrics.figures import tell_of_shop

from .shopfront import SHARDS, START_MS, Shopfront, kind_of
from .visitor import PASSWORD, Visitor

BROWSER = "browser-0001"
JSON = {"Content-Type": "application/json"}
DOCS = Path(__file__).parents[3] / "docs" / "behaviour.md"


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    with Shopfront(front=True) as front:
        yield front


def view(event_id: str, sku: str = "RETRO-CLOCK", **fields: Any) -> dict[str, Any]:
    return {"id": event_id, "type": "view", "sku": sku, **fields}


ORDER = "ord_" + "0123456789abcdef" * 2


def purchase(event_id: str, **fields: Any) -> dict[str, Any]:
    return {"id": event_id, "type": "purchase", "order_id": ORDER, **fields}


def tell(
    shop: Shopfront, *events: Mapping[str, Any], headers: Mapping[str, str] | None = None, **batch: Any
) -> httpx.Response:
    return shop.post("/v1/events", json={"events": list(events), **batch}, headers=headers or {})


def anonymous(shop: Shopfront, anonymous_id: str = BROWSER) -> VisitorView:
    return shop.run(Visitors(shop.client).anonymous(anonymous_id))


def ids(seen: VisitorView) -> list[str]:
    return [behaved.id for behaved in seen.recent]


def recorded(shop: Shopfront) -> dict[str, list[BehaviourRecorded]]:
    """What the journal says of each visitor."""
    found: dict[str, list[BehaviourRecorded]] = {}

    async def read() -> None:
        from actors.codec import codecs_of
        from engine.kinds import KINDS

        codec = codecs_of(KINDS)["visitor"]
        for shard in range(SHARDS):
            for entry in await shop.journal.read(shard, 0, 10_000):
                if entry.kind == "visitor":
                    events = [event for event in codec.decode_events(entry.events) if type(event) is BehaviourRecorded]
                    found.setdefault(entry.key, []).extend(events)

    shop.run(read())
    return found


def test_a_batch_is_recorded_and_a_repeated_one_is_known(shop: Shopfront) -> None:
    first = tell(shop, view("e-1"), {"id": "e-2", "type": "search", "query": "clock"}, anonymous_id=BROWSER)
    assert (first.status_code, first.json()) == (202, {"recorded": 2, "repeated": 0})
    again = tell(shop, view("e-1"), view("e-3"), anonymous_id=BROWSER)
    assert (again.status_code, again.json()) == (202, {"recorded": 1, "repeated": 1})
    assert ids(anonymous(shop)) == ["e-1", "e-2", "e-3"]


def test_everything_that_an_event_says_is_kept_and_what_the_product_was(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", category=["Home", "Clocks"], vendor="Acme", amount=1999)
    said = {
        **view("e-1", at="2026-11-18T15:00:00Z", position=3, placement="home", recommendation_id="rec_1", quantity=2),
        "session_id": "visit-0001",
    }
    assert tell(shop, said, view("e-2", "UNKNOWN"), anonymous_id=BROWSER, session_id="visit-0000").status_code == 202
    (event,) = recorded(shop)[f"anon_{BROWSER}"]
    behaved, other = event.events
    assert (behaved.rank, behaved.placement, behaved.list_id, behaved.quantity) == (3, "home", "rec_1", 2)
    assert (behaved.session, other.session) == ("visit-0001", "visit-0000")
    assert (event.shown["RETRO-CLOCK"].category, event.shown["RETRO-CLOCK"].price.amount) == ("Home > Clocks", 1999)
    assert "UNKNOWN" not in event.shown


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (0, 0),
        (-60_000, -60_000),
        (90_000, 0),
        (-100 * 3_600_000, -72 * 3_600_000),
    ],
    ids=["now", "a minute ago", "in the future", "four days ago"],
)
def test_a_clock_is_believed_for_three_days_and_never_ahead(shop: Shopfront, said: int, kept: int) -> None:
    from serve.api.answers import timestamp

    tell(shop, view("e-1", at=timestamp(START_MS + said)), anonymous_id=BROWSER)
    assert anonymous(shop).recent[0].at == START_MS + kept


def test_a_sender_that_tells_its_time_is_corrected_by_it(shop: Shopfront) -> None:
    from serve.api.answers import timestamp

    wrong_by = 3_600_000
    at, sent_at = timestamp(START_MS + wrong_by - 5_000), timestamp(START_MS + wrong_by)
    tell(shop, view("e-1", at=at), anonymous_id=BROWSER, sent_at=sent_at)
    assert anonymous(shop).recent[0].at == START_MS - 5_000


def test_a_batch_of_many_visitors_is_one_command_for_each(shop: Shopfront) -> None:
    events = [view(f"e-{number}", anonymous_id=f"browser-{number % 5:04}") for number in range(50)]
    before = shop.commands
    assert tell(shop, *events).json()["recorded"] == 50
    assert shop.commands == before + 5
    assert ids(anonymous(shop, "browser-0003")) == [f"e-{number}" for number in range(3, 50, 5)]


@pytest.mark.parametrize(
    ("batch", "headers"),
    [
        ({"consent": False}, {}),
        ({}, {"DNT": "1"}),
        ({"consent": True}, {"Sec-GPC": "1"}),
    ],
    ids=["no consent", "do not track", "global privacy control"],
)
def test_of_whoever_does_not_want_to_be_known_nothing_personal_is_kept(
    shop: Shopfront, batch: Mapping[str, Any], headers: Mapping[str, str]
) -> None:
    ada = Visitor(shop).registered()
    event = view("e-1", recommendation_id="rec_1", session_id="visit-0001")
    for who in ({}, ada.header):
        told = tell(shop, event, headers={**headers, **who}, anonymous_id=BROWSER, **batch)
        assert told.status_code == 202
    assert ids(anonymous(shop)) == []
    assert ada.get("/v1/me/behaviour").json()["items"] == []
    said = recorded(shop)
    assert [key.startswith(UNLINKED_PREFIX) for key in said] == [True]
    ((behaved,),) = ([event.events for event in events] for events in said.values())
    assert [(each.session, each.list_id, each.sku) for each in behaved] == [("", "", "RETRO-CLOCK")]


def test_a_purchase_names_its_order_and_nothing_that_the_order_tells_itself(shop: Shopfront) -> None:
    said = purchase("e-1", sku="RETRO-CLOCK", quantity=900)
    assert tell(shop, said, view("e-2", order_id=ORDER), anonymous_id=BROWSER).json()["recorded"] == 2
    bought, viewed = anonymous(shop).recent
    assert (bought.action, bought.order_id, bought.sku, bought.quantity) == ("purchase", ORDER, "", 0)
    assert viewed.order_id == ""


def test_an_order_of_whoever_does_not_want_to_be_known_is_tied_to_nobody(shop: Shopfront) -> None:
    assert tell(shop, purchase("e-1"), anonymous_id=BROWSER, headers={"DNT": "1"}).status_code == 202
    ((event,),) = recorded(shop).values()
    assert [each.order_id for each in event.events] == [""]


def test_one_event_of_a_batch_may_say_that_its_visitor_does_not_consent(shop: Shopfront) -> None:
    tell(shop, view("e-1"), view("e-2", consent=False), anonymous_id=BROWSER)
    assert ids(anonymous(shop)) == ["e-1"]
    tell(shop, view("e-3"), view("e-4", consent=True), anonymous_id=BROWSER, consent=False)
    assert ids(anonymous(shop)) == ["e-1", "e-4"]


def test_events_of_nobody_in_particular_are_spread_and_still_count_once(shop: Shopfront) -> None:
    events = [view(f"e-{number}") for number in range(40)]
    assert tell(shop, *events).json() == {"recorded": 40, "repeated": 0}
    assert tell(shop, *events[::-2]).json() == {"recorded": 0, "repeated": 20}
    assert len(recorded(shop)) == UNLINKED_KEYS


def test_what_a_browser_did_is_the_customers_after_the_login(shop: Shopfront) -> None:
    ada = Visitor(shop).registered()
    tell(shop, view("e-1"), anonymous_id=BROWSER)
    assert ada.log_in(anonymous_id=BROWSER).status_code == 200
    assert [item["id"] for item in ada.get("/v1/me/behaviour").json()["items"]] == ["e-1"]
    assert ids(anonymous(shop)) == []


def test_a_customer_who_sends_events_with_the_browsers_id_takes_over_what_it_did(shop: Shopfront) -> None:
    ada = Visitor(shop).registered()
    tell(shop, view("e-1"), anonymous_id=BROWSER)
    assert tell(shop, view("e-2"), headers=ada.header, anonymous_id=BROWSER).json()["recorded"] == 1
    shop.let_effects_run(0.05)
    assert {item["id"] for item in ada.get("/v1/me/behaviour").json()["items"]} == {"e-1", "e-2"}
    assert ids(anonymous(shop)) == []


def test_a_login_with_an_id_that_no_browser_can_have_still_logs_in(shop: Shopfront) -> None:
    ada = Visitor(shop).registered()
    assert ada.log_in(anonymous_id="?").status_code == 200


def test_a_customer_sees_what_they_did_and_what_was_learned(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", category=["Home", "Clocks"], vendor="Acme", amount=1999)
    shop.sell("DESK-LAMP", category=["Home", "Lamps"], vendor="Acme", amount=8900)
    ada = Visitor(shop).registered()
    ada.request("PUT", "/v1/me/preferences", json={"preferences": {"newsletter": "yes"}})
    tell(shop, view("e-1"), view("e-2", "DESK-LAMP") | {"type": "add_to_cart"}, headers=ada.header)
    behaviour = ada.get("/v1/me/behaviour").json()
    assert [item["type"] for item in behaviour["items"]] == ["add_to_cart", "view"]
    assert ada.get("/v1/me/preferences").json() == {
        "preferences": {"newsletter": "yes"},
        "categories": [{"name": "Home > Lamps", "share": 0.8}, {"name": "Home > Clocks", "share": 0.2}],
        "vendors": [{"name": "Acme", "share": 1.0}],
        "prices": [
            {"currency": "USD", "from_amount": 5000, "to_amount": 10000, "share": 0.8},
            {"currency": "USD", "from_amount": 1000, "to_amount": 2500, "share": 0.2},
        ],
    }


def test_what_is_older_than_the_shop_keeps_it_is_not_shown(shop: Shopfront) -> None:
    ada = Visitor(shop).registered()
    tell(shop, view("e-1"), headers=ada.header)
    shop.clock.advance(366 * 86_400_000)
    assert ada.log_in().status_code == 200
    assert ada.get("/v1/me/behaviour").json()["items"] == []


def test_a_customer_can_have_it_forgotten(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    ada = Visitor(shop).registered()
    tell(shop, view("e-1"), anonymous_id=BROWSER)
    ada.log_in(anonymous_id=BROWSER)
    tell(shop, view("e-2"), anonymous_id=BROWSER)
    assert ada.request("DELETE", "/v1/me/behaviour").status_code == 204
    assert ada.request("DELETE", "/v1/me/behaviour").status_code == 204
    assert ada.get("/v1/me/behaviour").json() == {"recorded": 0, "items": []}
    assert ada.get("/v1/me/preferences").json()["prices"] == []
    assert ids(anonymous(shop)) == []


def test_an_erased_customer_is_forgotten_and_never_recorded_again(shop: Shopfront) -> None:
    ada = Visitor(shop).registered()
    tell(shop, view("e-1"), headers=ada.header)
    assert ada.post("/v1/me/erasure", json={"password": PASSWORD}).status_code == 204
    assert tell(shop, view("e-2"), headers=ada.header).json() == {"recorded": 0, "repeated": 0}
    assert ada.get("/v1/me/behaviour").json() == {"recorded": 0, "items": []}


def test_only_the_staff_may_send_in_a_customers_name(shop: Shopfront) -> None:
    event = view("e-1", customer_id="acc_ada")
    assert kind_of(tell(shop, event)) == "forbidden"
    assert kind_of(tell(shop, event, headers=shop.token("acc_bob"))) == "forbidden"
    assert tell(shop, event, headers=shop.token("acc_carla", "merchant")).json()["recorded"] == 1
    assert ids(shop.run(Visitors(shop.client).customer("acc_ada"))) == ["e-1"]


def test_the_staff_sees_how_much_is_told(shop: Shopfront) -> None:
    tell(shop, view("e-1"), view("e-2", consent=False), anonymous_id=BROWSER)
    tell(shop, view("e-1"), anonymous_id=BROWSER)
    tell_of_shop(shop.shop)
    told = shop.get("/metrics", admin=True).text
    for figure in ('events_total{outcome="recorded"} 2.0', 'events_total{outcome="repeated"} 1.0'):
        assert f"doorbuster_behaviour_{figure}" in told
    assert "doorbuster_behaviour_batches_total 2.0" in told
    assert "doorbuster_behaviour_unlinked_total 1.0" in told


def test_the_example_of_the_docs_is_what_the_shop_takes_and_says(shop: Shopfront) -> None:
    shop.clock.ms = instant_of("2026-11-22T12:00:00Z")
    page = DOCS.read_text()
    asked, answered = (
        re.search(r"application/json\n\n(.*?)```", page, re.S),
        re.search(r"```json\n(.*?)```", page, re.S),
    )
    assert asked
    assert answered
    told = shop.post("/v1/events", content=asked[1], headers=JSON)
    assert (told.status_code, told.json()) == (202, json.loads(answered[1]))
    assert anonymous(shop, "kq3v9x7c1m5n8b2z").recent[0].at == shop.clock.ms - 14 * 60_000


WRONG: dict[str, tuple[Any, str]] = {
    "no events": ({"events": []}, "#/events"),
    "too many": ({"events": [view(f"e-{number}") for number in range(101)]}, "#/events"),
    "no id": ({"events": [view("e-1"), {"type": "view", "sku": "A"}]}, "#/events/1/id"),
    "a long id": ({"events": [view("e" * 65)]}, "#/events/0/id"),
    "an unknown type": ({"events": [view("e-1") | {"type": "theft"}]}, "#/events/0/type"),
    "no order": ({"events": [view("e-1") | {"type": "purchase"}]}, "#/events/0"),
    "another's number": ({"events": [purchase("e-1", order_id="1001")]}, "#/events/0/order_id"),
    "no sku": ({"events": [view("e-1"), {"id": "e-2", "type": "click"}]}, "#/events/1"),
    "no query": ({"events": [{"id": "e-2", "type": "search"}]}, "#/events/0"),
    "an odd sku": ({"events": [view("e-1", "a@b")]}, "#/events/0/sku"),
    "no time": ({"events": [view("e-1", at="yesterday")]}, "#/events/0/at"),
    "a time before ours": ({"events": [view("e-1", at="1960-01-01T00:00:00Z")]}, "#/events/0/at"),
    "a place below the first": ({"events": [view("e-1", position=0)]}, "#/events/0/position"),
    "an unknown field": ({"events": [view("e-1", colour="red")]}, "#/events/0/colour"),
    "a short anonymous id": ({"events": [view("e-1")], "anonymous_id": "x"}, "#/anonymous_id"),
    "consent as a text": ({"events": [view("e-1")], "consent": "no"}, "#/consent"),
}


@pytest.mark.parametrize(("body", "pointer"), WRONG.values(), ids=WRONG)
def test_a_batch_with_a_fault_is_refused_whole_and_the_event_is_named(
    shop: Shopfront, body: Mapping[str, Any], pointer: str
) -> None:
    refused = shop.post("/v1/events", json={"anonymous_id": BROWSER, **body})
    assert (refused.status_code, kind_of(refused)) == (422, "invalid-request")
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    assert recorded(shop) == {}


COMMON = json.dumps({"events": [view("e-1", at="2026-11-18T15:00:00Z")], "anonymous_id": BROWSER}).encode()
BOTH_WAYS: dict[str, tuple[bytes, Mapping[str, str]]] = {
    "the common form": (COMMON, JSON),
    "broken JSON": (COMMON[:-2], JSON),
    "another media type": (COMMON, {"Content-Type": "text/plain"}),
    "too large": (b" " * 70_000 + COMMON, JSON),
    "a wrong token": (COMMON, {**JSON, "Authorization": "Bearer wrong"}),
    "the staff": (COMMON, {**JSON, "Authorization": "Bearer correct-horse-battery-staple"}),
    "do not track": (COMMON, {**JSON, "DNT": "1"}),
    "no sku": (COMMON.replace(b'"sku": "RETRO-CLOCK", ', b""), JSON),
}


def test_a_body_in_pieces_is_put_together(shop: Shopfront) -> None:
    pieces = [COMMON[:20], COMMON[20:50], COMMON[50:]]
    scope = {"type": "http", "query_string": b"", "headers": [(b"content-type", b"application/json")]}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    answer = shop.run(LeanEvents(shop.shop).answer(scope, receive))
    assert not isinstance(answer, list)
    assert (answer.status, answer.body) == (202, b'{"recorded":1,"repeated":0}')


@pytest.mark.parametrize(("body", "headers"), BOTH_WAYS.values(), ids=BOTH_WAYS)
def test_the_lean_way_and_the_application_answer_the_same(body: bytes, headers: Mapping[str, str]) -> None:
    answers = []
    for front in (True, False):
        with Shopfront(front=front) as shop:
            answer = shop.post("/v1/events", content=body, headers=headers)
            told = dict(answer.headers)
            assert told.pop("x-request-id")
            answers.append((answer.status_code, told, answer.content, recorded(shop)))
    assert answers[0] == answers[1]
