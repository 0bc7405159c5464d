"""Sharing whole amounts and rounding: parts always add up to what was shared, and no order of theirs matters."""

from collections.abc import Mapping

PPM = 1_000_000
BASIS_POINTS = 10_000


def half_up(numerator: int, denominator: int) -> int:
    """The quotient of two numbers that aren't negative, rounded to whole units, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


def allocate(amount: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Share the amount by weight: the largest remainders get what is left over, equal ones by name.

    No share is larger than its weight as long as the amount isn't larger than all weights together.
    """
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    shares = {name: amount * weight // whole for name, weight in weights.items()}
    left = amount - sum(shares.values())
    by_remainder = sorted(weights, key=lambda name: (-(amount * weights[name] % whole), name))
    for name in by_remainder[:left]:
        shares[name] += 1
    return shares
