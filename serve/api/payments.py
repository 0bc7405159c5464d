"""Payments at the edge: which methods a purchase may name, and what is done when a provider calls back."""

import logging
import re
from collections.abc import Mapping

from engine.kernel import Rejected
from engine.order import SettlePayment

from ..gateways.port import ForgedWebhook, GatewayUnavailable, PaymentReport
from ..shop import Shop
from .bounds import ORDER_ID_PATTERN, whole
from .problems import ProblemError

_RETRY = {"retry-after": "5"}
_is_order_id = re.compile(whole(ORDER_ID_PATTERN)).match

logger = logging.getLogger("doorbuster.payments")


def require_method(shop: Shop, method: str) -> None:
    """Raises ProblemError for a payment method that this shop doesn't have."""
    if method not in shop.payment_methods:
        methods = list(shop.payment_methods)
        detail = f"There is no payment method {method} here; there is {' and '.join(methods) or 'none'}."
        raise ProblemError("payment-method-unknown", detail, {"methods": methods})


async def hear_webhook(shop: Shop, name: str, headers: Mapping[str, str], body: bytes) -> None:
    """See that the order of the payment that a webhook tells of has recorded how the payment is now.

    The webhook is only a hint: what counts is what the provider says when it is asked. So webhooks may come twice, late
    and in any order. Raises ProblemError, actors.errors.Unavailable: then nothing is lost, the provider calls again.
    """
    provider = shop.providers.get(name)
    if provider is None:
        raise ProblemError("not-found")
    try:
        payment_id = await provider.hear(headers, body)
        report = await provider.look_up(payment_id) if payment_id else None
    except ForgedWebhook as error:
        logger.warning("A webhook in the name of %s is refused: %s", name, error.detail)
        raise ProblemError("webhook-unverified") from error
    except GatewayUnavailable as error:
        raise ProblemError("unavailable", headers=_RETRY) from error
    if report is not None:
        await tell_order(shop, report)


async def tell_order(shop: Shop, report: PaymentReport) -> bool:
    """Tell the order of a payment how it is now; whether there is something to tell, and an order to hear it."""
    settlement = report.settlement()
    if settlement is None or not _is_order_id(report.order_id):
        return False
    reply = await shop.client.send("order", report.order_id, SettlePayment(report.authorize_key, settlement))
    if isinstance(reply, Rejected):
        # Another shop may share the account with this one: its payments are none of ours.
        logger.warning("Payment %s is for order %s: %s", report.payment_id, report.order_id, reply.reason)
        return False
    return True
