"""Flash sales over HTTP: prices by the clock, the allotment, the line and its tickets."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from serve.api import line_stream
from serve.tickets import read_ticket, ticket_of
from tests.wire import Wire

from .shopfront import SECRET, START_MS, Shopfront, keyed, kind_of, order_body

FRIDAY = "RETRO-CLOCK@friday"
MINUTE_MS = 60_000
REGULAR, REDUCED = 1999, 999


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    with Shopfront(front=True) as front:
        front.sell("RETRO-CLOCK", quantity=100, amount=REGULAR)
        yield front


def at(minutes: float) -> str:
    """An instant so many minutes after the tests' beginning."""
    return datetime.fromtimestamp((START_MS + minutes * MINUTE_MS) / 1_000, UTC).isoformat()


def sale_body(**changes: Any) -> dict[str, Any]:
    """A sale from the tenth to the seventieth minute."""
    return {
        "price": {"amount": REDUCED, "currency": "USD"},
        "allotment": 3,
        "starts_at": at(10),
        "ends_at": at(70),
        "line": "never",
        **changes,
    }


def schedule(shop: Shopfront, sale: str = FRIDAY, **changes: Any) -> Any:
    return shop.put(f"/v1/admin/sales/{sale}", json=sale_body(**changes), admin=True)


def advance(shop: Shopfront, minutes: float) -> None:
    """Let time pass in steps in which every reminder finds its turn."""
    shop.clock.advance(round(minutes * MINUTE_MS))
    for _ in range(3):
        shop.let_time_pass()


def join(shop: Shopfront, name: str, **headers: str) -> Any:
    return shop.post(f"/v1/sales/{FRIDAY}/line", json={"email": f"{name}@example.org"}, headers=headers)


def ticket_for(shop: Shopfront, name: str) -> str:
    joined = join(shop, name)
    assert joined.status_code == 201, joined.text
    ticket: str = joined.json()["ticket"]
    return ticket


def buy(shop: Shopfront, name: str, *tickets: str, quantity: int = 1, key: str = "", token: str = "tok_ok") -> Any:
    body = order_body(("RETRO-CLOCK", quantity), token=token, email=f"{name}@example.org")
    return shop.post("/v1/orders", json={**body, "sale_tickets": list(tickets)}, headers=keyed(key or f"key-{name}"))


