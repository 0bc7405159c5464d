"""What becomes of an order: for its customer, for those who help customers, and for those who ship and refund."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from engine.kernel import Command
from engine.order import Fulfil, OrderView
from engine.order.aftersale.cancellation import CancelUnits
from engine.order.aftersale.edits import EditOrder, PayEdit, WithdrawEdit
from engine.order.aftersale.fulfilment import CreateShipment, MoveShipment, TrackShipment
from engine.order.aftersale.notes import AddNote
from engine.order.aftersale.refunds import RefundOrder
from engine.order.aftersale.returns import (
    AnswerReturn,
    InspectReturn,
    ReceiveReturn,
    RefundReturn,
    RequestReturn,
    WithdrawReturn,
)
from engine.order_number import read
from engine.reasons import Reason

from ...identity import imported_id_of, receipt_id_of
from ...shop import Shop
from ..additions import lines_to_add
from ..answers import shaped
from ..auth import ACCESS_TOKEN, ADMIN_KEY
from ..backorders import require_goods
from ..bounds import AFTER_SALE_ID_PATTERN, SOURCE_PATTERN
from ..lookups import order_of
from ..numbers import numbered, order_id_by
from ..openapi import body_problems, problems
from ..payments import require_method
from ..problems import ProblemError
from ..routing import MerchantRoute, OrderRoute, SupportRoute, TheActor, TheShop, router_of
from ..schemas.aftersale import (
    CancellationIn,
    EditIn,
    InspectionIn,
    NoteIn,
    RefundIn,
    ReturnAnswerIn,
    ReturnIn,
    ReturnRefundIn,
    ShipmentChangeIn,
    ShipmentIn,
    Timeline,
    amounts_of,
    units_of,
)
from ..schemas.order import Order, Orders, PaymentIn
from ..sending import answered
from ..timeline import timeline_of
from .orders import OrderPath
from .stock import OptionalKey

own_router = router_of(OrderRoute, "orders", security=ACCESS_TOKEN)
support_router = router_of(SupportRoute, "orders", "admin", security=ADMIN_KEY)
merchant_router = router_of(MerchantRoute, "orders", "admin", security=ADMIN_KEY)

OwnId = Annotated[str, Path(pattern=AFTER_SALE_ID_PATTERN)]
CHANGED = body_problems(401, 404, 409)
STAFF_CHANGED = body_problems(401, 403, 404, 409)
STAFF_READ = problems(401, 403, 404)


# -- for the customer


@own_router.get("/v1/orders/{order_id}/timeline", response_model=Timeline, responses=problems(401, 404))
async def look_order_timeline(order_id: OrderPath, shop: TheShop) -> Response:
    """What happened to the order, oldest first, as far as it concerns its customer."""
    order = await _known(shop, order_id)
    return shaped(Timeline(items=await timeline_of(shop, order, staff=False)))


@own_router.post("/v1/orders/{order_id}/cancellations", response_model=Order, status_code=201, responses=CHANGED)
async def cancel_units(
    order_id: OrderPath, given: CancellationIn, shop: TheShop, actor: TheActor, idempotency_key: OptionalKey = None
) -> Response:
    """Cancel some units that haven't been packed: they go back to the stock, and what was paid for them goes back."""
    name = _name(shop, order_id, idempotency_key)
    return await _tell(shop, order_id, CancelUnits(name, units_of(given.lines), given.reason, actor), 201)


@own_router.post("/v1/orders/{order_id}/returns", response_model=Order, status_code=201, responses=CHANGED)
async def request_return(
    order_id: OrderPath, given: ReturnIn, shop: TheShop, actor: TheActor, idempotency_key: OptionalKey = None
) -> Response:
    """Ask to send units back, within the shop's window after their arrival."""
    name, window_days = _name(shop, order_id, idempotency_key), shop.settings.return_window_days
    return await _tell(shop, order_id, RequestReturn(name, given.units(), given.note, window_days, actor), 201)


@own_router.post("/v1/orders/{order_id}/returns/{return_id}/withdraw", response_model=Order, responses=CHANGED)
async def withdraw_return(order_id: OrderPath, return_id: OwnId, shop: TheShop, actor: TheActor) -> Response:
    """Keep it after all, as long as it hasn't been received."""
    return await _tell(shop, order_id, WithdrawReturn(return_id, actor))


@own_router.post(
    "/v1/orders/{order_id}/edits/{edit_id}/pay", response_model=Order, responses=body_problems(401, 402, 404, 409)
)
async def pay_edit(order_id: OrderPath, edit_id: OwnId, payment: PaymentIn, shop: TheShop, actor: TheActor) -> Response:
    """Pay what an edit costs more. It is done once the provider has answered: ask the order."""
    require_method(shop, payment.method)
    return await _tell(shop, order_id, PayEdit(edit_id, payment.method, payment.token, actor))


