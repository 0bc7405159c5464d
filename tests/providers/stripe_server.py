"""Stripe's API as far as a shop uses it: PaymentIntents with manual capture, refunds, idempotency keys, search.

Written from the public API reference, version 2026-10-28. Payment methods are Stripe's own test ones.
"""

import hashlib
import hmac
import json
import time
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

import httpx
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.wire import Wire

from .misbehaving import Misbehaving

SECRET_KEY = "sk_test_123"
WEBHOOK_SECRET = "whsec_test"
VISA = "pm_card_visa"
DECLINED = "pm_card_visa_chargeDeclined"
THREE_D_SECURE = "pm_card_authenticationRequired"


class ApiError(Exception):
    def __init__(self, status: int, kind: str, code: str, **more: Any) -> None:
        super().__init__(status, kind, code)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": code.replace("_", " "), **more}}


class StripeServer:
    """One account. `intents` and `refunds` are its books."""

    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.created_at = time.time()
        self.can_search = True
        self.asked: list[str] = []
        """Method and path of every request."""
        self._numbers = count(1)
        self._answers: dict[str, tuple[str, int, dict[str, Any]]] = {}
        routes = [
            Route("/v1/payment_intents", self._answer(self._create), methods=["POST"]),
            Route("/v1/payment_intents", self._answer(self._list)),
            Route("/v1/payment_intents/search", self._answer(self._search)),
            Route("/v1/payment_intents/{id}", self._answer(self._retrieve)),
            Route("/v1/payment_intents/{id}", self._answer(self._update), methods=["POST"]),
            Route("/v1/payment_intents/{id}/confirm", self._answer(self._confirm), methods=["POST"]),
            Route("/v1/payment_intents/{id}/capture", self._answer(self._capture), methods=["POST"]),
            Route("/v1/payment_intents/{id}/cancel", self._answer(self._cancel), methods=["POST"]),
            Route("/v1/refunds", self._answer(self._refund), methods=["POST"]),
            Route("/v1/refunds", self._answer(self._list_refunds)),
        ]
        self.network = Misbehaving(Starlette(routes=routes))

    def http(self) -> stripe.HTTPXClient:
        """What a gateway reaches this server by, without a network."""
        client = stripe.HTTPXClient(verify_ssl_certs=False)
        client._client_async = httpx.AsyncClient(transport=Wire(self.network))
        return client

    def forget_keys(self) -> None:
        """As Stripe does with keys after a day."""
        self._answers.clear()

    def kept(self, payment_id: str) -> int:
        back = sum(refund["amount"] for refund in self._refunds_of(payment_id))
        return int(self.intents[payment_id]["amount_received"]) - back

    def authenticate(self, payment_id: str, *, succeeds: bool = True) -> None:
        """The payer does what his bank wants, or fails to."""
        intent = self.intents[payment_id]
        assert intent["status"] == "requires_action"
        if succeeds:
            intent.update(status="requires_capture", next_action=None)
        else:
            self._fail(intent, "payment_intent_authentication_failure", None)

    def event(self, payment_id: str, kind: str = "payment_intent.succeeded") -> tuple[bytes, dict[str, str]]:
        """A signed webhook about the intent: body and headers."""
        told = dict(self.intents[payment_id])
        body = json.dumps({"object": "event", "type": kind, "data": {"object": told}}).encode()
        return body, {"stripe-signature": signature_of(body)}

    # -- the API

    def _answer(self, handle: Any) -> Any:
        async def answer(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {SECRET_KEY}":
                return JSONResponse({"error": {"type": "invalid_request_error", "message": "bad key"}}, 401)
            self.asked.append(f"{request.method} {request.url.path}")
            body = (await request.body()).decode()
            parameters = tree_of(parse_qsl(body or request.url.query))
            key = request.headers.get("idempotency-key", "")
            if key in self._answers and request.method == "POST":
                asked, status, content = self._answers[key]
                if asked != f"{request.url.path} {body}":
                    return JSONResponse({"error": {"type": "idempotency_error", "message": "other parameters"}}, 400)
                return JSONResponse(content, status, {"idempotent-replayed": "true"})
            try:
                status, content = 200, handle(request.path_params.get("id", ""), parameters)
            except ApiError as error:
                status, content = error.status, error.body
            if key:
                self._answers[key] = (f"{request.url.path} {body}", status, json.loads(json.dumps(content)))
            return JSONResponse(content, status)

        return answer

    def _create(self, _id: str, given: dict[str, Any]) -> dict[str, Any]:
        unknown = given.keys() - {
            "amount", "currency", "payment_method", "allowed_payment_method_types", "capture_method", "metadata",
        }  # fmt: skip
        if unknown:
            raise ApiError(400, "invalid_request_error", "parameter_unknown", param=min(unknown))
        if given["payment_method"] not in (VISA, DECLINED, THREE_D_SECURE):
            raise ApiError(400, "invalid_request_error", "resource_missing", param="payment_method")
        intent_id = f"pi_{next(self._numbers):024}"
        self.intents[intent_id] = {
            "id": intent_id,
            "object": "payment_intent",
            "amount": int(given["amount"]),
            "amount_received": 0,
            "currency": given["currency"],
            "status": "requires_confirmation",
            "payment_method": given["payment_method"],
            "capture_method": given["capture_method"],
            "client_secret": f"{intent_id}_secret_x",
            "metadata": given.get("metadata", {}),
            "created": int(self.created_at),
            "next_action": None,
            "last_payment_error": None,
        }
        return self.intents[intent_id]

    def _intent(self, intent_id: str) -> dict[str, Any]:
        if intent_id not in self.intents:
            raise ApiError(404, "invalid_request_error", "resource_missing", param="intent")
        return self.intents[intent_id]

    def _retrieve(self, intent_id: str, given: dict[str, Any]) -> dict[str, Any]:
        intent = self._intent(intent_id)
        return self._with_charge(intent) if given.get("expand") else intent

    def _with_charge(self, intent: dict[str, Any]) -> dict[str, Any]:
        refunded = sum(refund["amount"] for refund in self._refunds_of(intent["id"]))
        return {**intent, "latest_charge": {"object": "charge", "id": "ch_1", "amount_refunded": refunded}}

    def _update(self, intent_id: str, given: dict[str, Any]) -> dict[str, Any]:
        intent = self._intent(intent_id)
        intent["metadata"].update(given["metadata"])
        return intent

    def _confirm(self, intent_id: str, given: dict[str, Any]) -> dict[str, Any]:
        intent = self._intent(intent_id)
        self._expect(intent, "requires_confirmation")
        if intent["payment_method"] == DECLINED:
            self._fail(intent, "card_declined", "insufficient_funds")
            error = intent["last_payment_error"]
            raise ApiError(402, "card_error", error["code"], decline_code=error["decline_code"], payment_intent=intent)
        if intent["payment_method"] == THREE_D_SECURE:
            redirect = {"url": "https://hooks.stripe.com/3ds", "return_url": given.get("return_url")}
            intent.update(
                status="requires_action",
                next_action={"type": "redirect_to_url", "redirect_to_url": redirect}
                if given.get("return_url")
                else {"type": "use_stripe_sdk"},
            )
        else:
            intent["status"] = "requires_capture"
        return intent

    def _fail(self, intent: dict[str, Any], code: str, decline_code: str | None) -> None:
        error = {"code": code, "decline_code": decline_code, "message": "Your card was declined."}
        intent.update(status="requires_payment_method", payment_method=None, next_action=None, last_payment_error=error)

    def _capture(self, intent_id: str, given: dict[str, Any]) -> dict[str, Any]:
        intent = self._intent(intent_id)
        self._expect(intent, "requires_capture")
        amount = int(given["amount_to_capture"])
        if amount > intent["amount"]:
            raise ApiError(400, "invalid_request_error", "amount_too_large", param="amount_to_capture")
        intent.update(status="succeeded", amount_received=amount)
        return intent

    def _cancel(self, intent_id: str, _given: dict[str, Any]) -> dict[str, Any]:
        intent = self._intent(intent_id)
        self._expect(intent, "requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")
        intent.update(status="canceled", next_action=None)
        return intent

    def _expect(self, intent: dict[str, Any], *statuses: str) -> None:
        if intent["status"] not in statuses:
            raise ApiError(400, "invalid_request_error", "payment_intent_unexpected_state", payment_intent=intent)

    def _list(self, _id: str, given: dict[str, Any]) -> dict[str, Any]:
        created = given.get("created", {})
        low, high = int(created.get("gte", 0)), int(created.get("lt", 2**40))
        found = [each for each in reversed(self.intents.values()) if low <= each["created"] < high]
        if given.get("expand"):
            found = [self._with_charge(each) for each in found]
        return _page("/v1/payment_intents", found, given)

    def _search(self, _id: str, given: dict[str, Any]) -> dict[str, Any]:
        if not self.can_search:
            raise ApiError(400, "invalid_request_error", "search_unavailable")
        field, _, wanted = given["query"].partition(":")
        name = field.removeprefix("metadata['").removesuffix("']")
        found = [each for each in self.intents.values() if each["metadata"].get(name) == wanted.strip("'")]
        return {"object": "search_result", "url": "/v1/payment_intents/search", "data": found, "has_more": False}

    def _refund(self, _id: str, given: dict[str, Any]) -> dict[str, Any]:
        payment_id, amount = given["payment_intent"], int(given["amount"])
        kept = self.kept(payment_id)
        if not kept:
            raise ApiError(400, "invalid_request_error", "charge_already_refunded")
        if amount > kept:
            raise ApiError(400, "invalid_request_error", "amount_too_large", param="amount")
        refund_id = f"re_{next(self._numbers):024}"
        self.refunds[refund_id] = {
            "id": refund_id,
            "object": "refund",
            "amount": amount,
            "currency": self.intents[payment_id]["currency"],
            "payment_intent": payment_id,
            "status": "succeeded",
            "metadata": given.get("metadata", {}),
        }
        return self.refunds[refund_id]

    def _refunds_of(self, payment_id: str) -> list[dict[str, Any]]:
        return [refund for refund in self.refunds.values() if refund["payment_intent"] == payment_id]

    def _list_refunds(self, _id: str, given: dict[str, Any]) -> dict[str, Any]:
        self._intent(given["payment_intent"])
        return _page("/v1/refunds", list(reversed(self._refunds_of(given["payment_intent"]))), given)


def signature_of(body: bytes, *, secret: str = WEBHOOK_SECRET, age_s: int = 0) -> str:
    """The `Stripe-Signature` header of a webhook."""
    at = int(time.time()) - age_s
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def tree_of(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`metadata[key]=value` as nested dictionaries."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = name.replace("]", "").split("[")
        here = tree
        for step in path:
            here = here.setdefault(step, {})
        here[last] = value
    return tree


def _page(url: str, found: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
    if after := given.get("starting_after"):
        found = found[[each["id"] for each in found].index(after) + 1 :]
    limit = int(given.get("limit", 10))
    return {"object": "list", "url": url, "data": found[:limit], "has_more": len(found) > limit}
