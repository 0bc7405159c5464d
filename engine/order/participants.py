"""Whatever an order reserves: the stock of each line, or else the units and claims that it was placed with.

All of them speak the protocol of `engine.reservation`. A plain order has one participant for each line, in the order of
its lines, and keeps nothing about them beside its lines.
"""

import msgspec

from ..cart import Line
from ..kernel import Rejected, invalid, tag_of
from ..money import MOST_TOTAL
from ..reservation import MOST_UNITS
from ..stock import stock_key

MOST_PARTICIPANTS = 1_000
"""Units of different stocks, and as many claims, in one order."""

LONGEST_KEY = 255
"""Characters."""


class Units(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of one stock that the lines need together: the components of bundles, or a location of its own."""

    sku: str
    location: str
    quantity: int
    line: int = -1
    """The index of the line that needs them, which a cancellation or return of that line gives back; -1: of none."""


class Claim(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`quantity` of an entity that is reserved like a stock: uses of a coupon, units of an allotment, money of a card.

    One that `pays` holds minor units of the order's currency, which the payment provider isn't asked for. `terms` reach
    the entity with its `Reserve`; `name` is what people are shown instead of the key.
    """

    kind: str
    key: str
    quantity: int
    pays: bool = False
    terms: str = ""
    name: str = ""


def misshapen(units: tuple[Units, ...], claims: tuple[Claim, ...]) -> Rejected | None:
    """Why an order can't be placed with these."""
    if len(units) > MOST_PARTICIPANTS or len(claims) > MOST_PARTICIPANTS:
        return invalid("units", f"be at most {MOST_PARTICIPANTS}, like claims")
    for part in units:
        if not 0 < len(part.sku) <= LONGEST_KEY or "@" in part.sku or not 0 < len(part.location) <= LONGEST_KEY:
            return invalid("units", f"name a SKU and a location of 1 to {LONGEST_KEY} characters, the SKU without @")
        if not 0 < part.quantity <= MOST_UNITS:
            return invalid("units", f"be 1 to {MOST_UNITS} of each stock")
    for claim in claims:
        if not claim.kind or not 0 < len(claim.key) <= LONGEST_KEY or claim.kind == "stock":
            return invalid("claims", f"name a kind other than stock and a key of 1 to {LONGEST_KEY} characters")
        if not 0 < claim.quantity <= MOST_TOTAL or max(len(claim.terms), len(claim.name)) > LONGEST_KEY:
            return invalid("claims", f"have a quantity of 1 to {MOST_TOTAL} and texts of {LONGEST_KEY} characters")
    if len({(claim.kind, claim.key) for claim in claims}) != len(claims):
        return invalid("claims", "name each entity once")
    return None


def participants_of(lines: tuple[Line, ...], units: tuple[Units, ...], claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """All that is reserved, by the index that events tell; empty for a plain order: its lines are its participants."""
    if not units and not claims:
        return ()
    if not units:
        return (*(Claim("stock", stock_key(line.sku), line.quantity) for line in lines), *claims)
    needed: dict[str, int] = {}
    for part in units:
        # Two lines that need one component need it together: else each could be held and both not.
        key = stock_key(part.sku, part.location)
        needed[key] = needed.get(key, 0) + part.quantity
    return (*(Claim("stock", key, quantity) for key, quantity in needed.items()), *claims)


def turn_of(participant: Claim) -> tuple[str, str, str]:
    """By what participants are reserved one after the other, in all orders alike.

    Stocks go by their SKUs, as those of plain orders do.
    """
    return (participant.kind, tag_of(participant.key), participant.key)


def details_of(participant: Claim) -> dict[str, str]:
    """What a refusal says of the participant."""
    if participant.kind == "stock":
        return {"sku": tag_of(participant.key)}
    return {"kind": participant.kind, "name": participant.name}
