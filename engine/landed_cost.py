"""What bought goods cost in the end: freight and duty spread over a purchase's lines, to the last minor unit."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

RATE_ONE = 1_000_000
"""Exchange rates are in millionths."""


class Basis(StrEnum):
    """What a charge is spread by."""

    VALUE = "value"
    WEIGHT = "weight"
    QUANTITY = "quantity"


class Charge(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A cost of the whole purchase, such as freight, in minor units of the purchase's currency."""

    name: str
    amount: int
    basis: Basis = Basis.VALUE


class CostLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a line is spread over by: units, minor units for one, grams of one."""

    quantity: int
    unit_cost: int
    weight_g: int = 0

    def weight_by(self, basis: Basis) -> int:
        match basis:
            case Basis.VALUE:
                return self.quantity * self.unit_cost
            case Basis.WEIGHT:
                return self.quantity * self.weight_g
        return self.quantity


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole parts in proportion to the weights: the largest remainders get what rounding down leaves.

    The parts add up to the total exactly. Without any weight all lines share alike.
    """
    if not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    # Of equal remainders the first line's goes first: the same input always gives the same parts.
    by_remainder = sorted(range(len(weights)), key=lambda index: (-(total * weights[index] % whole), index))
    for index in by_remainder[:left]:
        parts[index] += 1
    return parts


def landed_costs(lines: Sequence[CostLine], charges: Sequence[Charge], rate_millionths: int = RATE_ONE) -> list[int]:
    """What each line costs with its share of the charges, in minor units after the exchange."""
    costs = [line.quantity * line.unit_cost for line in lines]
    for charge in charges:
        for index, part in enumerate(shares(charge.amount, [line.weight_by(charge.basis) for line in lines])):
            costs[index] += part
    # The sum is exchanged once and shared again: rounding each line would lose or make some.
    exchanged = (2 * sum(costs) * rate_millionths + RATE_ONE) // (2 * RATE_ONE)
    return shares(exchanged, costs)


def cost_of_part(landed: int, quantity: int, before: int, part: int) -> int:
    """What `part` units cost of a line of `quantity` that costs `landed`, after `before` units of it have come.

    The parts of a whole line add up to `landed`. Units above the quantity cost what the others cost on average.
    """
    return landed * (before + part) // quantity - landed * before // quantity
