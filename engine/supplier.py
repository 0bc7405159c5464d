"""Suppliers, and what each of them asks for a SKU: documents that purchase orders and reordering read."""

from .document import document_kind
from .kernel import Event, Instant, Rejected, invalid
from .money import Money

LONGEST_TEXT = 200
LONGEST_LEAD_TIME_DAYS = 730
MOST_PACK = 1_000_000


class SupplierPut(Event, frozen=True):
    """Whoever sells to the shop. Lead times are in days from an order's sending to the goods' arrival."""

    name: str
    currency: str
    email: str = ""
    lead_time_days: int = 7
    lead_time_deviation_days: int = 0
    """The standard deviation of the lead time."""
    terms: str = ""


class SupplyPut(Event, frozen=True):
    """What a supplier asks for one unit of a SKU, how many it sells at least, and in packs of how many."""

    unit_cost: Money
    minimum_quantity: int = 1
    pack_size: int = 1
    supplier_sku: str = ""
    lead_time_days: int | None = None
    """None: as the supplier says."""
    lead_time_deviation_days: int | None = None
    weight_g: int = 0
    """Grams of one unit, for freight that is spread by weight."""
    preferred: bool = False
    """Whether reordering takes this supplier; of several the cheapest."""


def _check_supplier(_key: str, supplier: SupplierPut, _now: Instant) -> Rejected | None:
    if not 0 < len(supplier.name) <= LONGEST_TEXT or len(supplier.terms) > LONGEST_TEXT:
        return invalid("name", f"have 1 to {LONGEST_TEXT} characters, and terms at most so many")
    if not Money(0, supplier.currency).is_price():
        return invalid("currency", "be an ISO 4217 currency")
    return _check_lead_time(supplier.lead_time_days, supplier.lead_time_deviation_days)


def _check_supply(key: str, supply: SupplyPut, _now: Instant) -> Rejected | None:
    if "@" not in key:
        return invalid("key", "name a SKU and a supplier, as RETRO-CLOCK@acme")
    if not supply.unit_cost.is_price():
        return invalid("unit_cost", "be a price in minor units and an ISO 4217 currency")
    for field in ("minimum_quantity", "pack_size"):
        if not 0 < getattr(supply, field) <= MOST_PACK:
            return invalid(field, f"be 1 to {MOST_PACK}")
    if not 0 <= supply.weight_g <= MOST_PACK or len(supply.supplier_sku) > LONGEST_TEXT:
        return invalid("weight_g", f"be 0 to {MOST_PACK}")
    return _check_lead_time(supply.lead_time_days or 0, supply.lead_time_deviation_days or 0)


def _check_lead_time(days: int, deviation_days: int) -> Rejected | None:
    if not 0 <= days <= LONGEST_LEAD_TIME_DAYS or not 0 <= deviation_days <= LONGEST_LEAD_TIME_DAYS:
        return invalid("lead_time_days", f"be 0 to {LONGEST_LEAD_TIME_DAYS}, like its deviation")
    return None


SUPPLIER = document_kind("supplier", SupplierPut, _check_supplier)
SUPPLY = document_kind("supply", SupplyPut, _check_supply)
