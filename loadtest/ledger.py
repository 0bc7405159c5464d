"""A SKU's ledger, read through the API and added up without trusting the shop's own sums."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .shop import Shop, Stock


@dataclass
class Ledger:
    """What the movements of one SKU add up to, and every rule that they break on the way."""

    on_hand: int = 0
    reserved: int = 0
    units: Counter[str] = field(default_factory=Counter)
    """By kind of movement."""
    ends: dict[str, str] = field(default_factory=dict)
    """How each reservation ended."""
    findings: list[str] = field(default_factory=list)

    def add(self, movement: Mapping[str, Any]) -> None:
        """Take one movement into the sums."""
        event, identity = movement["event"], movement["id"]
        self.on_hand += movement["on_hand_change"]
        self.reserved += movement["reserved_change"]
        self.units[event] += abs(movement["reserved_change"] or movement["on_hand_change"])
        if self.on_hand < 0 or self.reserved < 0 or self.reserved > self.on_hand:
            self.findings.append(f"after {event} {identity}: on_hand {self.on_hand}, reserved {self.reserved}")
        if event in ("committed", "released", "expired"):
            if identity in self.ends:
                self.findings.append(f"reservation {identity} was {self.ends[identity]} and then {event}")
            self.ends[identity] = event

    def check(self, stock: Stock) -> Sequence[str]:
        """What is wrong with the ledger, given the quantities that the shop tells; empty when it is right."""
        wrong = list(self.findings)
        if (self.on_hand, self.reserved) != (stock.on_hand, stock.reserved):
            wrong.append(
                f"the ledger adds up to on_hand {self.on_hand}, reserved {self.reserved}; "
                f"the shop says {stock.on_hand}, {stock.reserved}"
            )
        return wrong


def read_ledger(shop: Shop, sku: str) -> Ledger:
    """The SKU's whole ledger."""
    ledger = Ledger()
    for movement in shop.movements(sku):
        ledger.add(movement)
    return ledger