# -- for those who help customers


@support_router.get("/v1/admin/orders", response_model=Orders, responses=problems(401, 403))
async def find_orders(
    shop: TheShop,
    number: Annotated[
        str, Query(min_length=1, max_length=40, description="As it was heard: case, blanks and hyphens don't matter.")
    ],
    source: Annotated[
        str, Query(pattern=rf"^$|{SOURCE_PATTERN}", description="Whose number it is, of an imported order.")
    ] = "",
) -> Response:
    """The order with this number, if there is one; a number that was misheard is told from one that nobody has."""
    if source:
        found = await order_of(shop, imported_id_of(shop.secret, "ord", source, number))
        return shaped(Orders(items=[Order.of(found, staff=True)] if found is not None else []))
    if (written := read(number)) is None:
        detail = f"{number} is no order number: a character is wrong, missing or swapped."
        errors = [{"in": "query", "name": "number", "detail": detail}]
        raise ProblemError("invalid-request", detail, {"errors": errors})
    order_id = await order_id_by(shop, written)
    order = await order_of(shop, order_id) if order_id is not None else None
    return shaped(Orders(items=[Order.of(order, staff=True)] if order is not None else []))


@support_router.get("/v1/admin/orders/{order_id}", response_model=Order, responses=STAFF_READ)
async def look_order_as_staff(order_id: OrderPath, shop: TheShop) -> Response:
    """The order with what only the shop's own people see."""
    return shaped(Order.of(await numbered(shop, await _known(shop, order_id)), staff=True))


@support_router.get("/v1/admin/orders/{order_id}/timeline", response_model=Timeline, responses=STAFF_READ)
async def look_order_timeline_as_staff(order_id: OrderPath, shop: TheShop) -> Response:
    """Everything that happened to the order, and who did it."""
    order = await _known(shop, order_id)
    return shaped(Timeline(items=await timeline_of(shop, order, staff=True)))


@support_router.post(
    "/v1/admin/orders/{order_id}/notes", response_model=Order, status_code=201, responses=STAFF_CHANGED
)
async def add_order_note(
    order_id: OrderPath, note: NoteIn, shop: TheShop, actor: TheActor, idempotency_key: OptionalKey = None
) -> Response:
    """Write a note, for the shop's own people or for the customer."""
    name = _name(shop, order_id, idempotency_key)
    return await _tell(shop, order_id, AddNote(name, note.text, note.internal, actor), 201, staff=True)


@support_router.post(
    "/v1/admin/orders/{order_id}/returns", response_model=Order, status_code=201, responses=STAFF_CHANGED
)
async def request_return_as_staff(
    order_id: OrderPath, given: ReturnIn, shop: TheShop, actor: TheActor, idempotency_key: OptionalKey = None
) -> Response:
    """Ask for a return on behalf of the customer, also after the window."""
    name = _name(shop, order_id, idempotency_key)
    return await _tell(shop, order_id, RequestReturn(name, given.units(), given.note, 0, actor), 201, staff=True)


@support_router.post(
    "/v1/admin/orders/{order_id}/returns/{return_id}/answer", response_model=Order, responses=STAFF_CHANGED
)
async def answer_return(
    order_id: OrderPath, return_id: OwnId, given: ReturnAnswerIn, shop: TheShop, actor: TheActor
) -> Response:
    """Grant a return, or refuse it."""
    command = AnswerReturn(return_id, given.authorized, given.note, actor)
    return await _tell(shop, order_id, command, staff=True)


# -- for those who ship and refund


@merchant_router.post("/v1/admin/orders/{order_id}/fulfil", response_model=Order, responses=STAFF_CHANGED)
async def fulfil_order(order_id: OrderPath, shop: TheShop, actor: TheActor) -> Response:
    """Everything that hasn't left leaves now, in one parcel that nobody tracks."""
    await require_goods(shop, await _known(shop, order_id))
    return await _tell(shop, order_id, Fulfil(actor), staff=True)


@merchant_router.post(
    "/v1/admin/orders/{order_id}/shipments", response_model=Order, status_code=201, responses=STAFF_CHANGED
)
async def create_shipment(
    order_id: OrderPath, given: ShipmentIn, shop: TheShop, actor: TheActor, idempotency_key: OptionalKey = None
) -> Response:
    """Pack a parcel."""
    order = await _known(shop, order_id)
    if order.backorders:
        packed = {order.lines[line.line].sku for line in units_of(given.lines) if line.line < len(order.lines)}
        await require_goods(shop, order, packed)
    name, units = _name(shop, order_id, idempotency_key), units_of(given.lines)
    command = CreateShipment(name, units, given.carrier, given.tracking_number, given.tracking_url, actor)
    return await _tell(shop, order_id, command, 201, staff=True)


