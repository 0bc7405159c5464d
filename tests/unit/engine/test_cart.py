"""The cart as a table: a past, a command, and what comes of it."""

from collections.abc import Sequence
from timeit import repeat

import msgspec
import pytest

from engine.cart import (
    ADDITIONS_KEPT,
    BARRED_ORDERS_KEPT,
    CART,
    IDLE_MS,
    MOST_LINES,
    MOST_OF_ONE_SKU,
    AddLine,
    Cart,
    CartCleared,
    CartOpened,
    CartSealed,
    CartUnsealed,
    CartView,
    ClearCart,
    Line,
    LineRemoved,
    LineSet,
    LookCart,
    OpenCart,
    OrderBarred,
    RemoveLine,
    Reprice,
    Seal,
    SetLine,
    Unseal,
)
from engine.kernel import Accepted, Command, Event, Rejected
from engine.money import MOST_AMOUNT, Money
from engine.reasons import Reason

from .world import named

NOW = 1_800_000_000_000
BEFORE = NOW - 60_000
PRICE = Money(1_999, "USD")
SALE = Money(1_499, "USD")
EURO = Money(1_799, "EUR")
CLOCK = Line("RETRO-CLOCK", 2, PRICE, "Retro clock")
LAMP = Line("LAVA-LAMP", 1, Money(4_500, "USD"), "Lava lamp")

OPENED = CartOpened(BEFORE)
WITH_CLOCK = LineSet(CLOCK, BEFORE, "c-1")
WITH_LAMP = LineSet(LAMP, BEFORE)
SEALED = CartSealed("ord-1", BEFORE)
UNSEALED = CartUnsealed("ord-1", BEFORE)


def cart_after(*events: Event) -> Cart:
    cart = Cart("cart-1")
    for event in events:
        CART.apply(cart, event)
    return cart


def seen(version: int, *lines: Line, sealed_by: str = "", at: int = NOW) -> CartView:
    return CartView("cart-1", version, lines, sealed_by, at)


def add(line: Line, command_id: str = "", if_version: int | None = None) -> AddLine:
    return AddLine(line.sku, line.quantity, line.price, line.title, command_id, if_version)


def put(line: Line, if_version: int | None = None) -> SetLine:
    return SetLine(line.sku, line.quantity, line.price, line.title, if_version)


def of(line: Line, quantity: int, price: Money | None = None) -> Line:
    return msgspec.structs.replace(line, quantity=quantity, price=price or line.price)


