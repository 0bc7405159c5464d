"""A flash sale: so many units of one SKU at a price of their own, from one second to another.

    scheduled -> announced -> warmed -> started -> ended
        +------------+----------+---------+------> cancelled

An order that buys at the sale's price claims its units here beside the stock: never more than the allotment, never
more per customer than allowed. A claim that came before the end is honoured, however late its payment is. Reminders
move the sale on, but no decision waits for one: what the clock says counts, so a sale starts on its second also after
a failover.

Its key is `SKU@name`: it lives in the shard of the SKU's stock. The line before it is in `engine.waiting_room`.
"""

from collections.abc import Iterator

from .. import waiting_room
from ..holds import HoldCommand, HoldEvent
from ..kernel import Effect, Instant, Kind, Request, tag_of
from ..reservation import Done, Held
from .decisions import MOST_ALLOTMENT, decide
from .messages import (
    OVER,
    CallView,
    CancelSale,
    CoolSale,
    JoinLine,
    LineMode,
    LookCall,
    LookSale,
    Phase,
    PlaceInLine,
    SalePhaseBegan,
    SalePinned,
    SaleScheduled,
    SaleUnpinned,
    SaleView,
    ScheduleSale,
    Terms,
    WarmSale,
)
from .state import FlashSale, apply, steps_ahead, view

__all__ = [
    "FLASH_SALE",
    "MOST_ALLOTMENT",
    "OVER",
    "CallView",
    "CancelSale",
    "CoolSale",
    "FlashSale",
    "JoinLine",
    "LineMode",
    "LookCall",
    "LookSale",
    "Phase",
    "PlaceInLine",
    "SalePhaseBegan",
    "SaleView",
    "ScheduleSale",
    "Terms",
    "WarmSale",
]


def remind_at(sale: FlashSale) -> Instant | None:
    """The next phase, the next hold that expires, or the next call."""
    wanted = [at for at, _ in list(steps_ahead(sale))[:1]]
    if sale.holds.next_expiry:
        wanted.append(sale.holds.next_expiry)
    if sale.phase is Phase.STARTED and (again := waiting_room.call_again_at(sale.room, sale.free)):
        wanted.append(again)
    return min(wanted, default=None)


def effects(sale: FlashSale) -> Iterator[Effect]:
    """A host of its own for the stock, from the warming until the end."""
    sku = tag_of(sale.key)
    if sale.phase in (Phase.WARMED, Phase.STARTED) and not sale.pinned:
        yield Request("warm", "sales", WarmSale(sku, sale.key))
    elif sale.phase in OVER and sale.pinned:
        yield Request("cool", "sales", CoolSale(sku, sale.key))


FLASH_SALE = Kind(
    name="flash-sale",
    new=FlashSale,
    decide=decide,
    apply=apply,
    commands=ScheduleSale | CancelSale | JoinLine | LookSale | LookCall | HoldCommand,
    events=SaleScheduled | SalePhaseBegan | SalePinned | SaleUnpinned | HoldEvent | waiting_room.LineEvent,
    answers=SaleView | PlaceInLine | CallView | Held | Done,
    state=FlashSale,
    effects=effects,
    remind_at=remind_at,
    view=view,
    listed=True,
)
