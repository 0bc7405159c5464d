"""The product as a table: a past, a command, and what comes of it."""

from collections.abc import Sequence

import msgspec
import pytest

from engine.kernel import Accepted, Command, Event, Rejected, ReminderDue
from engine.money import Money
from engine.product import (
    LONGEST_DESCRIPTION,
    LONGEST_TITLE,
    MOST_ITEMS,
    PRODUCT,
    Component,
    DeleteProduct,
    ListPrice,
    LookProduct,
    Product,
    ProductPut,
    ProductView,
    PutProduct,
    RestoreProduct,
    SetListPrices,
)
from engine.reasons import Reason

from .world import named

NOW = 1_800_000_000_000
PRICE = Money(1_999, "USD")
CLOCK = ProductPut(
    "Retro clock",
    PRICE,
    "It ticks.",
    ("Home", "Clocks"),
    "Tock & Co",
    ("old",),
    (),
    {"colour": "red"},
    created_at=NOW,
)
CHEAPER = msgspec.structs.replace(CLOCK, price=Money(1_499, "USD"))


def product_after(*events: Event) -> Product:
    product = Product("RETRO-CLOCK")
    for event in events:
        PRODUCT.apply(product, event)
    return product


def put(content: ProductPut, if_version: int | None = None) -> PutProduct:
    said = msgspec.structs.asdict(content)
    del said["created_at"]
    return PutProduct(**said, if_version=if_version)


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


DRAFT = msgspec.structs.replace(CLOCK, status="draft")
LATER = msgspec.structs.replace(CLOCK, publish_at=NOW + 60_000, unpublish_at=NOW + 120_000)
IN_EUROS = ListPrice("eu", 1_899)


def run(product: Product, command: Command, now: int = NOW) -> ProductView:
    outcome = PRODUCT.decide(product, command, now)
    assert isinstance(outcome, Accepted)
    for event in outcome.events:
        PRODUCT.apply(product, event)
    if outcome.answer is not None:
        # What a command answers is what a look would tell right after it.
        assert outcome.answer == PRODUCT.view(product)
    return PRODUCT.view(product)


def test_a_product_stays_as_old_as_it_is() -> None:
    product = Product("RETRO-CLOCK")
    run(product, put(CLOCK))
    assert run(product, put(CHEAPER), NOW + 1_000).created_at == NOW
    run(product, DeleteProduct())
    assert run(product, put(CLOCK), NOW + 2_000).created_at == NOW


def test_a_draft_is_there_but_not_visible_and_its_retry_is_known() -> None:
    product = Product("RETRO-CLOCK")
    assert (run(product, put(DRAFT, 0)).visible, product.version) == (False, 2)
    assert run(product, put(DRAFT, 0)).version == 2
    assert run(product, put(CLOCK, 2)).visible is True


def test_a_window_opens_and_closes_by_reminders() -> None:
    product = Product("RETRO-CLOCK")
    assert run(product, put(LATER)).stage == "scheduled"
    assert PRODUCT.remind_at(product) == NOW + 60_000
    assert run(product, ReminderDue(), NOW + 59_999).visible is False
    assert run(product, ReminderDue(), NOW + 60_000).visible is True
    assert PRODUCT.remind_at(product) == NOW + 120_000
    assert run(product, ReminderDue(), NOW + 130_000).stage == "ended"
    assert PRODUCT.remind_at(product) is None


def test_a_product_put_within_its_window_is_on_sale_at_once() -> None:
    product = Product("RETRO-CLOCK")
    assert run(product, put(LATER), NOW + 90_000).visible is True
    assert PRODUCT.remind_at(product) == NOW + 120_000


def test_a_deleted_product_misses_its_reminders_and_catches_up_when_restored() -> None:
    product = Product("RETRO-CLOCK")
    run(product, put(LATER))
    assert run(product, DeleteProduct()).deleted is True
    assert PRODUCT.remind_at(product) is None
    assert run(product, ReminderDue(), NOW + 70_000).stage == "scheduled"
    restored = run(product, RestoreProduct(), NOW + 70_000)
    assert (restored.visible, restored.deleted, restored.stage) == (True, False, "published")


def test_putting_a_deleted_product_brings_it_back() -> None:
    product = product_after(CLOCK)
    run(product, DeleteProduct())
    assert run(product, put(CLOCK)).visible is True


def test_prices_in_lists_are_set_replaced_and_removed_and_outlive_a_put() -> None:
    product = product_after(CLOCK)
    assert run(product, SetListPrices((IN_EUROS, ListPrice("club", 1_500)))).prices == (
        ListPrice("club", 1_500),
        IN_EUROS,
    )
    version = product.version
    assert run(product, SetListPrices((IN_EUROS,))).version == version
    assert run(product, put(CHEAPER)).prices == (ListPrice("club", 1_500), IN_EUROS)
    assert run(product, SetListPrices(removed=("club", "unknown"))).prices == (IN_EUROS,)


@pytest.mark.parametrize(
    "command",
    [
        PutProduct("Set", PRICE, components=(Component("RETRO-CLOCK", 1),)),
        PutProduct("Set", PRICE, components=(Component("BELL", 0),)),
        PutProduct("Set", PRICE, components=(Component("BELL", 1), Component("BELL", 2))),
        PutProduct("Set", PRICE, status="sold"),
        PutProduct("Set", PRICE, publish_at=5, unpublish_at=5),
        PutProduct("Set", PRICE, weight_g=-1),
        PutProduct("Set", PRICE, compare_at=-1),
        SetListPrices((ListPrice("eu", -1),)),
        SetListPrices((ListPrice("", 1),)),
        SetListPrices(tuple(ListPrice(f"list-{number}", 1) for number in range(201))),
    ],
)
def test_what_cannot_be_is_refused(command: Command) -> None:
    outcome = PRODUCT.decide(product_after(CLOCK), command, NOW)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.INVALID_COMMAND