ACCEPTED: Sequence[tuple[str, Sequence[Event], Command, Sequence[Event], CartView]] = [
    ("opening", [], OpenCart(), [CartOpened(NOW)], seen(1)),
    ("opening again", [OPENED, WITH_CLOCK], OpenCart(), [], seen(2, CLOCK, at=BEFORE)),
    ("the first line", [OPENED], add(CLOCK, "c-1"), [LineSet(CLOCK, NOW, "c-1")], seen(2, CLOCK)),
    ("a second line", [OPENED, WITH_CLOCK], add(LAMP), [LineSet(LAMP, NOW)], seen(3, CLOCK, LAMP)),
    (
        "more of the first line",
        [OPENED, WITH_CLOCK, WITH_LAMP],
        add(CLOCK, "c-2"),
        [LineSet(of(CLOCK, 4), NOW, "c-2")],
        seen(4, of(CLOCK, 4), LAMP),
    ),
    ("an addition twice", [OPENED, WITH_CLOCK], add(CLOCK, "c-1"), [], seen(2, CLOCK, at=BEFORE)),
    (
        "twice, on the way to a seal",
        [OPENED, WITH_CLOCK, SEALED],
        add(CLOCK, "c-1"),
        [],
        seen(3, CLOCK, sealed_by="ord-1", at=BEFORE),
    ),
    (
        "an unnamed addition twice",
        [OPENED, LineSet(CLOCK, BEFORE)],
        add(CLOCK),
        [LineSet(of(CLOCK, 4), NOW)],
        seen(3, of(CLOCK, 4)),
    ),
    (
        "an addition at a new price",
        [OPENED, WITH_CLOCK],
        add(of(CLOCK, 1, SALE)),
        [LineSet(of(CLOCK, 3, SALE), NOW)],
        seen(3, of(CLOCK, 3, SALE)),
    ),
    ("a quantity", [OPENED, WITH_CLOCK], put(of(CLOCK, 7)), [LineSet(of(CLOCK, 7), NOW)], seen(3, of(CLOCK, 7))),
    ("the same quantity", [OPENED, WITH_CLOCK], put(CLOCK), [], seen(2, CLOCK, at=BEFORE)),
    (
        "the version seen",
        [OPENED, WITH_CLOCK],
        put(of(CLOCK, 7), 2),
        [LineSet(of(CLOCK, 7), NOW)],
        seen(3, of(CLOCK, 7)),
    ),
    (
        "the only line in another currency",
        [OPENED, WITH_CLOCK],
        put(of(CLOCK, 2, EURO)),
        [LineSet(of(CLOCK, 2, EURO), NOW)],
        seen(3, of(CLOCK, 2, EURO)),
    ),
    ("a removal", [OPENED, WITH_CLOCK, WITH_LAMP], RemoveLine(CLOCK.sku), [LineRemoved(CLOCK.sku, NOW)], seen(4, LAMP)),
    ("a removal twice", [OPENED, WITH_LAMP], RemoveLine(CLOCK.sku), [], seen(2, LAMP, at=BEFORE)),
    ("clearing", [OPENED, WITH_CLOCK, WITH_LAMP], ClearCart(), [CartCleared(NOW)], seen(4)),
    ("clearing twice", [OPENED], ClearCart(), [], seen(1, at=BEFORE)),
    (
        "new prices",
        [OPENED, WITH_CLOCK, WITH_LAMP],
        Reprice({CLOCK.sku: SALE, LAMP.sku: LAMP.price, "OTHER": EURO}),
        [LineSet(of(CLOCK, 2, SALE), NOW)],
        seen(4, of(CLOCK, 2, SALE), LAMP),
    ),
    ("the same prices", [OPENED, WITH_CLOCK], Reprice({CLOCK.sku: PRICE}), [], seen(2, CLOCK, at=BEFORE)),
    ("a seal", [OPENED, WITH_CLOCK], Seal("ord-1"), [CartSealed("ord-1", NOW)], seen(3, CLOCK, sealed_by="ord-1")),
    ("a seal twice", [OPENED, WITH_CLOCK, SEALED], Seal("ord-1"), [], seen(3, CLOCK, sealed_by="ord-1", at=BEFORE)),
    ("unsealing", [OPENED, WITH_CLOCK, SEALED], Unseal("ord-1"), [CartUnsealed("ord-1", NOW)], seen(4, CLOCK)),
    ("unsealing twice", [OPENED, WITH_CLOCK, SEALED, UNSEALED], Unseal("ord-1"), [], seen(4, CLOCK, at=BEFORE)),
    (
        "unsealing before the seal came",
        [OPENED, WITH_CLOCK],
        Unseal("ord-1"),
        [OrderBarred("ord-1", NOW)],
        seen(2, CLOCK, at=BEFORE),
    ),
    (
        "unsealing what another holds",
        [OPENED, WITH_CLOCK, SEALED],
        Unseal("ord-2"),
        [OrderBarred("ord-2", NOW)],
        seen(3, CLOCK, sealed_by="ord-1", at=BEFORE),
    ),
    (
        "checking out again",
        [OPENED, WITH_CLOCK, SEALED, UNSEALED],
        Seal("ord-2"),
        [CartSealed("ord-2", NOW)],
        seen(5, CLOCK, sealed_by="ord-2"),
    ),
    ("a look", [OPENED, WITH_CLOCK, SEALED], LookCart(), [], seen(3, CLOCK, sealed_by="ord-1", at=BEFORE)),
]

CHANGES: Sequence[Command] = [
    add(LAMP),
    put(LAMP),
    RemoveLine(CLOCK.sku),
    ClearCart(),
    Reprice({CLOCK.sku: SALE}),
    Seal("ord-2"),
]

