"""The product as a table: a past, a command, and what comes of it."""

from collections.abc import Sequence

import msgspec
import pytest

from engine.kernel import Accepted, Command, Event, Rejected
from engine.money import Money
from engine.product import (
    LONGEST_DESCRIPTION,
    LONGEST_TITLE,
    MOST_ITEMS,
    PRODUCT,
    LookProduct,
    Product,
    ProductPut,
    ProductView,
    PutProduct,
)
from engine.reasons import Reason

from .world import named

NOW = 1_800_000_000_000
PRICE = Money(1_999, "USD")
CLOCK = ProductPut("Retro clock", PRICE, "It ticks.", ("Home", "Clocks"), "Tock & Co", ("old",), (), {"colour": "red"})
CHEAPER = msgspec.structs.replace(CLOCK, price=Money(1_499, "USD"))


def product_after(*events: Event) -> Product:
    product = Product("RETRO-CLOCK")
    for event in events:
        PRODUCT.apply(product, event)
    return product


def put(content: ProductPut, if_version: int | None = None) -> PutProduct:
    return PutProduct(**msgspec.structs.asdict(content), if_version=if_version)


def seen(version: int, content: ProductPut) -> ProductView:
    return ProductView("RETRO-CLOCK", version, **msgspec.structs.asdict(content))


ACCEPTED: Sequence[tuple[str, Sequence[Event], Command, Sequence[Event], ProductView]] = [
    ("a new product", [], put(CLOCK), [CLOCK], seen(1, CLOCK)),
    ("a product that must be new", [], put(CLOCK, 0), [CLOCK], seen(1, CLOCK)),
    ("another price", [CLOCK], put(CHEAPER), [CHEAPER], seen(2, CHEAPER)),
    ("another price of the version seen", [CLOCK], put(CHEAPER, 1), [CHEAPER], seen(2, CHEAPER)),
    ("the same again", [CLOCK], put(CLOCK), [], seen(1, CLOCK)),
    ("the same again, of the version seen", [CLOCK], put(CLOCK, 1), [], seen(1, CLOCK)),
    ("a retry of the first", [CLOCK], put(CLOCK, 0), [], seen(1, CLOCK)),
    ("a retry of the second", [CLOCK, CHEAPER], put(CHEAPER, 1), [], seen(2, CHEAPER)),
    ("back to what it was", [CLOCK, CHEAPER], put(CLOCK), [CLOCK], seen(3, CLOCK)),
    ("a look", [CLOCK, CHEAPER], LookProduct(), [], seen(2, CHEAPER)),
]

REFUSED: Sequence[tuple[str, Sequence[Event], Command, Rejected]] = [
    ("not new", [CLOCK], put(CHEAPER, 0), Rejected(Reason.VERSION_CONFLICT, {"version": 1})),
    ("not there yet", [], put(CLOCK, 1), Rejected(Reason.VERSION_CONFLICT, {"version": 0})),
    ("changed meanwhile", [CLOCK, CHEAPER], put(CLOCK, 1), Rejected(Reason.VERSION_CONFLICT, {"version": 2})),
    ("a look at nothing", [], LookProduct(), Rejected(Reason.NOT_FOUND)),
]

MISSHAPEN: Sequence[tuple[Command, str]] = [
    (PutProduct("", PRICE), "title"),
    (PutProduct("x" * (LONGEST_TITLE + 1), PRICE), "title"),
    (PutProduct("Retro clock", Money(-1, "USD")), "price"),
    (PutProduct("Retro clock", Money(1, "dollars")), "price"),
    (PutProduct("Retro clock", PRICE, "x" * (LONGEST_DESCRIPTION + 1)), "description"),
    (PutProduct("Retro clock", PRICE, category=("x",) * (MOST_ITEMS + 1)), "category"),
    (PutProduct("Retro clock", PRICE, tags=("x",) * (MOST_ITEMS + 1)), "tags"),
    (PutProduct("Retro clock", PRICE, images=("x",) * (MOST_ITEMS + 1)), "images"),
    (PutProduct("Retro clock", PRICE, attributes={str(n): n for n in range(MOST_ITEMS + 1)}), "attributes"),
]


@pytest.mark.parametrize(("past", "command", "events", "view"), named(ACCEPTED))
def test_a_product_accepts(past: Sequence[Event], command: Command, events: Sequence[Event], view: ProductView) -> None:
    product = product_after(*past)
    assert PRODUCT.decide(product, command, NOW) == Accepted(tuple(events), view)
    for event in events:
        PRODUCT.apply(product, event)
    assert PRODUCT.decide(product, LookProduct(), NOW) == Accepted((), view)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(product), type=Product) == product


@pytest.mark.parametrize(("past", "command", "refusal"), named(REFUSED))
def test_a_product_refuses(past: Sequence[Event], command: Command, refusal: Rejected) -> None:
    assert PRODUCT.decide(product_after(*past), command, NOW) == refusal


@pytest.mark.parametrize(("command", "field"), MISSHAPEN)
def test_a_misshapen_command_is_refused_whatever_the_state(command: Command, field: str) -> None:
    for past in ([], [CLOCK]):
        outcome = PRODUCT.decide(product_after(*past), command, NOW)
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.details["field"]) == (Reason.INVALID_COMMAND, field)
