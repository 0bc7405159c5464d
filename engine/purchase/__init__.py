"""A purchase order: what the shop buys from a supplier, from the draft to the goods in the stock."""

from ..kernel import Kind
from .decisions import decide
from .effects import effects, settled
from .events import (
    PurchaseBooked,
    PurchaseCancelled,
    PurchaseClosed,
    PurchaseDrafted,
    PurchaseEdited,
    PurchaseExpectationTold,
    PurchaseLineClaimed,
    PurchaseReceived,
    PurchaseReorderEnded,
    PurchaseRescheduled,
    PurchaseSent,
)
from .messages import (
    CancelPurchase,
    ClosePurchase,
    DraftPurchase,
    EditPurchase,
    LookPurchase,
    OrderedUnits,
    PurchaseContent,
    PurchaseLineView,
    PurchaseStatus,
    PurchaseView,
    ReceivedUnits,
    ReceivePurchase,
    ReschedulePurchase,
    SendPurchase,
)
from .state import Purchase, apply, view

PURCHASE = Kind(
    name="purchase",
    new=Purchase,
    decide=decide,
    apply=apply,
    commands=DraftPurchase
    | EditPurchase
    | SendPurchase
    | ReschedulePurchase
    | ReceivePurchase
    | ClosePurchase
    | CancelPurchase
    | LookPurchase,
    events=PurchaseDrafted
    | PurchaseEdited
    | PurchaseLineClaimed
    | PurchaseSent
    | PurchaseRescheduled
    | PurchaseReceived
    | PurchaseClosed
    | PurchaseCancelled
    | PurchaseBooked
    | PurchaseExpectationTold
    | PurchaseReorderEnded,
    answers=PurchaseView,
    state=Purchase,
    effects=effects,
    settled=settled,
    view=view,
    listed=True,
)

__all__ = [
    "PURCHASE",
    "CancelPurchase",
    "ClosePurchase",
    "DraftPurchase",
    "EditPurchase",
    "LookPurchase",
    "OrderedUnits",
    "Purchase",
    "PurchaseContent",
    "PurchaseLineView",
    "PurchaseStatus",
    "PurchaseView",
    "ReceivePurchase",
    "ReceivedUnits",
    "ReschedulePurchase",
    "SendPurchase",
]