def place(shop: Shopfront, ticket: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.get(f"/v1/sales/{FRIDAY}/line/{ticket}").json()
    return found


# -- schedule and prices


def test_a_sale_is_scheduled_seen_and_cancelled(shop: Shopfront) -> None:
    created = schedule(shop)
    assert (created.status_code, created.headers["location"]) == (201, f"/v1/admin/sales/{FRIDAY}")
    assert schedule(shop).status_code == 200
    assert schedule(shop, allotment=4).json()["free"] == 4
    seen = shop.get(f"/v1/sales/{FRIDAY}").json()
    assert (seen["status"], seen["units_left"], seen["seed"]) == ("announced", 4, None)
    assert [sale["id"] for sale in shop.get("/v1/sales").json()["items"]] == [FRIDAY]
    assert shop.post(f"/v1/admin/sales/{FRIDAY}/cancel", admin=True).json()["status"] == "cancelled"
    assert [sale["phase"] for sale in shop.get("/v1/admin/sales", admin=True).json()["items"]] == ["cancelled"]
    assert kind_of(schedule(shop)) == "sale-not-changeable"


def test_terms_are_set_by_the_version_that_was_seen(shop: Shopfront) -> None:
    tag = schedule(shop).headers["etag"]
    path, stale = f"/v1/admin/sales/{FRIDAY}", {"If-Match": tag}
    assert shop.put(path, json=sale_body(allotment=5), headers=stale, admin=True).status_code == 200
    assert kind_of(shop.put(path, json=sale_body(allotment=6), headers=stale, admin=True)) == "version-conflict"


def test_a_sale_that_makes_no_sense_is_refused(shop: Shopfront) -> None:
    assert kind_of(schedule(shop, "NO-SUCH@friday")) == "not-found"
    assert kind_of(schedule(shop, price={"amount": 1, "currency": "EUR"})) == "currency-mismatch"
    assert schedule(shop, ends_at=at(5)).status_code == 422
    assert schedule(shop, announce_at=at(11)).status_code == 422
    schedule(shop)
    assert kind_of(schedule(shop, "RETRO-CLOCK@saturday", starts_at=at(60), ends_at=at(80))) == "sale-overlaps"
    assert schedule(shop, "RETRO-CLOCK@saturday", starts_at=at(70), ends_at=at(80)).status_code == 201


def test_only_merchants_see_what_is_not_announced(shop: Shopfront) -> None:
    schedule(shop, announce_at=at(5))
    assert shop.get(f"/v1/sales/{FRIDAY}").status_code == 404
    assert shop.get("/v1/sales").json()["items"] == []
    assert shop.get(f"/v1/admin/sales/{FRIDAY}").status_code == 401
    advance(shop, 5)
    assert shop.get(f"/v1/sales/{FRIDAY}").status_code == 200


def test_the_price_changes_on_the_second_everywhere(shop: Shopfront) -> None:
    schedule(shop)
    shop.clock.advance(10 * MINUTE_MS - 1)
    assert buy(shop, "early").json()["total"]["amount"] == REGULAR
    # No reminder has come: the clock decides.
    shop.clock.advance(1)
    assert buy(shop, "ann").json()["total"]["amount"] == REDUCED
    assert shop.get("/v1/products/RETRO-CLOCK").json()["price"]["amount"] == REDUCED
    shop.clock.advance(60 * MINUTE_MS)
    assert buy(shop, "late").json()["total"]["amount"] == REGULAR


def test_a_cart_from_before_the_sale_gets_its_price_and_one_from_the_sale_hears_of_its_end(shop: Shopfront) -> None:
    schedule(shop)
    before = shop.cart_with(("RETRO-CLOCK", 1))
    advance(shop, 10)
    assert shop.check_out(before, key="key-1").json()["total"]["amount"] == REDUCED
    during = shop.cart_with(("RETRO-CLOCK", 1))
    advance(shop, 60)
    assert kind_of(shop.check_out(during, key="key-2")) == "price-changed"
    assert shop.check_out(during, key="key-2").json()["total"]["amount"] == REGULAR


def test_a_cart_takes_its_units_from_the_allotment(shop: Shopfront) -> None:
    schedule(shop)
    advance(shop, 10)
    assert shop.check_out(shop.cart_with(("RETRO-CLOCK", 3))).status_code == 201
    assert shop.get(f"/v1/sales/{FRIDAY}").json()["status"] == "sold-out"
    assert kind_of(buy(shop, "late")) == "sold-out"


def test_never_more_than_the_allotment_is_sold_at_the_price(shop: Shopfront) -> None:
    schedule(shop, allotment=7)
    advance(shop, 10)
    bodies = [order_body(("RETRO-CLOCK", 1), email=f"buyer-{number}@example.org") for number in range(60)]
    answers = shop.at_once(
        [("POST", "/v1/orders", {"json": body, "headers": keyed(f"k-{n}")}) for n, body in enumerate(bodies)]
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 7 + [409] * 53
    assert {kind_of(answer) for answer in answers if answer.status_code == 409} == {"sold-out"}
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 93


def test_a_declined_card_gives_its_unit_back(shop: Shopfront) -> None:
    schedule(shop, allotment=1)
    advance(shop, 10)
    assert kind_of(buy(shop, "poor", token="tok_declined")) == "payment-declined"
    assert buy(shop, "rich").status_code == 201


def test_the_limit_per_customer_counts_orders_of_one_address_together(shop: Shopfront) -> None:
    schedule(shop, customer_limit=2)
    advance(shop, 10)
    assert buy(shop, "ann", quantity=2).status_code == 201
    assert kind_of(buy(shop, "ANN", key="again")) == "customer-limit"


def test_the_sale_shortens_the_payment_window(shop: Shopfront) -> None:
    schedule(shop, payment_window_s=30, allotment=1)
    advance(shop, 10)
    slow = shop.post(
        "/v1/orders",
        json=order_body(("RETRO-CLOCK", 1), token="tok_async"),
        headers=keyed("slow", Prefer="respond-async"),
    )
    assert slow.status_code == 202
    assert kind_of(buy(shop, "ann")) == "sold-out"
    advance(shop, 0.6)
    assert buy(shop, "ann", key="second").status_code == 201


def test_a_retry_gets_its_answer_after_the_sale_is_over(shop: Shopfront) -> None:
    schedule(shop, allotment=1)
    advance(shop, 10)
    first = buy(shop, "ann", key="key-1")
    advance(shop, 61)
    assert (buy(shop, "ann", key="key-1").content, first.status_code) == (first.content, 201)


# -- the line


def test_whoever_joined_draws_a_place_is_called_and_buys(shop: Shopfront) -> None:
    schedule(shop, line="always", allotment=1)
    tickets = {name: ticket_for(shop, name) for name in ("ann", "bob", "cid")}
    assert {place(shop, ticket)["state"] for ticket in tickets.values()} == {"before-start"}
    advance(shop, 10)
    states = {name: place(shop, ticket)["state"] for name, ticket in tickets.items()}
    assert sorted(states.values()) == ["called", "waiting", "waiting"]
    called = next(name for name, state in states.items() if state == "called")
    waiting = sorted(set(tickets) - {called})
    refused = buy(shop, waiting[0], tickets[waiting[0]])
    assert (kind_of(refused), refused.json()["line"]) == ("waiting-room", f"/v1/sales/{FRIDAY}/line")
    assert buy(shop, called, tickets[called]).status_code == 201
    assert {place(shop, tickets[name])["state"] for name in waiting} == {"sold-out"}
    assert kind_of(join(shop, "late")) == "sold-out"
    assert kind_of(buy(shop, "late")) == "sold-out"


def test_asking_often_wins_nothing(shop: Shopfront) -> None:
    schedule(shop, line="always")
    bot = {ticket_for(shop, "Bot") for _ in range(50)} | {ticket_for(shop, "BOT")}
    assert (len(bot), shop.get(f"/v1/sales/{FRIDAY}").json()["waiting"]) == (1, 1)


def test_without_a_ticket_nobody_buys_while_there_is_a_line(shop: Shopfront) -> None:
    schedule(shop, line="always")
    join(shop, "ann")
    advance(shop, 10)
    assert kind_of(buy(shop, "ann")) == "waiting-room"
    assert kind_of(shop.check_out(shop.cart_with(("RETRO-CLOCK", 1)))) == "waiting-room"


def test_a_ticket_that_is_forged_foreign_or_of_another_sale_is_refused(shop: Shopfront) -> None:
    schedule(shop, line="always")
    mine = ticket_for(shop, "ann")
    advance(shop, 10)
    forged = mine[:-1] + ("A" if mine[-1] != "A" else "B")
    other_sale = ticket_of(SECRET, "RETRO-CLOCK@monday", 0, "ann@example.org")
    other_shop = ticket_of(bytes(32), FRIDAY, 0, "ann@example.org")
    for wrong in (forged, other_sale, other_shop, "x", "!" * 40):
        assert kind_of(buy(shop, "ann", wrong)) == "ticket-invalid"
        assert kind_of(shop.get(f"/v1/sales/{FRIDAY}/line/{wrong}")) == "ticket-invalid"
    assert kind_of(buy(shop, "eve", mine)) == "ticket-invalid"
    assert buy(shop, "ann", mine).status_code == 201


def test_a_ticket_buys_once(shop: Shopfront) -> None:
    schedule(shop, line="always")
    ticket = ticket_for(shop, "ann")
    advance(shop, 10)
    assert buy(shop, "ann", ticket, key="first").status_code == 201
    assert kind_of(buy(shop, "ann", ticket, key="second")) == "ticket-invalid"
    assert place(shop, ticket)["state"] == "passed"


def test_a_ticket_never_pays_the_regular_price(shop: Shopfront) -> None:
    schedule(shop, line="always")
    ticket = ticket_for(shop, "ann")
    assert kind_of(buy(shop, "ann", ticket)) == "sale-not-started"
    advance(shop, 70)
    assert kind_of(buy(shop, "ann", ticket)) == "sale-ended"
    assert place(shop, ticket)["state"] == "ended"


def test_a_cart_checks_out_with_a_ticket(shop: Shopfront) -> None:
    schedule(shop, line="always")
    ticket = ticket_for(shop, "ada")
    advance(shop, 10)
    cart = shop.cart_with(("RETRO-CLOCK", 1))
    body = {"email": "ada@example.org", "payment": {"method": "sandbox", "token": "tok_ok"}, "sale_tickets": [ticket]}
    assert shop.post(f"{cart}/checkout", json=body, headers=keyed("cart")).json()["total"]["amount"] == REDUCED


def test_an_account_has_the_place_whatever_address_it_writes(shop: Shopfront) -> None:
    schedule(shop, line="always")
    who = shop.token("acc_ada")
    tickets = {join(shop, name, **who).json()["ticket"] for name in ("ann", "bob")}
    assert len(tickets) == 1
    advance(shop, 10)
    body = {**order_body(("RETRO-CLOCK", 1)), "sale_tickets": list(tickets)}
    who = shop.token("acc_ada")
    assert shop.post("/v1/orders", json=body, headers=keyed("k", **who)).status_code == 201


def test_a_call_that_is_not_used_passes_to_the_next(shop: Shopfront) -> None:
    schedule(shop, line="always", allotment=1, call_s=30)
    tickets = [ticket_for(shop, name) for name in ("ann", "bob")]
    advance(shop, 10)
    first = [place(shop, ticket)["state"] for ticket in tickets]
    advance(shop, 0.6)
    assert (sorted(first), sorted(place(shop, ticket)["state"] for ticket in tickets)) == (
        ["called", "waiting"],
        ["called", "passed"],
    )


def test_a_poll_of_whoever_waits_costs_no_command(shop: Shopfront) -> None:
    schedule(shop, line="always", allotment=1)
    tickets = [ticket_for(shop, f"name-{number}") for number in range(20)]
    advance(shop, 10)
    waiting = [ticket for ticket in tickets if place(shop, ticket)["state"] == "waiting"]
    before = shop.commands
    told = [shop.get(f"/v1/sales/{FRIDAY}/line/{ticket}") for ticket in waiting]
    assert shop.commands == before
    assert sorted(answer.json()["ahead"] for answer in told) == list(range(19))
    tag = told[0].headers["etag"]
    again = shop.get(f"/v1/sales/{FRIDAY}/line/{waiting[0]}", headers={"If-None-Match": tag})
    assert (again.status_code, again.headers["retry-after"]) == (304, told[0].headers["retry-after"])


def test_the_lean_way_tells_a_place_as_the_application_does(shop: Shopfront) -> None:
    schedule(shop, line="always", allotment=1)
    tickets = [ticket_for(shop, name) for name in ("ann", "bob")]
    advance(shop, 10)
    path = f"/v1/sales/{FRIDAY}/line/"
    known = {"If-None-Match": shop.get(path + tickets[0]).headers["etag"]}
    wrong = (path + "A" * 40, path + tickets[0] + "?x=1", f"/v1/sales/NO-SUCH@sale/line/{tickets[0]}")
    asked = [
        (path + tickets[0], {}),
        (path + tickets[1], {}),
        (path + tickets[0], known),
        *((each, {}) for each in wrong),
    ]
    whole = httpx.AsyncClient(transport=Wire(shop.app), base_url="http://shop", trust_env=False)

    def seen(answer: httpx.Response) -> Any:
        return answer.status_code, {**answer.headers, "x-request-id": ""}, answer.content

    lean_answers = [seen(shop.get(url, headers=headers)) for url, headers in asked]
    whole_answers = [seen(shop.run(whole.get(url, headers=headers))) for url, headers in asked]
    assert [answer[0] for answer in whole_answers] == [200, 200, 304, 403, 422, 404]
    assert lean_answers == whole_answers


def test_places_for_one_network_are_bounded(shop: Shopfront) -> None:
    shop.settings.trusted_proxies = 1
    schedule(shop, line="always", places_per_address=2)

    def from_network(name: str, address: str) -> int:
        status: int = join(shop, name, **{"X-Forwarded-For": f"made-up, {address}"}).status_code
        return status

    assert [from_network(name, "192.0.2.7") for name in ("a", "b", "c", "a")] == [201, 201, 429, 201]
    assert [from_network(f"v6-{n}", f"2001:db8::{n}") for n in (1, 2, 3)] == [201, 201, 429]


def test_the_line_opens_by_itself_when_all_units_are_claimed(shop: Shopfront) -> None:
    schedule(shop, line="auto", allotment=1)
    advance(shop, 10)
    assert kind_of(join(shop, "ann")) == "line-closed"
    slow = order_body(("RETRO-CLOCK", 1), token="tok_async")
    shop.post("/v1/orders", json=slow, headers=keyed("slow", Prefer="respond-async"))
    assert kind_of(buy(shop, "ann")) == "waiting-room"
    ticket = ticket_for(shop, "ann")
    assert place(shop, ticket)["state"] == "waiting"
    advance(shop, 5.1)
    advance(shop, 0.1)
    assert place(shop, ticket)["state"] == "called"
    assert buy(shop, "ann", ticket).status_code == 201


def test_a_stream_tells_each_change_and_ends_with_the_sale(shop: Shopfront, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_stream, "LOOK_EVERY_S", 0.01)
    schedule(shop, line="always", allotment=1)
    tickets = [ticket_for(shop, name) for name in ("ann", "bob")]
    advance(shop, 10)
    called, waiting = sorted(tickets, key=lambda ticket: place(shop, ticket)["state"])
    name = "ann" if called == tickets[0] else "bob"
    body = {**order_body(("RETRO-CLOCK", 1), email=f"{name}@example.org"), "sale_tickets": [called]}
    stream, bought = shop.at_once(
        [
            ("GET", f"/v1/sales/{FRIDAY}/line/{waiting}/stream", {}),
            ("POST", "/v1/orders", {"json": body, "headers": keyed("k")}),
        ]
    )
    assert (bought.status_code, stream.headers["content-type"]) == (201, "text/event-stream; charset=utf-8")
    assert [state for state in ("waiting", "sold-out") if f'"state":"{state}"' in stream.text] == [
        "waiting",
        "sold-out",
    ]
    assert shop.live.streams.open_now == 0


def test_a_ticket_says_its_number_to_whoever_has_the_secret() -> None:
    text = ticket_of(SECRET, FRIDAY, 70_000, "ann@example.org")
    ticket = read_ticket(SECRET, FRIDAY, text)
    assert ticket is not None
    assert ticket.number == 70_000
    assert read_ticket(SECRET, FRIDAY, text + "=") is None
