"""PayPal, Orders v2: a payment is a PayPal order that the payer approves, that is authorized, and captured by a call of
its own.

Money moves only when we say so, never by the payer's approval alone. So an order that nobody wants any more needs no
cancelling, which PayPal doesn't have: a void marks it, and what was being authorized at that moment is released by
whoever sees the mark. Answers come from the PayPal order itself, which lives longer than PayPal remembers request ids.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from engine.kernel import Answer, Command, Instant
from engine.money import Money
from engine.payment import (
    ABOVE_CAPTURED,
    ALREADY_REFUNDED,
    Authorize,
    Authorized,
    Capture,
    Captured,
    Declined,
    PaymentAction,
    Pending,
    Refund,
    Refunded,
    Void,
    Voided,
)

from .currencies import from_paypal, to_paypal
from .memory import BoundedMemory
from .paypal_api import Body, PayPalApi, PayPalError
from .port import ForgedWebhook, GatewayUnavailable, PaymentReport, PaymentStatus

TOKEN = "redirect"  # noqa: S105 - what a purchase says in place of a token: there is none, the payer approves at PayPal
VOIDED = " voided"
"""Behind our key in the PayPal order's `custom_id`: nobody wants it any more."""
LONGEST_SEARCH_MS = 31 * 86_400_000
"""PayPal searches at most 31 days at a time."""
PAGE = 100

_TRANSMISSION = {
    "auth_algo": "paypal-auth-algo",
    "cert_url": "paypal-cert-url",
    "transmission_id": "paypal-transmission-id",
    "transmission_sig": "paypal-transmission-sig",
    "transmission_time": "paypal-transmission-time",
}
"""What verifying a webhook takes, and the headers it stands in."""


