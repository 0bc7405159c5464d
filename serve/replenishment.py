"""Reordering: reads the demand of each SKU from its stock's own ledger, and drafts what should be bought.

The formula is `engine.reorder`'s; which draft gets a SKU is decided there, too, however many run this at once.
"""

from asyncio import gather
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from actors.codec import KindCodec
from actors.journals.port import Entry
from engine.kernel import Instant, Rejected
from engine.purchase import PURCHASE, DraftPurchase, OrderedUnits, PurchaseContent, PurchaseView
from engine.reorder import (
    REORDER,
    Demand,
    LeadTime,
    LookReorder,
    ReorderView,
    demand_of,
    quantity_to_order,
    reorder_point_of,
    safety_stock_of,
)
from engine.reservation import Committed, Returned
from engine.stock import DAY_MS, STOCK, LookStock, StockView, stock_key
from engine.supplier import SUPPLIER, SUPPLY, SupplierPut, SupplyPut

from .identity import process_id_of
from .shop import Client, Shop

PAGE = 1_000
"""Entries of a ledger read at a time."""
MOST_LINES = 200
"""Lines of one draft; more make another."""
AT_ONCE = 8
"""SKUs looked at at a time: beside selling, not instead of it."""

_decode = KindCodec(STOCK).decode_events


@dataclass(frozen=True)
class Wish:
    """What reordering goes by."""

    location: str
    supplier: str
    """Empty: any."""
    service_level: float
    window_days: int
    coverage_days: int


@dataclass(frozen=True)
class Proposal:
    """Why so much of a SKU is to be bought from whom; a quantity of 0: nothing yet."""

    sku: str
    supplier: str
    supply: SupplyPut
    demand: Demand
    lead: LeadTime
    safety_stock: int
    point: int
    position: int
    quantity: int


async def propose(shop: Shop, wish: Wish) -> list[Proposal]:
    """A proposal for each SKU that a supplier offers."""
    offers = list(offers_of(shop, wish.supplier))
    proposals: list[Proposal] = []
    for start in range(0, len(offers), AT_ONCE):
        some = offers[start : start + AT_ONCE]
        proposals += await gather(*(_proposal(shop, wish, sku, supplier, supply) for sku, supplier, supply in some))
    return proposals


async def draft(shop: Shop, wish: Wish, proposals: Iterable[Proposal], by: str) -> list[PurchaseView]:
    """Drafts for what is to be bought and on no other draft: one for each supplier and
    currency."""
    wanted: dict[tuple[str, str], list[Proposal]] = {}
    for proposal in proposals:
        if proposal.quantity and not await _is_drafted(shop, proposal.sku, wish.location):
            wanted.setdefault((proposal.supplier, proposal.supply.unit_cost.currency), []).append(proposal)
    drafts = []
    for (supplier, _), all_of_it in wanted.items():
        for start in range(0, len(all_of_it), MOST_LINES):
            content = _content(shop, wish, supplier, all_of_it[start : start + MOST_LINES])
            key = process_id_of(shop.secret, "po", shop.new_id())
            command = DraftPurchase(content, automatic=True, by=by)
            reply = await shop.client.send(PURCHASE.name, key, command, settle_s=shop.settings.settle_wait_s)
            assert isinstance(reply, PurchaseView), reply
            if reply.lines:
                drafts.append(reply)
    return drafts


def offers_of(shop: Shop, supplier: str = "") -> Iterator[tuple[str, str, SupplyPut]]:
    """(SKU, supplier, what it asks) of the supplier to take for each SKU: the preferred one, else the cheapest."""
    best: dict[str, tuple[tuple[bool, int, str], str, SupplyPut]] = {}
    for key, supply in shop.tables[SUPPLY].items():
        sku, _, offered_by = key.partition("@")
        if (supplier and offered_by != supplier) or shop.tables[SUPPLIER].get(offered_by) is None:
            continue
        rank = (not supply.preferred, supply.unit_cost.amount, offered_by)
        if sku not in best or rank < best[sku][0]:
            best[sku] = (rank, offered_by, supply)
    return ((sku, offered_by, supply) for sku, (_, offered_by, supply) in sorted(best.items()))


