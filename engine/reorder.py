"""Reordering: when to order how much, and which order has it, so that two runs never order the same twice.

    reorder point    s = d*L + z * sqrt(L * sd_d^2 + d^2 * sd_L^2)
    order up to      S = s + d * coverage

with the demand d per day and its deviation sd_d, the lead time L in days and its deviation sd_L, and the z of the
service level: the probability that a lead time passes without running out.
"""

from collections.abc import Sequence
from math import ceil, sqrt
from statistics import NormalDist, fmean, pstdev

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Outcome, Rejected, invalid
from .reasons import Reason

ENDED_KEPT = 100
"""Orders that gave the SKU back and are remembered, so that a late copy of their claim takes nothing."""


class Demand(msgspec.Struct, frozen=True, gc=False):
    """Units sold per day, and their standard deviation over days."""

    mean: float
    deviation: float


class LeadTime(msgspec.Struct, frozen=True, gc=False):
    days: float
    deviation_days: float


def demand_of(sold_by_day: Sequence[int]) -> Demand:
    """The demand of so many days, those without a sale included."""
    return Demand(fmean(sold_by_day), pstdev(sold_by_day)) if sold_by_day else Demand(0.0, 0.0)


def safety_stock_of(demand: Demand, lead: LeadTime, service_level: float) -> int:
    """Units that cover the chance of a lead time, by the formula above; never negative."""
    z = NormalDist().inv_cdf(service_level)
    spread = sqrt(lead.days * demand.deviation**2 + demand.mean**2 * lead.deviation_days**2)
    return max(0, ceil(z * spread - 1e-9))


def reorder_point_of(demand: Demand, lead: LeadTime, service_level: float) -> int:
    """Order when no more than this is available and on its way."""
    return ceil(demand.mean * lead.days - 1e-9) + safety_stock_of(demand, lead, service_level)


def quantity_to_order(point: int, position: int, cover: int, *, minimum: int, pack: int) -> int:
    """Units to order: 0 above the reorder point, else up to the point and `cover`, in whole packs."""
    if position > point or point + cover <= position:
        return 0
    return -(-max(point + cover - position, minimum) // pack) * pack


class ClaimReorder(Command, frozen=True):
    """The purchase order wants to draft the SKU for this location; refused while another one has it."""

    purchase_id: str


class EndReorder(Command, frozen=True):
    """The order was sent or is no more: from now on its units count as incoming, or never will."""

    purchase_id: str


class LookReorder(Command, frozen=True):
    """Read which draft has the SKU."""


class ReorderClaimed(Event, frozen=True):
    purchase_id: str


class ReorderEnded(Event, frozen=True):
    purchase_id: str


class ReorderView(Answer, frozen=True):
    """Which draft has the SKU; empty: none."""

    purchase_id: str


class Reorder(msgspec.Struct, array_like=True, gc=False):
    """Whose draft a SKU at a location is on."""

    key: str
    version: int = 0
    purchase_id: str = ""
    ended: dict[str, None] = {}


def decide(reorder: Reorder, command: Command, _now: Instant) -> Outcome:
    """What the command would record, and its answer."""
    if isinstance(command, LookReorder):
        return Accepted((), ReorderView(reorder.purchase_id))
    assert isinstance(command, ClaimReorder | EndReorder)
    if not command.purchase_id:
        return invalid("purchase_id", "not be empty")
    if isinstance(command, ClaimReorder):
        return _claim(reorder, command.purchase_id)
    if command.purchase_id in reorder.ended:
        return Accepted((), ReorderView(reorder.purchase_id))
    left = "" if reorder.purchase_id == command.purchase_id else reorder.purchase_id
    return Accepted((ReorderEnded(command.purchase_id),), ReorderView(left))


def _claim(reorder: Reorder, purchase_id: str) -> Outcome:
    if reorder.purchase_id == purchase_id:
        return Accepted((), ReorderView(purchase_id))
    if reorder.purchase_id or purchase_id in reorder.ended:
        return Rejected(Reason.REORDER_OPEN, {"purchase_id": reorder.purchase_id})
    return Accepted((ReorderClaimed(purchase_id),), ReorderView(purchase_id))


def apply(reorder: Reorder, event: Event) -> None:
    """Change it as the event tells."""
    reorder.version += 1
    match event:
        case ReorderClaimed(purchase_id=purchase_id):
            reorder.purchase_id = purchase_id
        case ReorderEnded(purchase_id=purchase_id):
            if reorder.purchase_id == purchase_id:
                reorder.purchase_id = ""
            reorder.ended[purchase_id] = None
            if len(reorder.ended) > ENDED_KEPT:
                del reorder.ended[next(iter(reorder.ended))]


REORDER = Kind(
    name="reorder",
    new=Reorder,
    decide=decide,
    apply=apply,
    commands=ClaimReorder | EndReorder | LookReorder,
    events=ReorderClaimed | ReorderEnded,
    answers=ReorderView,
    state=Reorder,
)