class PayPalGateway:
    """Implements `port.Provider`. The payer comes back to `return_url`, or to `cancel_url`."""

    def __init__(self, api: PayPalApi, webhook_id: str, *, return_url: str = "", cancel_url: str = "") -> None:
        self._api = api
        self._webhook_id = webhook_id
        self._pages = {"return_url": return_url, "cancel_url": cancel_url or return_url} if return_url else {}
        self._made = BoundedMemory[str]()

    def answer_at_once(self, call: Command) -> Answer | None:
        """Nothing is known here without asking."""
        return None

    async def call(self, call: Command) -> Answer:
        """Carry the call out."""
        carry_out: Mapping[type[Command], Callable[[Any], Awaitable[Answer]]] = {
            Authorize: self._authorize,
            Capture: self._capture,
            Void: self._void,
            Refund: self._refund,
        }
        try:
            return await carry_out[type(call)](call)
        except PayPalError as error:
            return Declined(error.issue.lower())

    # -- authorize

    async def _authorize(self, call: Authorize) -> Answer:
        if call.token != TOKEN:
            return Declined("invalid_token")
        if to_paypal(call.amount) is None:
            return Declined("amount_not_supported")
        order = await self._order_of(call)
        if order["status"] == "APPROVED" and not _is_voided(order):
            order = await self._authorize_approved(order, call)
        return self._told(order)

    async def _order_of(self, call: Authorize | Void) -> Body:
        """The PayPal order of the call's key as it is now; it is made if there is none.

        One whose making nobody heard of, long ago, is made again: nobody has the first one's address to approve it.
        """
        key = _key_of(call)
        if known := call.payment_id or self._made.get(key):
            return await self._get(known)
        created = await self._api.post("/v2/checkout/orders", self._new_order(call), request_id=key)
        self._made.put(key, created["id"])
        # Sent again, this gets the answer of the first time: how the order is now, only asking tells.
        return await self._get(created["id"])

    def _new_order(self, call: Authorize | Void) -> Body:
        unit = {"custom_id": _key_of(call), "invoice_id": _key_of(call), "amount": to_paypal(call.amount)}
        context = {"user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING", **self._pages}
        return {
            "intent": "AUTHORIZE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": context}},
        }

    async def _authorize_approved(self, order: Body, call: Authorize) -> Body:
        path = f"/v2/checkout/orders/{order['id']}"
        try:
            await self._api.post(f"{path}/authorize", request_id=f"{call.key}:authorize")
        except PayPalError:
            # Somebody else of us may have been faster, long ago.
            order = await self._get(order["id"])
            if not _payments(order, "authorizations"):
                raise
        order = await self._get(order["id"])
        if _is_voided(order):
            # The void came between the look and the authorization, and found nothing to release.
            await self._release(order)
            order = await self._get(order["id"])
        return order

    def _told(self, order: Body) -> Answer:
        """The answer that the PayPal order is to its authorization."""
        if _is_voided(order):
            return Declined("voided")
        if captures := _captures_of(order):
            under_way = any(capture["status"] == "PENDING" for capture in captures)
            return Pending(order["id"]) if under_way else Authorized(order["id"], True, _sum_of(captures))
        for authorization in _payments(order, "authorizations"):
            if authorization["status"] == "CREATED":
                return Authorized(order["id"], False, from_paypal(authorization["amount"]))
            if authorization["status"] == "PENDING":
                return Pending(order["id"])
            return Declined(authorization["status"].lower())
        if order["status"] in ("VOIDED", "COMPLETED"):
            return Declined("voided")
        return Pending(order["id"], _action_of(order))

    # -- capture

    async def _capture(self, call: Capture) -> Answer:
        amount = to_paypal(call.amount)
        if amount is None:
            return Declined("amount_not_supported")
        order = await self._get(call.payment_id)
        if not _captures_of(order):
            authorization = next(iter(_payments(order, "authorizations")), None)
            if authorization is None or authorization["status"] != "CREATED":
                return Declined("voided" if authorization is None else authorization["status"].lower())
            if call.amount.amount > from_paypal(authorization["amount"]).amount:
                # PayPal would allow some more; the shop never takes more than the payer has seen.
                return Declined("above_authorized")
            path = f"/v2/payments/authorizations/{authorization['id']}/capture"
            await self._api.post(path, {"amount": amount, "final_capture": True}, request_id=call.key)
            order = await self._get(call.payment_id)
        captures = self._settled_captures(order)
        return Captured(call.payment_id, _sum_of(captures)) if captures else Declined("capture_declined")

    def _settled_captures(self, order: Body) -> list[Body]:
        captures = _captures_of(order)
        if any(capture["status"] == "PENDING" for capture in captures):
            raise GatewayUnavailable("PayPal is still looking at the capture")
        return captures

    # -- void

    async def _void(self, call: Void) -> Answer:
        if not call.payment_id and (call.token != TOKEN or to_paypal(call.amount) is None):
            return Voided()
        try:
            order = await self._order_of(call)
        except PayPalError as error:
            if error.status != 404:
                raise
            # An order that nobody approved is gone after some hours.
            return Voided()
        if not _is_voided(order):
            # It can't be changed any more once it is authorized: then that is undone.
            with suppress(PayPalError):
                await self._mark_voided(order)
            order = await self._get(order["id"])
        await self._release(order)
        return await self._give_back(await self._get(order["id"]), call)

    async def _mark_voided(self, order: Body) -> None:
        unit = order["purchase_units"][0]
        path = f"/purchase_units/@reference_id=='{unit.get('reference_id', 'default')}'/custom_id"
        change = {"op": "replace", "path": path, "value": unit["custom_id"] + VOIDED}
        await self._api.patch(f"/v2/checkout/orders/{order['id']}", [change])

    async def _release(self, order: Body) -> None:
        """Void what is authorized and not captured."""
        for authorization in _payments(order, "authorizations"):
            if authorization["status"] in ("CREATED", "PENDING"):
                await self._api.post(f"/v2/payments/authorizations/{authorization['id']}/void")

    async def _give_back(self, order: Body, call: Void) -> Answer:
        captures = self._settled_captures(order)
        if not captures:
            return Voided()
        captured = _sum_of(captures)
        left = captured.amount - _refunded_of(order)
        own = next((each for each in _payments(order, "refunds") if each.get("custom_id") == call.key), None)
        if own is None and left > 0:
            await self._make_refund(captures[0]["id"], call.key, Money(left, captured.currency))
        returned = left if own is None else from_paypal(own["amount"]).amount
        return Voided(Money(returned, captured.currency) if returned else None)

    # -- refund

    async def _refund(self, call: Refund) -> Answer:
        order = await self._get(call.payment_id)
        for refund in _payments(order, "refunds"):
            # Looked for before each refund: request ids are forgotten, refunds aren't.
            if refund.get("custom_id") == call.key:
                return _refund_told(refund)
        captures = self._settled_captures(order)
        left = (_sum_of(captures).amount if captures else 0) - _refunded_of(order)
        if call.amount.amount > left:
            return Declined(ABOVE_CAPTURED if left > 0 else ALREADY_REFUNDED)
        return _refund_told(await self._make_refund(captures[0]["id"], call.key, call.amount))

    async def _make_refund(self, capture_id: str, key: str, amount: Money) -> Body:
        body = {"amount": to_paypal(amount), "custom_id": key}
        return await self._api.post(f"/v2/payments/captures/{capture_id}/refund", body, request_id=key)

    # -- what PayPal tells

    async def look_up(self, payment_id: str) -> PaymentReport | None:
        """The payment as it is now."""
        try:
            order = await self._get(payment_id)
            if _is_voided(order):
                # What was authorized at the very moment of the void is released by whoever sees it.
                await self._release(order)
            return self._report(order)
        except PayPalError as error:
            if error.status == 404:
                return None
            raise GatewayUnavailable(f"PayPal: {error.issue}") from error

    async def hear(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """The id of the PayPal order that an event tells of, once PayPal has said that the event is its own."""
        sent = {name: headers.get(header, "") for name, header in _TRANSMISSION.items()}
        try:
            event = json.loads(body)
            told = event["resource"]
            kind = str(event["event_type"])
        except (ValueError, KeyError, TypeError) as error:
            raise ForgedWebhook("this is no event of PayPal's") from error
        if not all(sent.values()):
            raise ForgedWebhook("the webhook isn't signed")
        await self._verify(sent, body)
        return _order_told_of(kind, told)

    async def _verify(self, sent: Mapping[str, str], event: bytes) -> None:
        about = json.dumps({**sent, "webhook_id": self._webhook_id}).encode()
        body = about[:-1] + b', "webhook_event": ' + event + b"}"
        try:
            verified = await self._api.post_raw("/v1/notifications/verify-webhook-signature", body)
        except PayPalError as error:
            raise ForgedWebhook(f"PayPal doesn't verify the webhook: {error.issue}") from error
        if verified.get("verification_status") != "SUCCESS":
            raise ForgedWebhook("the webhook isn't PayPal's")

    async def payments(self, since: Instant, until: Instant) -> AsyncIterator[PaymentReport]:
        """The payments that were captured in that time: PayPal lists transactions, and shows them after some hours."""
        seen: set[str] = set()
        while since < until:
            end = min(until, since + LONGEST_SEARCH_MS)
            async for capture_id in self._captures(since, end):
                report = await self._report_of_capture(capture_id)
                if report is not None and report.payment_id not in seen:
                    seen.add(report.payment_id)
                    yield report
            since = end

    async def _captures(self, since: Instant, until: Instant) -> AsyncIterator[str]:
        page, pages = 1, 1
        while page <= pages:
            params = {
                "start_date": _date_of(since),
                "end_date": _date_of(until),
                "transaction_type": "T0006",
                "page_size": str(PAGE),
                "page": str(page),
            }
            try:
                found = await self._api.get("/v1/reporting/transactions", params)
            except PayPalError as error:
                raise GatewayUnavailable(f"PayPal: {error.issue}") from error
            for transaction in found.get("transaction_details", []):
                yield transaction["transaction_info"]["transaction_id"]
            page, pages = page + 1, int(found.get("total_pages", 1))

    async def _report_of_capture(self, capture_id: str) -> PaymentReport | None:
        try:
            capture = await self._api.get(f"/v2/payments/captures/{capture_id}")
        except PayPalError:
            # A transaction that wasn't made by Orders v2: another shop's of the same merchant.
            return None
        order_id = _related_order(capture)
        return await self.look_up(order_id) if order_id else None

    def _report(self, order: Body) -> PaymentReport | None:
        unit = order["purchase_units"][0]
        key = unit.get("custom_id", "").removesuffix(VOIDED)
        if not key:
            return None
        amount, status, code = from_paypal(unit["amount"]), PaymentStatus.PENDING, ""
        captures = _captures_of(order)
        told = self._told(order)
        if captures and not any(capture["status"] == "PENDING" for capture in captures):
            amount, status = _sum_of(captures), PaymentStatus.CAPTURED
        elif isinstance(told, Declined):
            status = PaymentStatus.VOIDED if told.code == "voided" else PaymentStatus.DECLINED
            code = told.code
        elif isinstance(told, Authorized):
            status = PaymentStatus.AUTHORIZED
        elif order["status"] == "APPROVED":
            status = PaymentStatus.APPROVED
        created_at = _instant_of(order["create_time"])
        return PaymentReport(order["id"], key, status, amount, _refunded_of(order), created_at, code)

    async def _get(self, order_id: str) -> Body:
        return await self._api.get(f"/v2/checkout/orders/{order_id}")

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()


def _key_of(call: Authorize | Void) -> str:
    return call.authorize_key if isinstance(call, Void) else call.key


def _is_voided(order: Body) -> bool:
    return bool(order["purchase_units"][0].get("custom_id", "").endswith(VOIDED))


def _payments(order: Body, kind: str) -> list[Body]:
    found: list[Body] = (order["purchase_units"][0].get("payments") or {}).get(kind) or []
    return found


def _counting(order: Body, kind: str) -> list[Body]:
    """Those that moved money or are about to."""
    return [each for each in _payments(order, kind) if each["status"] not in ("DECLINED", "FAILED", "CANCELLED")]


def _captures_of(order: Body) -> list[Body]:
    return _counting(order, "captures")


def _sum_of(payments: list[Body]) -> Money:
    total = from_paypal(payments[0]["amount"])
    for each in payments[1:]:
        total += from_paypal(each["amount"])
    return total


def _refunded_of(order: Body) -> int:
    return sum(from_paypal(refund["amount"]).amount for refund in _counting(order, "refunds"))


def _refund_told(refund: Body) -> Answer:
    if refund["status"] in ("FAILED", "CANCELLED"):
        return Declined("refund_failed")
    return Refunded(refund["id"])


def _action_of(order: Body) -> PaymentAction | None:
    """The page where the payer approves."""
    for link in order.get("links", []):
        if link["rel"] in ("payer-action", "approve"):
            return PaymentAction(redirect_url=link["href"])
    return None


def _order_told_of(kind: str, told: Any) -> str | None:
    """The PayPal order behind an event's resource."""
    if not isinstance(told, dict):
        return None
    found = told.get("id") if kind.startswith("CHECKOUT.ORDER.") else _related_order(told)
    return found if isinstance(found, str) else None


def _related_order(payment: Body) -> str | None:
    related = (payment.get("supplementary_data") or {}).get("related_ids") or {}
    found = related.get("order_id")
    return found if isinstance(found, str) else None


def _date_of(at: Instant) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant_of(date: str) -> Instant:
    return int(datetime.fromisoformat(date).timestamp() * 1_000)