REFUSED: Sequence[tuple[str, Sequence[Event], Command, Rejected]] = [
    ("another version", [OPENED, WITH_CLOCK], put(LAMP, 1), Rejected(Reason.VERSION_CONFLICT, {"version": 2})),
    (
        "adding to another version",
        [OPENED, WITH_CLOCK],
        add(LAMP, "", 9),
        Rejected(Reason.VERSION_CONFLICT, {"version": 2}),
    ),
    (
        "removing from another version",
        [OPENED, WITH_CLOCK],
        RemoveLine(CLOCK.sku, 1),
        Rejected(Reason.VERSION_CONFLICT, {"version": 2}),
    ),
    ("clearing another version", [OPENED, WITH_CLOCK], ClearCart(1), Rejected(Reason.VERSION_CONFLICT, {"version": 2})),
    (
        "a second currency",
        [OPENED, WITH_CLOCK],
        add(of(LAMP, 1, EURO)),
        Rejected(Reason.CURRENCY_MISMATCH, {"currencies": ["EUR", "USD"]}),
    ),
    (
        "a second currency by price",
        [OPENED, WITH_CLOCK, WITH_LAMP],
        Reprice({LAMP.sku: EURO}),
        Rejected(Reason.CURRENCY_MISMATCH, {"currencies": ["EUR", "USD"]}),
    ),
    ("an empty cart", [OPENED], Seal("ord-1"), Rejected(Reason.CART_EMPTY)),
    (
        "a seal that was given up before it came",
        [OPENED, WITH_CLOCK, OrderBarred("ord-1", BEFORE)],
        Seal("ord-1"),
        Rejected(Reason.ORDER_CANCELLED, {"order_id": "ord-1"}),
    ),
    (
        "a seal that arrives again after its end",
        [OPENED, WITH_CLOCK, SEALED, UNSEALED],
        Seal("ord-1"),
        Rejected(Reason.ORDER_CANCELLED, {"order_id": "ord-1"}),
    ),
]

MISSHAPEN: Sequence[tuple[Command, str]] = [
    (AddLine("", 1, PRICE), "sku"),
    (AddLine("RETRO@CLOCK", 1, PRICE), "sku"),
    (AddLine("R" * 300, 1, PRICE), "sku"),
    (AddLine("RETRO-CLOCK", 0, PRICE), "quantity"),
    (SetLine("RETRO-CLOCK", 0, PRICE), "quantity"),
    (SetLine("RETRO-CLOCK", -1, PRICE), "quantity"),
    (SetLine("RETRO-CLOCK", MOST_OF_ONE_SKU + 1, PRICE), "quantity"),
    (SetLine("RETRO-CLOCK", 1, Money(-1, "USD")), "price"),
    (SetLine("RETRO-CLOCK", 1, Money(MOST_AMOUNT + 1, "USD")), "price"),
    (SetLine("RETRO-CLOCK", 1, Money(1, "usd")), "price"),
    (SetLine("RETRO-CLOCK", 1, Money(1, "US")), "price"),
    (SetLine("RETRO-CLOCK", 1, Money(1, "ÜSD")), "price"),
    (SetLine("RETRO-CLOCK", 1, PRICE, "x" * 501), "title"),
    (Reprice({"RETRO-CLOCK": Money(-1, "USD")}), "prices"),
    (Seal(""), "order_id"),
    (Unseal(""), "order_id"),
]


@pytest.mark.parametrize(("past", "command", "events", "view"), named(ACCEPTED))
def test_a_cart_accepts(past: Sequence[Event], command: Command, events: Sequence[Event], view: CartView) -> None:
    cart = cart_after(*past)
    assert CART.decide(cart, command, NOW) == Accepted(tuple(events), view)
    for event in events:
        CART.apply(cart, event)
    assert CART.decide(cart, LookCart(), NOW) == Accepted((), view), "the answer is the cart as it is then"
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(cart), type=Cart) == cart


@pytest.mark.parametrize(("past", "command", "refusal"), named(REFUSED))
def test_a_cart_refuses(past: Sequence[Event], command: Command, refusal: Rejected) -> None:
    assert CART.decide(cart_after(*past), command, NOW) == refusal


@pytest.mark.parametrize(("command", "field"), MISSHAPEN)
def test_a_misshapen_command_is_refused_whatever_the_state(command: Command, field: str) -> None:
    for past in ([], [OPENED, WITH_CLOCK, SEALED]):
        outcome = CART.decide(cart_after(*past), command, NOW)
        assert isinstance(outcome, Rejected)
        assert outcome.reason is Reason.INVALID_COMMAND
        assert outcome.details["field"] == field


