"""PayPal's REST API over HTTP: access tokens, request ids, and errors told apart by whether asking again can help.

PayPalError            terminal: PayPal refuses the request, `issue` says why
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from engine.kernel import Instant

from .port import GatewayError, GatewayUnavailable

LIVE_URL = "https://api-m.paypal.com"
TIMEOUT_S = 2.8
"""A little less than the runtime waits for a call: then the connection is given back in order."""
TOKEN_MARGIN_MS = 60_000
"""A token is replaced this long before it ends."""

Body = dict[str, Any]


class PayPalError(GatewayError):
    """PayPal refuses the request for good; `issue` is its identifier of the reason."""

    def __init__(self, status: int, issue: str) -> None:
        super().__init__(status, issue)
        self.status = status
        self.issue = issue


class PayPalApi:
    """Requests to PayPal in the name of one merchant; the access token is fetched once for all of them."""

    def __init__(self, client_id: str, client_secret: str, http: httpx.AsyncClient, now: Callable[[], Instant]) -> None:
        self._credentials = httpx.BasicAuth(client_id, client_secret)
        self._http = http
        self._now = now
        self._token = ""
        self._token_until: Instant = 0
        self._fetching = asyncio.Lock()

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Body:
        return await self._request("GET", path, params=params)

    async def post(self, path: str, body: Body | None = None, *, request_id: str = "") -> Body:
        """Do something once for a `request_id`: sent again, it gets the answer of the first time."""
        headers = {"PayPal-Request-Id": request_id, "Prefer": "return=representation"} if request_id else {}
        return await self._request("POST", path, body=body or {}, headers=headers)

    async def post_raw(self, path: str, body: bytes) -> Body:
        """Send a body exactly as it is: a signature is over bytes, not over what they mean."""
        return await self._request("POST", path, headers={"Content-Type": "application/json"}, content=body)

    async def patch(self, path: str, changes: list[Body]) -> None:
        await self._request("PATCH", path, body=changes)

    async def close(self) -> None:
        await self._http.aclose()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Body:
        said: dict[str, Any] = {"params": params, "json": body, "content": content}
        for fresh in (False, True):
            token = await self._access_token(fresh=fresh)
            response = await self._send(
                method, path, headers={**(headers or {}), "Authorization": f"Bearer {token}"}, **said
            )
            if response.status_code != 401:
                return _content_of(response)
        raise GatewayUnavailable("PayPal doesn't accept the token that it has just given out")

    async def _access_token(self, *, fresh: bool) -> str:
        async with self._fetching:
            # Whoever waited for the lock finds the token that the first one has fetched.
            if fresh or self._now() >= self._token_until - TOKEN_MARGIN_MS:
                response = await self._send(
                    "POST", "/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=self._credentials
                )
                if response.status_code != 200:
                    raise GatewayUnavailable(f"PayPal gives no access token: {response.status_code}")
                granted = _content_of(response)
                self._token = granted["access_token"]
                self._token_until = self._now() + int(granted["expires_in"]) * 1_000
            return self._token

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise GatewayUnavailable(f"PayPal: {type(error).__name__}") from error
        if response.status_code >= 500 or response.status_code in (408, 409, 429):
            raise GatewayUnavailable(f"PayPal answers {response.status_code}")
        return response


def _content_of(response: httpx.Response) -> Body:
    try:
        content = response.json() if response.content else {}
    except json.JSONDecodeError as error:
        raise GatewayUnavailable("PayPal's answer is no JSON") from error
    if response.status_code < 400:
        return content if isinstance(content, dict) else {}
    details = content.get("details") or [{}]
    raise PayPalError(response.status_code, details[0].get("issue") or content.get("name") or str(response.status_code))


def paypal_http(api_url: str = "") -> httpx.AsyncClient:
    """Connections to PayPal, each request with a bound."""
    return httpx.AsyncClient(base_url=api_url or LIVE_URL, timeout=TIMEOUT_S, trust_env=False)
