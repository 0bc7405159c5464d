"""Payments at the edge: which methods a purchase may name, and what is done when a provider calls back."""

import logging
import re
from collections.abc import Mapping

from engine.kernel import Rejected
from engine.order import SettlePayment

from ..gateways.port import ForgedWebhook, GatewayUnavailable, PaymentReport
from ..reconciliation import Reconciliation
from ..shop import Shop
from .answers import timestamp
from .bounds import ORDER_ID_PATTERN, whole
from .problems import ProblemError
from .schemas.payments import MAX_FINDINGS, PaymentFinding, PaymentReconciliation
from .schemas.times import instant_of

LONGEST_COMPARISON_MS = 86_400_000
"""Window of one comparison: whoever wants more asks day by day."""
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


async def reconcile(shop: Shop, since: str, until: str, *, repair: bool = False) -> PaymentReconciliation:
    """Compare all providers with the orders of a window of time. Raises ProblemError, actors.errors.Unavailable."""
    start, end = instant_of(since), instant_of(until)
    if not start < end <= start + LONGEST_COMPARISON_MS:
        raise ProblemError("invalid-request", "until must come after since, by a day at most.")
    found = Reconciliation(shop.client, shop.placed_between, shop.providers, repair=repair)
    try:
        await found.run(start, end)
    except GatewayUnavailable as error:
        raise ProblemError("unavailable", headers=_RETRY) from error
    return PaymentReconciliation(
        since=timestamp(start),
        until=timestamp(end),
        methods=sorted(shop.providers),
        payments=found.payments,
        orders=found.orders,
        open=sum(not finding.mended for finding in found.findings),
        findings=[PaymentFinding.of(finding) for finding in found.worst(MAX_FINDINGS)],
    )
