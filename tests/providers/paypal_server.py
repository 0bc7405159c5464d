"""PayPal's API as far as a shop uses it: Orders v2, Payments v2, access tokens, webhooks, search of transactions.

Written from the public API reference. The payer approves, or not, by `approve`; how a payment source behaves is told by
the server's attributes.
"""

import json
import time
from base64 import b64encode
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serve.gateways.paypal_api import PayPalApi
from tests.wire import Wire

from .misbehaving import Misbehaving

CLIENT_ID = "shop"
CLIENT_SECRET = "hunter2"
WEBHOOK_ID = "WH-1"
SIGNED = "signed by PayPal"


class ApiError(Exception):
    def __init__(self, status: int, issue: str) -> None:
        super().__init__(status, issue)
        self.status = status
        self.body = {"name": "UNPROCESSABLE_ENTITY" if status == 422 else issue, "details": [{"issue": issue}]}


class PayPalServer:
    """One merchant's account. `orders` are its books."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.created_at = time.time()
        self.instrument_declined = False
        """The payer's bank refuses what was approved."""
        self.capture_status = "COMPLETED"
        self.tokens_given = 0
        self._numbers = count(1)
        self._answers: dict[str, dict[str, Any]] = {}
        routes = [
            Route("/v1/oauth2/token", self._token, methods=["POST"]),
            Route("/v1/notifications/verify-webhook-signature", self._answer(self._verify), methods=["POST"]),
            Route("/v1/reporting/transactions", self._answer(self._transactions)),
            Route("/v2/checkout/orders", self._answer(self._create), methods=["POST"]),
            Route("/v2/checkout/orders/{id}", self._answer(self._show)),
            Route("/v2/checkout/orders/{id}", self._answer(self._patch), methods=["PATCH"]),
            Route("/v2/checkout/orders/{id}/authorize", self._answer(self._authorize), methods=["POST"]),
            Route("/v2/payments/authorizations/{id}/capture", self._answer(self._capture), methods=["POST"]),
            Route("/v2/payments/authorizations/{id}/void", self._answer(self._void), methods=["POST"]),
            Route("/v2/payments/captures/{id}", self._answer(self._show_capture)),
            Route("/v2/payments/captures/{id}/refund", self._answer(self._refund), methods=["POST"]),
        ]
        self.network = Misbehaving(Starlette(routes=routes))

    def http(self) -> httpx.AsyncClient:
        """Connections to this server, without a network."""
        return httpx.AsyncClient(transport=Wire(self.network), base_url="https://api-m.paypal.com")

    def api(self, now: Any) -> PayPalApi:
        return PayPalApi(CLIENT_ID, CLIENT_SECRET, self.http(), now)

    def forget_keys(self) -> None:
        """As PayPal does with the request ids of orders after some hours."""
        self._answers.clear()

    def revoke_tokens(self) -> None:
        self.tokens_given += 1

    def approve(self, order_id: str) -> None:
        """The payer agrees."""
        order = self.orders[order_id]
        if order["status"] in ("CREATED", "PAYER_ACTION_REQUIRED"):
            order["status"] = "APPROVED"

    def expire(self, order_id: str) -> None:
        """As PayPal does with orders that nobody approves."""
        del self.orders[order_id]

    def kept(self, order_id: str) -> int:
        """Hundredths that the merchant has of the order."""
        payments = self._payments(self.orders[order_id])
        taken = sum(_hundredths(capture) for capture in payments["captures"])
        return taken - sum(_hundredths(refund) for refund in payments["refunds"])

    def held(self, order_id: str) -> list[str]:
        """The statuses of the order's authorizations."""
        return [each["status"] for each in self._payments(self.orders[order_id])["authorizations"]]

    def event(self, order_id: str, kind: str) -> tuple[bytes, dict[str, str]]:
        """A signed webhook about the order, or the newest of what was done with it: body and headers."""
        order = self.orders[order_id]
        payments = self._payments(order)
        resource = {
            "CHECKOUT": order,
            "PAYMENT.AUTHORIZATION": payments["authorizations"][-1:],
            "PAYMENT.CAPTURE": payments["captures"][-1:],
        }[kind.rpartition(".")[0].removesuffix(".ORDER")]
        told = resource if isinstance(resource, dict) else resource[0]
        body = json.dumps({"id": "WH-EVENT", "event_type": kind, "resource": told}).encode()
        return body, {
            "paypal-auth-algo": "SHA256withRSA",
            "paypal-cert-url": "https://api.paypal.com/cert",
            "paypal-transmission-id": "t-1",
            "paypal-transmission-sig": SIGNED,
            "paypal-transmission-time": "2026-11-22T12:00:00Z",
        }

    # -- the API

    async def _token(self, request: Request) -> Response:
        expected = "Basic " + b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != expected:
            return JSONResponse({"error": "invalid_client"}, 401)
        self.tokens_given += 1
        return JSONResponse({"access_token": f"token-{self.tokens_given}", "expires_in": 32_400})

    def _answer(self, handle: Any) -> Any:
        async def answer(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer token-{self.tokens_given}":
                return JSONResponse({"error": "invalid_token"}, 401)
            key = f"{request.url.path} {request.headers.get('paypal-request-id', '')}"
            if not key.endswith(" ") and key in self._answers:
                return JSONResponse(self._answers[key])
            body = await request.body()
            given = json.loads(body) if body else dict(request.query_params)
            try:
                content = handle(request.path_params.get("id", ""), given)
            except ApiError as error:
                return JSONResponse(error.body, error.status)
            self._answers[key] = json.loads(json.dumps(content))
            return JSONResponse(content) if content else Response(status_code=204)

        return answer

    def _create(self, _id: str, given: dict[str, Any]) -> dict[str, Any]:
        order_id = f"ORDER{next(self._numbers):012}"
        unit = {"reference_id": "default", **given["purchase_units"][0]}
        self.orders[order_id] = {
            "id": order_id,
            "intent": given["intent"],
            "status": "PAYER_ACTION_REQUIRED",
            "purchase_units": [unit],
            "create_time": datetime.fromtimestamp(self.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "links": [{"rel": "payer-action", "href": f"https://www.paypal.com/checkoutnow?token={order_id}"}],
        }
        return self.orders[order_id]

    def _show(self, order_id: str, _given: Any) -> dict[str, Any]:
        if order_id not in self.orders:
            raise ApiError(404, "RESOURCE_NOT_FOUND")
        return self.orders[order_id]

    def _patch(self, order_id: str, given: list[dict[str, Any]]) -> None:
        order = self._show(order_id, None)
        if order["status"] == "COMPLETED":
            raise ApiError(422, "ORDER_ALREADY_COMPLETED")
        assert given[0]["path"] == "/purchase_units/@reference_id=='default'/custom_id"
        order["purchase_units"][0]["custom_id"] = given[0]["value"]

    def _authorize(self, order_id: str, _given: Any) -> dict[str, Any]:
        order = self._show(order_id, None)
        if order["status"] != "APPROVED":
            raise ApiError(422, "ORDER_NOT_APPROVED" if order["status"] != "COMPLETED" else "ORDER_ALREADY_AUTHORIZED")
        if self.instrument_declined:
            raise ApiError(422, "INSTRUMENT_DECLINED")
        order["status"] = "COMPLETED"
        unit = order["purchase_units"][0]
        self._payments(order)["authorizations"].append(
            {**self._payment(order, unit["amount"], "AUTH"), "status": "CREATED", "custom_id": unit["custom_id"]}
        )
        return order

    def _capture(self, authorization_id: str, given: dict[str, Any]) -> dict[str, Any]:
        order, authorization = self._find("authorizations", authorization_id)
        if authorization["status"] != "CREATED":
            raise ApiError(422, "AUTHORIZATION_ALREADY_CAPTURED")
        authorization["status"] = "CAPTURED"
        capture = {**self._payment(order, given["amount"], "CAP"), "status": self.capture_status}
        self._payments(order)["captures"].append(capture)
        return capture

    def _void(self, authorization_id: str, _given: Any) -> None:
        _, authorization = self._find("authorizations", authorization_id)
        if authorization["status"] not in ("CREATED", "PENDING"):
            raise ApiError(422, "AUTHORIZATION_VOIDED")
        authorization["status"] = "VOIDED"

    def _refund(self, capture_id: str, given: dict[str, Any]) -> dict[str, Any]:
        order, capture = self._find("captures", capture_id)
        refund = {
            **self._payment(order, given["amount"], "REF"), "status": "COMPLETED", "custom_id": given["custom_id"]
        }  # fmt: skip
        kept = self.kept(order["id"])
        if not kept:
            raise ApiError(422, "CAPTURE_FULLY_REFUNDED")
        if _hundredths(refund) > kept:
            raise ApiError(422, "REFUND_AMOUNT_EXCEEDED")
        self._payments(order)["refunds"].append(refund)
        capture["status"] = "PARTIALLY_REFUNDED" if self.kept(order["id"]) else "REFUNDED"
        return refund

    def _show_capture(self, capture_id: str, _given: Any) -> dict[str, Any]:
        return self._find("captures", capture_id)[1]

    def _verify(self, _id: str, given: dict[str, Any]) -> dict[str, Any]:
        genuine = given["transmission_sig"] == SIGNED and given["webhook_id"] == WEBHOOK_ID
        return {"verification_status": "SUCCESS" if genuine else "FAILURE"}

    def _transactions(self, _id: str, given: dict[str, str]) -> dict[str, Any]:
        start, end = (datetime.fromisoformat(given[name]) for name in ("start_date", "end_date"))
        found = [
            {"transaction_info": {"transaction_id": capture["id"]}}
            for order in self.orders.values()
            for capture in self._payments(order)["captures"]
            if start <= datetime.fromisoformat(order["create_time"]) < end
        ]
        size, page = int(given["page_size"]), int(given["page"])
        return {
            "transaction_details": found[(page - 1) * size : page * size],
            "total_pages": max(1, -(-len(found) // size)),
        }

    def _payments(self, order: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        unit = order["purchase_units"][0]
        found: dict[str, list[dict[str, Any]]] = unit.setdefault("payments", {})
        for kind in ("authorizations", "captures", "refunds"):
            found.setdefault(kind, [])
        return found

    def _payment(self, order: dict[str, Any], amount: dict[str, str], prefix: str) -> dict[str, Any]:
        related = {"related_ids": {"order_id": order["id"]}}
        return {"id": f"{prefix}{next(self._numbers):014}", "amount": amount, "supplementary_data": related}

    def _find(self, kind: str, payment_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        for order in self.orders.values():
            for each in self._payments(order)[kind]:
                if each["id"] == payment_id:
                    return order, each
        raise ApiError(404, "RESOURCE_NOT_FOUND")


def _hundredths(payment: dict[str, Any]) -> int:
    return round(float(payment["amount"]["value"]) * 100)
