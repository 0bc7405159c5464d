"""Which locations an order is sent from: one for all of it if any can, else as few as possible.

Decided here from what hosts last told; the stocks themselves decide whether it holds. A shop with one location never
comes here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import asin, cos, hypot, radians, sin, sqrt
from typing import NamedTuple

from engine.cart import Line
from engine.kernel import Rejected
from engine.location import LOCATION, LocationPut
from engine.order import Units
from engine.reasons import Reason
from engine.stock import DEFAULT_LOCATION
from engine.wishes import CartWishes

from ..shop import Shop
from .lookups import stock_of
from .problems import refused
from .wishes import ShippingRequest

EARTH_RADIUS_KM = 6_371.0
ABROAD_KM = 20_000.0
"""How far away a location counts as of which no coordinates are known; half of it in the same country."""


class Needed(NamedTuple):
    """Units that an order takes, and the line that needs them (-1: of none)."""

    sku: str
    quantity: int
    line: int


class Destination(NamedTuple):
    """Where an order goes, as far as is known; coordinates are in degrees."""

    country: str = ""
    latitude: float | None = None
    longitude: float | None = None


ANYWHERE = Destination()


def destination_of(shipping: ShippingRequest | None, kept: CartWishes | None = None) -> Destination:
    """Where the request says that it goes, else where its cart does."""
    if shipping is not None and shipping.address is not None:
        return Destination(shipping.address.country)
    if kept is not None and kept.address is not None:
        return Destination(kept.address.country)
    return ANYWHERE


@dataclass(frozen=True)
class Source:
    """A location that sells, with what is available there of each SKU."""

    key: str
    priority: int
    distance_km: float
    available: Mapping[str, int]
    backorderable: Mapping[str, int]

    def covers(self, units: Mapping[str, int]) -> int:
        """Units that it could send of these."""
        return sum(min(quantity, self.available.get(sku, 0)) for sku, quantity in units.items())

    def spare(self, units: Mapping[str, int]) -> int:
        """Units that are left here of what gets scarcest."""
        return min(self.available.get(sku, 0) - quantity for sku, quantity in units.items())


def has_locations(shop: Shop) -> bool:
    """Whether there is more to choose from than the default location."""
    return len(shop.tables[LOCATION]) > 0


def selling_locations(shop: Shop) -> list[tuple[str, LocationPut]]:
    """Those that orders are sent from; the default one sells unless its document says otherwise."""
    known = dict(shop.tables[LOCATION].items())
    known.setdefault(DEFAULT_LOCATION, LocationPut(DEFAULT_LOCATION))
    return [(key, location) for key, location in sorted(known.items()) if location.sells]


async def available_anywhere(shop: Shop, sku: str) -> int:
    """Units that can be bought now over all locations that sell."""
    if not has_locations(shop):
        return (await stock_of(shop, sku)).available
    return sum([(await stock_of(shop, sku, key)).available for key, _ in selling_locations(shop)])


async def expected_at_of(shop: Shop, sku: str) -> int:
    """When the first units on their way should be here, at any location that sells; 0: nobody knows."""
    places = [key for key, _ in selling_locations(shop)] if has_locations(shop) else [DEFAULT_LOCATION]
    dates = [(await stock_of(shop, sku, place)).expected_at for place in places]
    return min((date for date in dates if date), default=0)


def needed_of(lines: Sequence[Line], units: Sequence[Units]) -> list[Needed]:
    """What an order takes: the units of an order with bundles, else each line's own."""
    if units:
        return [Needed(part.sku, part.quantity, part.line) for part in units]
    # An order makes one line of those of one SKU, so the indexes are those of the lines that are left.
    places = {sku: index for index, sku in enumerate(dict.fromkeys(line.sku for line in lines))}
    return [Needed(line.sku, line.quantity, places[line.sku]) for line in lines]


