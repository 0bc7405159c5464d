"""Stripe, by its official SDK: a payment is a PaymentIntent that is authorized first and captured by a call of its own.

An intent is created (which moves no money) and then confirmed. So it can be voided before its authorization ever
comes, and every step but the first is kept from happening twice by the intent's own state. The first goes by Stripe's
idempotency keys; when those are forgotten, by the order's key in the intent's metadata.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import stripe

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

from .currencies import from_stripe, to_stripe
from .memory import BoundedMemory
from .port import ForgedWebhook, GatewayUnavailable, PaymentReport, PaymentStatus

TIMEOUT_S = 2.8
"""A little less than the runtime waits for a call: then the connection is given back in order."""
KEYS_REMEMBERED_MS = 20 * 3_600_000
"""Stripe forgets an idempotency key after 24 hours; from then on, and a while before, intents are searched for."""
SIGNATURE_TOLERANCE_S = 300
"""A webhook that was signed longer ago is a replay."""
CLOCKS_APART_S = 60
"""How far Stripe's clock and ours may differ."""
PAGE = 100

AUTHORIZE_KEY = "doorbuster_key"
"""The intent's metadata: whose payment it is."""
REFUND_KEY = "doorbuster_refund"
"""The refund's metadata: which refund it is."""
VOIDED = "doorbuster_voided"
"""The intent's metadata, when a void came too late to cancel it."""

Intent = dict[str, Any]

logger = logging.getLogger("doorbuster.gateways")


class _Refunds(NamedTuple):
    """What went back of a payment: the refund with the key that was asked about, and the sum of all that count."""

    own: dict[str, Any] | None
    total: int


