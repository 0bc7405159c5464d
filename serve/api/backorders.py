"""What of an order was sold before it was here: it is shipped when the goods have come."""

from collections.abc import Collection

from engine.backorders import BackorderView, LookBackorder
from engine.kernel import Rejected, tag_of
from engine.order import OrderView
from engine.reasons import Reason

from ..shop import Shop
from .problems import refused


async def require_goods(shop: Shop, order: OrderView, skus: Collection[str] = ()) -> None:
    """Raises ProblemError (`backorder-waiting`) while goods for these lines (none: for any) haven't come.

    Once they are here they stay the order's: nothing can change between this look and the parcel.
    """
    sold = {line.sku for line in order.lines}
    for key in order.backorders:
        sku = tag_of(key)
        if skus and sku in sold and sku not in skus:
            continue
        # What is no line of its own goes into a bundle: no bundle of the order leaves without it.
        found = await shop.client.send("stock", key, LookBackorder(order.order_id))
        assert isinstance(found, BackorderView)
        if found.waiting:
            raise refused(
                Rejected(Reason.BACKORDER_WAITING, {"sku": sku, "waiting": found.waiting, "ahead": found.ahead})
            )