@pytest.mark.parametrize("command", [*CHANGES, LookCart()])
def test_a_cart_that_was_never_opened_is_not_found(command: Command) -> None:
    assert CART.decide(Cart("cart-1"), command, NOW) == Rejected(Reason.NOT_FOUND)


def test_a_seal_that_was_given_up_before_the_cart_was_opened_locks_nobody_out() -> None:
    cart = Cart("cart-1")
    given_up = CART.decide(cart, Unseal("ord-1"), NOW)
    assert isinstance(given_up, Accepted)
    for event in (*given_up.events, OPENED, WITH_CLOCK):
        CART.apply(cart, event)
    late = CART.decide(cart, Seal("ord-1"), NOW)
    assert late == Rejected(Reason.ORDER_CANCELLED, {"order_id": "ord-1"})
    assert CART.decide(Cart("cart-1"), LookCart(), NOW) == Rejected(Reason.NOT_FOUND), "it isn't opened by that"


@pytest.mark.parametrize("command", CHANGES)
def test_a_sealed_cart_changes_for_nobody_and_tells_whose_it_is(command: Command) -> None:
    cart = cart_after(OPENED, WITH_CLOCK, SEALED)
    assert CART.decide(cart, command, NOW) == Rejected(Reason.CART_SEALED, {"order_id": "ord-1"})


@pytest.mark.parametrize("command", [*CHANGES, LookCart(), OpenCart(), Unseal("ord-2")])
def test_a_cart_idle_for_thirty_days_has_expired(command: Command) -> None:
    cart = cart_after(OPENED, WITH_CLOCK)
    assert isinstance(CART.decide(cart, command, BEFORE + IDLE_MS), Accepted)
    assert CART.decide(cart, command, BEFORE + IDLE_MS + 1) == Rejected(Reason.CART_EXPIRED)


def test_a_full_cart_takes_more_of_its_lines_but_no_new_line() -> None:
    lines = [Line(f"SKU-{number}", 1, PRICE) for number in range(MOST_LINES)]
    cart = cart_after(OPENED, *(LineSet(line, BEFORE) for line in lines))
    assert CART.decide(cart, add(CLOCK), NOW) == Rejected(Reason.CART_FULL, {"limit": MOST_LINES})
    assert isinstance(CART.decide(cart, add(lines[7]), NOW), Accepted)


def test_a_line_has_a_bound_over_all_additions() -> None:
    cart = cart_after(OPENED, LineSet(of(CLOCK, MOST_OF_ONE_SKU), BEFORE))
    outcome = CART.decide(cart, add(of(CLOCK, 1)), NOW)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.INVALID_COMMAND


def test_memory_of_additions_and_failed_orders_is_bounded() -> None:
    cart = cart_after(
        OPENED,
        *(LineSet(CLOCK, BEFORE, f"c-{number}") for number in range(ADDITIONS_KEPT + 10)),
        *(CartUnsealed(f"ord-{number}", BEFORE) for number in range(BARRED_ORDERS_KEPT + 10)),
    )
    assert list(cart.added) == [f"c-{number}" for number in range(10, ADDITIONS_KEPT + 10)]
    assert list(cart.barred) == [f"ord-{number}" for number in range(10, BARRED_ORDERS_KEPT + 10)]


def test_the_hundredth_line_costs_about_what_the_first_did() -> None:
    """medusa#2465: the ninth line took eight seconds. A linear cost stays; each line more costs nanoseconds."""

    def cost_of_adding_to(count: int) -> float:
        cart = cart_after(OPENED, *(LineSet(Line(f"SKU-{number}", 1, PRICE), BEFORE) for number in range(count)))
        command = add(CLOCK, "c-1")
        return min(repeat(lambda: CART.decide(cart, command, NOW), number=200, repeat=20)) / 200

    first, hundredth = cost_of_adding_to(0), cost_of_adding_to(99)
    assert hundredth - first < 50e-6, f"{first * 1e6:.1f} us -> {hundredth * 1e6:.1f} us"
