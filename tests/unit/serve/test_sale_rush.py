"""Thousands before one sale, in one process: exactly the allotment is sold, in the order of the places that were drawn;
and a sale starts on its second though its host has died."""

import asyncio

from actors.client import Client
from actors.host import Host
from actors.journals.memory import MemoryJournal
from engine.flash_sale import JoinLine, LineMode, LookSale, PlaceInLine, SaleView, ScheduleSale, Terms
from engine.kinds import KINDS
from engine.money import Money
from engine.reservation import Held, Reserve
from engine.waiting_room import place_of
from serve.tickets import ticket_of
from serve.warming import SaleWarming

from .shopfront import SECRET, START_MS, Clock, Shopfront, keyed, kind_of, order_body
from .test_sales import FRIDAY, MINUTE_MS, advance, schedule

PEOPLE, BOTS, UNITS = 1_500, 300, 8
AT_ONCE = 1_000


def test_a_rush_is_served_in_the_order_of_the_places_and_bots_win_nothing() -> None:
    with Shopfront(front=True) as shop:
        shop.sell("RETRO-CLOCK", quantity=100)
        schedule(shop, line="always", allotment=UNITS, calls_per_s=5)
        names = [f"{'bot' if number < BOTS else 'fan'}-{number}@example.org" for number in range(PEOPLE)]
        # Bots ask again and again, from the very first moment on.
        asked = [*(name for name in names[:BOTS] for _ in range(5)), *names]
        numbers = shop.run(_join_all(shop.client, asked))
        assert (len(set(numbers.values())), shop.get(f"/v1/sales/{FRIDAY}").json()["waiting"]) == (PEOPLE, PEOPLE)
        advance(shop, 10)
        seed = shop.get(f"/v1/sales/{FRIDAY}").json()["seed"]
        in_order = sorted(names, key=lambda name: place_of(numbers[name], PEOPLE, seed))
        bought = []
        for _ in range(UNITS):
            for name in in_order[: UNITS + 4]:
                ticket = ticket_of(SECRET, FRIDAY, numbers[name], name)
                body = {**order_body(("RETRO-CLOCK", 1), email=name), "sale_tickets": [ticket]}
                if name not in bought:
                    answer = shop.post("/v1/orders", json=body, headers=keyed(f"key-{name}"))
                    bought += [name] if answer.status_code == 201 else []
                    assert answer.status_code == 201 or kind_of(answer) in ("waiting-room", "sold-out")
            if len(bought) == UNITS:
                break
            advance(shop, 1 / 60)
        assert bought == in_order[:UNITS]
        assert shop.get(f"/v1/sales/{FRIDAY}").json()["status"] == "sold-out"
        before = shop.commands
        told = [_poll(shop, numbers[name], name) for name in in_order[UNITS : UNITS + 60]]
        assert (set(told), shop.commands) == ({"sold-out"}, before), "everybody hears so, and it costs no command"


def _poll(shop: Shopfront, number: int, name: str) -> str:
    state: str = shop.get(f"/v1/sales/{FRIDAY}/line/{ticket_of(SECRET, FRIDAY, number, name)}").json()["state"]
    return state


async def _join_all(client: Client, names: list[str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        replies = await asyncio.gather(*(client.send("flash-sale", FRIDAY, JoinLine(name)) for name in some))
        for name, reply in zip(some, replies, strict=True):
            assert isinstance(reply, PlaceInLine)
            assert numbers.setdefault(name, reply.number) == reply.number
    return numbers


def test_a_sale_starts_on_its_second_at_a_host_that_has_just_taken_over() -> None:
    asyncio.run(_fail_over())


async def _fail_over() -> None:
    clock, journal = Clock(), MemoryJournal(shards=2)
    starts_at = START_MS + 10 * MINUTE_MS
    terms = Terms(Money(999, "USD"), 1, starts_at, starts_at + MINUTE_MS, 0, starts_at, line=LineMode.NEVER)
    client = await _host(journal, clock)
    await client.send("flash-sale", FRIDAY, ScheduleSale(terms, "a-seed-of-16-chars"))
    # The first host does no more; its successor begins in the very second of the start.
    clock.ms = starts_at
    client = await _host(journal, clock)
    reply = await client.send("flash-sale", FRIDAY, Reserve("ord-1:0", 1, starts_at + 1_000, "ann"))
    assert isinstance(reply, Held)
    view = await client.send("flash-sale", FRIDAY, LookSale())
    assert isinstance(view, SaleView)
    assert (view.phase, view.changed_at, view.held) == ("started", starts_at, 1)


async def _host(journal: MemoryJournal, clock: Clock) -> Client:
    client = Client(2)
    host = Host(KINDS, journal, 2, clock, gateways={"sales": SaleWarming(client, None)}, send=client.send)
    client.attach(host)
    await host.own(range(2))
    return client