async def allocated(shop: Shop, wanted: Iterable[Needed], destination: Destination = ANYWHERE) -> tuple[Units, ...]:
    """The same units with the locations that they come from; raises ProblemError when there are too few anywhere."""
    needed = list(wanted)
    totals: dict[str, int] = {}
    for each in needed:
        totals[each.sku] = totals.get(each.sku, 0) + each.quantity
    sources = [await _source(shop, key, location, totals, destination) for key, location in selling_locations(shop)]
    taken = allocate(totals, sources)
    _promise(totals, sources, taken)
    if short := [sku for sku, quantity in totals.items() if sum(taken[sku].values()) < quantity]:
        lines = [{"sku": sku, "requested": totals[sku], "available": sum(taken[sku].values())} for sku in short]
        raise refused(Rejected(Reason.INSUFFICIENT_STOCK, {"lines": lines}))
    return tuple(_handed_out(needed, taken))


def allocate(totals: Mapping[str, int], sources: Sequence[Source]) -> dict[str, dict[str, int]]:
    """Units by SKU and location: the best location that has all, else again and again the one that has most of the
    rest. Better is the lower priority, then the nearer, then who has more to spare, then the name."""
    left = dict(totals)
    taken: dict[str, dict[str, int]] = {sku: {} for sku in totals}
    remaining = list(sources)
    while left and remaining:
        best = min(
            remaining,
            key=lambda each: (-each.covers(left), each.priority, each.distance_km, -each.spare(left), each.key),
        )
        if not best.covers(left):
            break
        remaining.remove(best)
        for sku, quantity in list(left.items()):
            if part := min(quantity, max(0, best.available.get(sku, 0))):
                taken[sku][best.key] = part
                left[sku] = quantity - part
                if part == quantity:
                    del left[sku]
    return taken


async def _source(
    shop: Shop, key: str, location: LocationPut, totals: Iterable[str], destination: Destination
) -> Source:
    stocks = {sku: await stock_of(shop, sku, key) for sku in totals}
    return Source(
        key,
        location.priority,
        distance_km(location, destination),
        {sku: stock.available for sku, stock in stocks.items()},
        {sku: stock.backorderable for sku, stock in stocks.items()},
    )


def _promise(totals: Mapping[str, int], sources: Sequence[Source], taken: dict[str, dict[str, int]]) -> None:
    """What is nowhere in sufficient number may be promised: all of it, by one location that sells ahead."""
    for sku, quantity in totals.items():
        if sum(taken[sku].values()) < quantity:
            ahead = [each for each in sources if each.backorderable.get(sku, 0) >= quantity]
            if ahead:
                first = min(ahead, key=lambda each: (each.priority, each.distance_km, each.key))
                taken[sku] = {first.key: quantity}


def distance_km(location: LocationPut, destination: Destination) -> float:
    """By great circle where both have coordinates, else by country."""
    if None in (location.latitude, location.longitude, destination.latitude, destination.longitude):
        if not destination.country:
            return ABROAD_KM
        return ABROAD_KM / 2 if location.country == destination.country else ABROAD_KM
    assert location.latitude is not None
    assert location.longitude is not None
    assert destination.latitude is not None
    assert destination.longitude is not None
    here, there = radians(location.latitude / 1e6), radians(destination.latitude)
    across = radians(destination.longitude - location.longitude / 1e6)
    chord = hypot(sin((there - here) / 2), sqrt(cos(here) * cos(there)) * sin(across / 2))
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, chord))


def _handed_out(needed: Iterable[Needed], taken: dict[str, dict[str, int]]) -> Iterable[Units]:
    """Each need from the locations that its SKU is taken from, in turn."""
    left = {sku: dict(places) for sku, places in taken.items()}
    for sku, quantity, line in needed:
        for place, there in list(left[sku].items()):
            if part := min(quantity, there):
                yield Units(sku, place, part, line)
                left[sku][place] -= part
                quantity -= part