class StripeGateway:
    """Implements `port.Provider`. Tokens are ids of payment methods, made by Stripe.js or a mobile SDK (`pm_...`)."""

    def __init__(
        self,
        secret_key: str,
        webhook_secret: str,
        now: Callable[[], Instant],
        *,
        http: stripe.HTTPXClient | None = None,
        api_url: str = "",
        return_url: str = "",
    ) -> None:
        self._http = http or stripe.HTTPXClient(timeout=TIMEOUT_S)
        # The runtime makes calls again, so the client itself doesn't.
        api = stripe.StripeClient(
            secret_key,
            http_client=self._http,
            base_addresses={"api": api_url} if api_url else None,
            max_network_retries=0,
        ).v1
        self._intents = api.payment_intents
        self._refunds = api.refunds
        self._webhook_secret = webhook_secret
        self._now = now
        self._return_url = return_url
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
        except stripe.CardError as error:
            return Declined(_code_of(error) or "card_declined")
        except stripe.InvalidRequestError as error:
            if error.http_status in (409, 429):
                raise GatewayUnavailable(f"Stripe is busy with this payment: {error.user_message}") from error
            return Declined(_code_of(error) or "invalid_request")
        except stripe.StripeError as error:
            raise _unavailable(error) from error

    # -- authorize

    async def _authorize(self, call: Authorize) -> Answer:
        intent = await self._find(call) or await self._create(call)
        if intent is None:
            return Declined("amount_not_supported")
        if intent["status"] == "requires_confirmation":
            intent = await self._confirm(intent)
        return await self._told(intent)

    async def _find(self, call: Authorize | Void) -> Intent | None:
        """The intent of the call's key, if it is known to exist."""
        if known := call.payment_id or self._made.get(_key_of(call)):
            return await self._retrieve(known)
        if not call.since or self._now() - call.since < KEYS_REMEMBERED_MS:
            return None
        return await self._search(_key_of(call), call.since)

    async def _search(self, key: str, since: Instant) -> Intent | None:
        try:
            found = await self._intents.search_async({"query": f"metadata['{AUTHORIZE_KEY}']:'{key}'"})
            return found.data[0].to_dict() if found.data else None
        except stripe.InvalidRequestError:
            # Stripe doesn't offer the search everywhere: https://docs.stripe.com/search#regional-availability.
            page = await self._intents.list_async({"created": {"gte": since // 1_000 - CLOCKS_APART_S}, "limit": PAGE})
            async for each in page.auto_paging_iter():
                if (intent := each.to_dict())["metadata"].get(AUTHORIZE_KEY) == key:
                    return intent
            return None

    async def _create(self, call: Authorize | Void) -> Intent | None:
        """The intent of the call's key as it was when it was made: that may be long ago. None: Stripe can't take it.

        Made from what `Authorize` and `Void` have in common, because one key must always come with one request.
        """
        amount = to_stripe(call.amount)
        if amount is None:
            return None
        key = _key_of(call)
        created = await self._intents.create_async(
            {
                "amount": amount,
                "currency": call.amount.currency.lower(),
                "payment_method": call.token,
                "allowed_payment_method_types": ["card"],
                "capture_method": "manual",
                "metadata": {AUTHORIZE_KEY: key},
            },
            {"idempotency_key": key},
        )
        self._made.put(key, created.id)
        return created.to_dict()

    async def _confirm(self, intent: Intent) -> Intent:
        try:
            confirmed = await (
                self._intents.confirm_async(intent["id"], {"return_url": self._return_url})
                if self._return_url
                else self._intents.confirm_async(intent["id"])
            )
        except (stripe.CardError, stripe.InvalidRequestError):
            # The card is declined, or the intent was as it is only when it was made: how it is now decides.
            return await self._retrieve(intent["id"])
        return confirmed.to_dict()

    async def _told(self, intent: Intent) -> Answer:
        """The answer that the intent is to its authorization."""
        payment_id, status = intent["id"], intent["status"]
        if status == "requires_action":
            return Pending(payment_id, _action_of(intent))
        if status == "processing":
            return Pending(payment_id)
        if status == "requires_capture":
            return Authorized(payment_id, False, _amount_of(intent))
        if status == "succeeded" and VOIDED not in intent["metadata"]:
            return Authorized(payment_id, True, _received_of(intent))
        if status == "requires_payment_method":
            # Declined is for good: nobody shall try another card on an order that has ended.
            await self._cancel(payment_id)
        return Declined(_declined_for(intent))

    # -- capture

    async def _capture(self, call: Capture) -> Answer:
        amount = to_stripe(call.amount)
        if amount is None:
            return Declined("amount_not_supported")
        code = ""
        try:
            captured = await self._intents.capture_async(
                call.payment_id, {"amount_to_capture": amount}, {"idempotency_key": call.key}
            )
            intent = captured.to_dict()
        except stripe.InvalidRequestError as error:
            # It was captured before, maybe by a call whose answer nobody heard; or it can't be any more.
            intent = await self._retrieve(call.payment_id)
            code = _code_of(error)
        if intent["status"] != "succeeded" or VOIDED in intent["metadata"]:
            return Declined(code or "capture_refused")
        return Captured(call.payment_id, _received_of(intent))

    # -- void

    async def _void(self, call: Void) -> Answer:
        try:
            intent = await self._find(call) or await self._create(call)
        except stripe.InvalidRequestError:
            # Stripe knows no such payment method: it will never be good for an authorization.
            return Voided()
        if intent is None:
            return Voided()
        intent = await self._cancel(intent["id"])
        if intent["status"] == "succeeded":
            return await self._give_back(intent, call)
        if intent["status"] != "canceled":
            raise GatewayUnavailable(f"the payment is {intent['status']} and can't be cancelled now")
        return Voided()

    async def _cancel(self, payment_id: str) -> Intent:
        """Cancel the intent if that is still possible; the intent then."""
        try:
            return (await self._intents.cancel_async(payment_id)).to_dict()
        except stripe.InvalidRequestError:
            return await self._retrieve(payment_id)

    async def _give_back(self, intent: Intent, call: Void) -> Answer:
        await self._intents.update_async(intent["id"], {"metadata": {VOIDED: "yes"}})
        refunds = await self._refunds_of(intent["id"], call.key)
        received = _received_of(intent)
        left = received.amount - from_stripe(refunds.total, intent["currency"]).amount
        if refunds.own is None and left > 0:
            await self._make_refund(intent["id"], call.key, Money(left, received.currency))
        returned = left if refunds.own is None else from_stripe(refunds.own["amount"], intent["currency"]).amount
        return Voided(Money(returned, received.currency) if returned else None)

    # -- refund

    async def _refund(self, call: Refund) -> Answer:
        refunds = await self._refunds_of(call.payment_id, call.key)
        if refunds.own is not None:
            return _refunded(refunds.own)
        intent = await self._retrieve(call.payment_id)
        left = _received_of(intent).amount - from_stripe(refunds.total, intent["currency"]).amount
        if call.amount.amount > left:
            # Stripe would refuse it, too; this says it in words that are the same with every provider.
            return Declined(ABOVE_CAPTURED if left > 0 else ALREADY_REFUNDED)
        return _refunded(await self._make_refund(call.payment_id, call.key, call.amount))

    async def _refunds_of(self, payment_id: str, key: str) -> _Refunds:
        """Looked for before each refund: keys are forgotten after a day, refunds aren't."""
        own, total = None, 0
        page = await self._refunds.list_async({"payment_intent": payment_id, "limit": PAGE})
        async for each in page.auto_paging_iter():
            refund = each.to_dict()
            if refund["metadata"].get(REFUND_KEY) == key:
                own = refund
            if refund["status"] not in ("failed", "canceled"):
                total += refund["amount"]
        return _Refunds(own, total)

    async def _make_refund(self, payment_id: str, key: str, amount: Money) -> dict[str, Any]:
        refund = await self._refunds.create_async(
            {"payment_intent": payment_id, "amount": to_stripe(amount) or 0, "metadata": {REFUND_KEY: key}},
            {"idempotency_key": key},
        )
        return refund.to_dict()

    # -- what Stripe tells

    async def look_up(self, payment_id: str) -> PaymentReport | None:
        """The payment as it is now."""
        try:
            found = await self._intents.retrieve_async(payment_id, {"expand": ["latest_charge"]})
            return await self._report(found.to_dict())
        except stripe.InvalidRequestError as error:
            if error.http_status == 404:
                return None
            raise _unavailable(error) from error
        except stripe.StripeError as error:
            raise _unavailable(error) from error

    async def hear(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """The id of the intent that an event tells of."""
        signature = headers.get("stripe-signature", "")
        try:
            stripe.WebhookSignature.verify_header(
                body.decode(), signature, self._webhook_secret, tolerance=SIGNATURE_TOLERANCE_S
            )
            event = json.loads(body)
            told = event["data"]["object"]
            found = told["id"] if told["object"] == "payment_intent" else told.get("payment_intent")
        except stripe.SignatureVerificationError as error:
            raise ForgedWebhook(str(error)) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ForgedWebhook("this is no event of Stripe's") from error
        return found if isinstance(found, str) else None

    async def payments(self, since: Instant, until: Instant) -> AsyncIterator[PaymentReport]:
        """The intents that were made in that time."""
        try:
            page = await self._intents.list_async(
                {
                    "created": {"gte": since // 1_000, "lt": -(-until // 1_000)},
                    "limit": PAGE,
                    "expand": ["data.latest_charge"],
                }
            )
            async for each in page.auto_paging_iter():
                if (report := await self._report(each.to_dict())) is not None:
                    yield report
        except stripe.StripeError as error:
            raise _unavailable(error) from error

    async def _report(self, intent: Intent) -> PaymentReport | None:
        if (key := intent["metadata"].get(AUTHORIZE_KEY)) is None:
            return None
        status = _STATUSES.get(intent["status"], PaymentStatus.PENDING)
        code, refunded, amount = "", 0, _amount_of(intent)
        if status is PaymentStatus.DECLINED or (status is PaymentStatus.VOIDED and intent.get("last_payment_error")):
            status, code = PaymentStatus.DECLINED, _declined_for(intent)
        if status is PaymentStatus.CAPTURED:
            amount = _received_of(intent)
            if _may_be_refunded(intent):
                refunds = await self._refunds_of(intent["id"], "")
                refunded = from_stripe(refunds.total, intent["currency"]).amount
        return PaymentReport(intent["id"], key, status, amount, refunded, intent["created"] * 1_000, code)

    async def _retrieve(self, payment_id: str) -> Intent:
        return (await self._intents.retrieve_async(payment_id)).to_dict()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]


_STATUSES = {
    "requires_capture": PaymentStatus.AUTHORIZED,
    "succeeded": PaymentStatus.CAPTURED,
    "canceled": PaymentStatus.VOIDED,
    "requires_payment_method": PaymentStatus.DECLINED,
}
"""All others are pending."""


def _key_of(call: Authorize | Void) -> str:
    return call.authorize_key if isinstance(call, Void) else call.key


def _amount_of(intent: Intent) -> Money:
    return from_stripe(intent["amount"], intent["currency"])


def _received_of(intent: Intent) -> Money:
    """What was captured: of a part only that."""
    captured: int = intent["amount"] if intent["status"] == "succeeded" else 0
    return from_stripe(intent.get("amount_received") or captured, intent["currency"])


def _may_be_refunded(intent: Intent) -> bool:
    """Whether its refunds are worth a question: of most payments the charge says that there is none."""
    charge = intent.get("latest_charge")
    return not isinstance(charge, dict) or charge.get("amount_refunded") != 0


def _action_of(intent: Intent) -> PaymentAction:
    redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
    return PaymentAction(redirect.get("url") or "", intent["client_secret"])


def _declined_for(intent: Intent) -> str:
    error = intent.get("last_payment_error") or {}
    return error.get("decline_code") or error.get("code") or "voided"


def _refunded(refund: dict[str, Any]) -> Answer:
    if refund["status"] in ("failed", "canceled"):
        return Declined("refund_failed")
    return Refunded(refund["id"])


def _code_of(error: stripe.StripeError) -> str:
    if error.code == "resource_missing":
        return "invalid_token" if getattr(error, "param", None) == "payment_method" else "no_such_payment"
    body = error.error
    return str((getattr(body, "decline_code", None) if body is not None else None) or error.code or "")


def _unavailable(error: stripe.StripeError) -> GatewayUnavailable:
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        logger.error("Stripe doesn't accept this shop's key: %s", error.user_message)
    return GatewayUnavailable(f"Stripe: {type(error).__name__}: {error.user_message or error.http_status or ''}")
