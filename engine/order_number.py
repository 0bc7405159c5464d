"""Order numbers that people can read over the phone: short, without letters that look alike, with a check character.

A number is made from the order's id and claimed by the order, in an entity of its own: two orders never have one
number. Whoever is the first to tell somebody a number claims it; no purchase waits for that.
"""

from hashlib import blake2b

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Outcome, Rejected, invalid
from .reasons import Reason

ALPHABET = "123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0, O, I, L or U. They are 31, a prime: so the check character catches every single wrong character and every two
that were swapped."""
DATA_LENGTH = 7
"""Characters before the check: 27,512,614,111 numbers."""
LONGEST_ID = 255
"""Characters of an order's id."""

_LOOKS_LIKE = str.maketrans({"I": "1", "L": "1", "U": "V", " ": None, "-": None, ".": None})


def number_of(order_id: str, attempt: int = 0) -> str:
    """The order's number, such as `7K3F-9QXM`; another one for each attempt."""
    digest = int.from_bytes(blake2b(f"{order_id}/{attempt}".encode(), digest_size=8, person=b"order-number").digest())
    digits = []
    for _ in range(DATA_LENGTH):
        digest, digit = divmod(digest, len(ALPHABET))
        digits.append(digit)
    return _written(digits)


def read(text: str) -> str | None:
    """The number as it is written, from what somebody typed or heard; None if it can't be one."""
    characters = text.upper().translate(_LOOKS_LIKE)
    if len(characters) != DATA_LENGTH + 1 or not set(characters) <= set(ALPHABET):
        return None
    number = _written([ALPHABET.index(character) for character in characters[:DATA_LENGTH]])
    return number if number.replace("-", "") == characters else None


def _written(digits: list[int]) -> str:
    check = sum(weight * digit for weight, digit in enumerate(digits, 2)) % len(ALPHABET)
    characters = "".join(ALPHABET[digit] for digit in (*digits, check))
    half = len(characters) // 2
    return f"{characters[:half]}-{characters[half:]}"


class ClaimNumber(Command, frozen=True):
    """Have the number for this order; again: no change."""

    order_id: str


class LookNumber(Command, frozen=True):
    """Whose number is it?"""


class NumberClaimed(Event, frozen=True):
    order_id: str


class NumberView(Answer, frozen=True):
    """The order that has the number; empty: none has."""

    order_id: str


class OrderNumber(msgspec.Struct, array_like=True, gc=False):
    """The state of one number, which is its key."""

    number: str
    order_id: str = ""


def decide(number: OrderNumber, command: Command, _now: Instant) -> Outcome:
    """The first order that claims the number has it for good."""
    if isinstance(command, LookNumber):
        return Accepted((), NumberView(number.order_id))
    assert isinstance(command, ClaimNumber), "a number is claimed or looked at"
    if not 0 < len(command.order_id) <= LONGEST_ID:
        return invalid("order_id", f"have 1 to {LONGEST_ID} characters")
    if number.order_id == command.order_id:
        return Accepted((), NumberView(number.order_id))
    if number.order_id:
        return Rejected(Reason.NUMBER_TAKEN)
    return Accepted((NumberClaimed(command.order_id),), NumberView(command.order_id))


def apply(number: OrderNumber, event: Event) -> None:
    """Change the number as the event tells."""
    assert isinstance(event, NumberClaimed), "nothing else happens to a number"
    number.order_id = event.order_id


ORDER_NUMBER = Kind(
    name="order-number",
    new=OrderNumber,
    decide=decide,
    apply=apply,
    commands=ClaimNumber | LookNumber,
    events=NumberClaimed,
    answers=NumberView,
    state=OrderNumber,
)