async def _proposal(shop: Shop, wish: Wish, sku: str, supplier: str, supply: SupplyPut) -> Proposal:
    key = stock_key(sku, wish.location)
    stock = await shop.client.send(STOCK.name, key, LookStock())
    assert isinstance(stock, StockView)
    demand = demand_of(await sold_by_day(shop.client, key, shop.now(), wish.window_days))
    lead = lead_time_of(shop.tables[SUPPLIER].get(supplier), supply)
    point = reorder_point_of(demand, lead, wish.service_level)
    # What is promised to somebody already is nothing to sell when it comes.
    position = stock.available + stock.incoming - stock.promised
    cover = ceil(demand.mean * wish.coverage_days)
    quantity = quantity_to_order(point, position, cover, minimum=supply.minimum_quantity, pack=supply.pack_size)
    safety = safety_stock_of(demand, lead, wish.service_level)
    return Proposal(sku, supplier, supply, demand, lead, safety, point, position, quantity)


def lead_time_of(supplier: SupplierPut | None, supply: SupplyPut) -> LeadTime:
    """The SKU's own lead time, else the supplier's."""
    days, deviation = supply.lead_time_days, supply.lead_time_deviation_days
    if supplier is not None:
        days = supplier.lead_time_days if days is None else days
        deviation = supplier.lead_time_deviation_days if deviation is None else deviation
    return LeadTime(float(days or 0), float(deviation or 0))


async def sold_by_day(client: Client, key: str, now: Instant, window_days: int) -> list[int]:
    """Units sold on each of the last days, returned ones taken off; of a younger stock only since its first entry.

    Days on which it was sold out count as days of low demand: nobody knows what they would have sold.
    """
    first = await client.history(STOCK.name, key, limit=1)
    if not first:
        return []
    since = max(now - window_days * DAY_MS, first[0].at)
    days = max(1, -(-(now - since) // DAY_MS))
    sold = [0] * days
    after = await _version_before(client, key, since, first[0])
    while entries := await client.history(STOCK.name, key, after_version=after, limit=PAGE):
        after = entries[-1].version
        for entry in entries:
            day = min(days - 1, max(0, entry.at - since) // DAY_MS)
            sold[day] += _sold(entry)
        if len(entries) < PAGE:
            break
    return [max(0, units) for units in sold]


def _sold(entry: Entry) -> int:
    units = 0
    for event in _decode(entry.events):
        if type(event) is Committed:
            units += event.quantity
        elif type(event) is Returned:
            units -= event.quantity
    return units


async def _version_before(client: Client, key: str, since: Instant, first: Entry) -> int:
    """The last version before the instant, found by halving: a ledger of years is not read for a month."""
    if first.at >= since:
        return 0
    low, step = first.version, 1
    # `low` is before the instant. Double the step until it isn't, then halve what is between.
    while (entry := await _following(client, key, low + step)) is not None and entry.at < since:
        low, step = entry.version, step * 2
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        entry = await _following(client, key, middle)
        if entry is not None and entry.at < since:
            low = max(middle, min(entry.version, high - 1))
        else:
            high = middle
    return low


async def _following(client: Client, key: str, version: int) -> Entry | None:
    """The first entry of at least this version."""
    found: Sequence[Entry] = await client.history(STOCK.name, key, after_version=version - 1, limit=1)
    return found[0] if found else None


async def _is_drafted(shop: Shop, sku: str, location: str) -> bool:
    reply = await shop.client.send(REORDER.name, stock_key(sku, location), LookReorder())
    assert not isinstance(reply, Rejected)
    return isinstance(reply, ReorderView) and bool(reply.purchase_id)


def _content(shop: Shop, wish: Wish, supplier: str, proposals: Sequence[Proposal]) -> PurchaseContent:
    currency = proposals[0].supply.unit_cost.currency
    slowest = max(proposal.lead.days for proposal in proposals)
    return PurchaseContent(
        supplier,
        wish.location,
        currency,
        tuple(
            OrderedUnits(each.sku, each.quantity, each.supply.unit_cost.amount, each.supply.weight_g)
            for each in proposals
        ),
        cost_currency=currency,
        expected_at=shop.now() + round(slowest * DAY_MS),
        note="reorder",
    )
