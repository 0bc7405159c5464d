"""What every kind of entity promises to the runtime that hosts it."""

from typing import Any, get_args

import msgspec
import pytest

from engine.kernel import Kind, Message, invalid
from engine.kinds import KINDS
from engine.money import MOST_AMOUNT, Money
from engine.reasons import Reason

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def members(union: Any) -> tuple[type, ...]:
    return get_args(union) or (union,)


def test_kinds_are_found_by_their_names() -> None:
    assert all(kind.name == name for name, kind in KINDS.items())


@every_kind
def test_a_new_state_is_its_own_snapshot(kind: Kind) -> None:
    state = kind.new("some-key")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=kind.state) == state


@every_kind
def test_every_union_of_messages_can_be_decoded(kind: Kind) -> None:
    for union in (kind.commands, kind.events, kind.answers | None):
        msgspec.msgpack.Decoder(union)
        msgspec.msgpack.Decoder(list[union])


def test_an_entry_type_names_one_event_in_the_whole_journal() -> None:
    events = {event for kind in KINDS.values() for event in members(kind.events)}
    assert len({event.__name__ for event in events}) == len(events)
    assert all(issubclass(event, Message) for event in events)


@every_kind
def test_two_new_states_share_nothing(kind: Kind) -> None:
    one, other = kind.new("a"), kind.new("a")
    for field in type(one).__struct_fields__:
        value = getattr(one, field)
        assert value is not getattr(other, field) or not isinstance(value, list | dict)


@pytest.mark.parametrize(
    ("price", "valid"),
    [
        (Money(0, "USD"), True),
        (Money(MOST_AMOUNT, "JPY"), True),
        (Money(-1, "USD"), False),
        (Money(MOST_AMOUNT + 1, "USD"), False),
        (Money(1, "usd"), False),
        (Money(1, "USDT"), False),
        (Money(1, "U5D"), False),
        (Money(1, ""), False),
    ],
)
def test_a_price_is_bounded_and_has_a_currency(price: Money, valid: bool) -> None:
    assert price.is_price() is valid


def test_money_adds_up_in_whole_minor_units() -> None:
    assert Money(1_999, "USD") * 3 + Money(1, "USD") == Money(5_998, "USD")
    with pytest.raises(AssertionError):
        Money(1, "USD") + Money(1, "EUR")


def test_an_invalid_command_tells_its_field_and_its_rule() -> None:
    refusal = invalid("quantity", "be 1 to 9")
    assert (refusal.reason, refusal.details) == (Reason.INVALID_COMMAND, {"field": "quantity", "must": "be 1 to 9"})
