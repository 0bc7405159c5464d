"""Order numbers: claimed by whoever is the first to tell somebody one, found again by whoever was told."""

import logging

from actors.errors import Unavailable
from engine.kernel import Rejected
from engine.order import OrderView, Status
from engine.order.numbering import NumberOrder
from engine.order_number import ClaimNumber, LookNumber, NumberView, number_of

from ..shop import Shop

logger = logging.getLogger("doorbuster.serve")


async def numbered(shop: Shop, order: OrderView) -> OrderView:
    """The order with its number, if it was bought. While nothing can be recorded, one without number stays so: whoever
    only looks is answered all the same."""
    if order.number or order.settlement is None or order.settlement.status is not Status.CONFIRMED:
        return order
    try:
        return await _claimed(shop, order)
    except Unavailable as error:
        logger.info("Order %s gets its number later: %s", order.order_id, error)
        return order


async def _claimed(shop: Shop, order: OrderView) -> OrderView:
    attempt = 0
    while True:
        number = number_of(order.order_id, attempt)
        claimed = await shop.client.send("order-number", number, ClaimNumber(order.order_id))
        if not isinstance(claimed, Rejected):
            break
        attempt += 1
    # Should two tell at once, they claim the same number.
    told = await shop.client.send("order", order.order_id, NumberOrder(number))
    assert isinstance(told, OrderView), "an order that was read is there"
    return told


async def order_id_by(shop: Shop, number: str) -> str | None:
    """The order that has the number, written as `order_number.read` writes it."""
    found = await shop.client.send("order-number", number, LookNumber())
    assert isinstance(found, NumberView), "a number tells whose it is"
    return found.order_id or None