@merchant_router.patch(
    "/v1/admin/orders/{order_id}/shipments/{shipment_id}", response_model=Order, responses=STAFF_CHANGED
)
async def change_shipment(
    order_id: OrderPath, shipment_id: OwnId, given: ShipmentChangeIn, shop: TheShop, actor: TheActor
) -> Response:
    """Say how far the parcel has come, or correct how it is tracked."""
    order = await _known(shop, order_id)
    known = {each.shipment_id: each for each in (order.after.shipments if order.after else ())}.get(shipment_id)
    if (tracked := given.tracking(known)) is not None:
        order = await _send(shop, order_id, TrackShipment(shipment_id, *tracked, actor))
    if given.status is not None:
        order = await _send(shop, order_id, MoveShipment(shipment_id, given.status, given.note, actor))
    return shaped(Order.of(await numbered(shop, order), staff=True))


@merchant_router.post(
    "/v1/admin/orders/{order_id}/returns/{return_id}/receive", response_model=Order, responses=STAFF_CHANGED
)
async def receive_return(order_id: OrderPath, return_id: OwnId, shop: TheShop, actor: TheActor) -> Response:
    """The parcel of a return has arrived."""
    return await _tell(shop, order_id, ReceiveReturn(return_id, actor), staff=True)


@merchant_router.post(
    "/v1/admin/orders/{order_id}/returns/{return_id}/inspect", response_model=Order, responses=STAFF_CHANGED
)
async def inspect_return(
    order_id: OrderPath, return_id: OwnId, given: InspectionIn, shop: TheShop, actor: TheActor
) -> Response:
    """What was in it, line by line: what is restocked is on hand again at once."""
    command = InspectReturn(return_id, given.findings(), given.note, actor)
    return await _tell(shop, order_id, command, staff=True)


@merchant_router.post(
    "/v1/admin/orders/{order_id}/returns/{return_id}/refund", response_model=Order, responses=STAFF_CHANGED
)
async def refund_return(
    order_id: OrderPath, return_id: OwnId, given: ReturnRefundIn, shop: TheShop, actor: TheActor
) -> Response:
    """Pay an inspected return back, less a restocking fee."""
    command = RefundReturn(return_id, amounts_of(given.lines), given.restocking_fee, actor, given.to == "store-credit")
    return await _tell(shop, order_id, command, staff=True)


@merchant_router.post(
    "/v1/admin/orders/{order_id}/refunds", response_model=Order, status_code=201, responses=STAFF_CHANGED
)
async def refund_order(
    order_id: OrderPath, given: RefundIn, shop: TheShop, actor: TheActor, idempotency_key: OptionalKey = None
) -> Response:
    """Give money back without anything coming back; never more than was captured."""
    name, lines = _name(shop, order_id, idempotency_key), amounts_of(given.lines)
    command = RefundOrder(name, given.amount, lines, given.reason, actor, given.to == "store-credit")
    return await _tell(shop, order_id, command, 201, staff=True)


@merchant_router.post(
    "/v1/admin/orders/{order_id}/edits", response_model=Order, status_code=201, responses=STAFF_CHANGED
)
async def edit_order(
    order_id: OrderPath, given: EditIn, shop: TheShop, actor: TheActor, idempotency_key: OptionalKey = None
) -> Response:
    """Take units out and add lines, or exchange a return: all of it or nothing. More to pay is asked of the customer,
    less is refunded."""
    name, added = _name(shop, order_id, idempotency_key), await lines_to_add(shop, given.add)
    remove, window_s = units_of(given.remove), given.window_s
    command = EditOrder(name, added, remove, given.return_id, window_s, given.reason, actor)
    return await _tell(shop, order_id, command, 201, staff=True)


@merchant_router.post(
    "/v1/admin/orders/{order_id}/edits/{edit_id}/withdraw", response_model=Order, responses=STAFF_CHANGED
)
async def withdraw_edit(order_id: OrderPath, edit_id: OwnId, shop: TheShop, actor: TheActor) -> Response:
    """Give up an edit that isn't paid."""
    return await _tell(shop, order_id, WithdrawEdit(edit_id, actor), staff=True)


# -- what they share


def _name(shop: Shop, order_id: str, idempotency_key: str | None) -> str:
    """The name of something new: the same key names the same thing."""
    return receipt_id_of(order_id, idempotency_key) if idempotency_key else shop.new_id()


async def _known(shop: Shop, order_id: str) -> OrderView:
    order = await order_of(shop, order_id)
    if order is None:
        raise ProblemError(Reason.NOT_FOUND)
    return order


async def _send(shop: Shop, order_id: str, command: Command) -> OrderView:
    return await answered(shop, "order", order_id, command, OrderView)


async def _tell(shop: Shop, order_id: str, command: Command, status: int = 200, *, staff: bool = False) -> Response:
    return shaped(Order.of(await numbered(shop, await _send(shop, order_id, command)), staff=staff), status)
