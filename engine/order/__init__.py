"""An order and its checkout process: (seal the cart,) reserve, pay, commit, or release everything.

    placed -> sealing -> reserving -> awaiting payment -> committing -> confirmed -> fulfilled
                 |           |               |                |            |
                 +-----------+------> rejected / expired / cancelled <-----+   with every hold, seal and payment undone

What the order waits for is never stored as a list of things to do: `effects` reads it from how far each participant,
the payment and the cart have come. So a crash can lose no step, and undoing is the same reading in a dead order.

An order that was imported begins where others end: see `importing`.
"""

from typing import Any

from ..address import DeliveryAddress
from ..history import Imported
from ..kernel import Event, Kind
from . import importing, numbering
from .aftersale.process import CHANGES as AFTER_SALE_CHANGES
from .aftersale.process import AfterSaleCommand, AfterSaleEvent
from .changes import CHANGES
from .decisions import decide
from .effects import effects, remind_at
from .events import OrderEvent
from .importing import CreditedUnits, ImportCommand, ImportEvent, ImportOrder, ImportReturn
from .messages import (
    Anonymize,
    Cancel,
    Fulfil,
    LookOrder,
    NoteOrder,
    OrderCommand,
    OrderView,
    Place,
    Settlement,
    SettlePayment,
    Status,
)
from .numbering import NumberOrder, OrderNumbered
from .ownership import ACCOUNT_PREFIX
from .participants import Claim, Units
from .state import Order, settled

__all__ = [
    "ACCOUNT_PREFIX",
    "ORDER",
    "Anonymize",
    "Cancel",
    "Claim",
    "CreditedUnits",
    "DeliveryAddress",
    "Fulfil",
    "ImportOrder",
    "ImportReturn",
    "LookOrder",
    "NoteOrder",
    "Order",
    "OrderCommand",
    "OrderEvent",
    "OrderView",
    "Place",
    "SettlePayment",
    "Settlement",
    "Status",
    "Units",
]

_CHANGES: dict[Any, Any] = {**CHANGES, **AFTER_SALE_CHANGES, OrderNumbered: numbering.apply, **importing.CHANGES}


def apply(order: Order, event: Event) -> None:
    """Change the order as the event tells."""
    _CHANGES[type(event)](order, event)


ORDER = Kind(
    name="order",
    new=Order,
    decide=decide,
    apply=apply,
    commands=OrderCommand | AfterSaleCommand | NumberOrder | ImportCommand,
    events=OrderEvent | AfterSaleEvent | OrderNumbered | ImportEvent,
    answers=OrderView | Imported,
    state=Order,
    effects=effects,
    remind_at=remind_at,
    settled=settled,
)
