"""A customer at a browser, for tests: registers, opens the mail, logs in, and then makes requests in their own name."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import httpx
import pyotp

from .shopfront import Shopfront

PASSWORD = "correct horse battery staple"


class Visitor:
    """`tokens` are those of the last login."""

    def __init__(self, shop: Shopfront, email: str = "ada@example.org", password: str = PASSWORD) -> None:
        self.shop = shop
        self.email = email
        self.password = password
        self.tokens: dict[str, Any] = {}

    def registered(self) -> "Visitor":
        """With an account, and logged in."""
        assert self.register().status_code == 202
        assert self.open_link("verify-email").status_code == 204
        assert self.log_in().status_code == 200
        return self

    def register(self, **fields: Any) -> httpx.Response:
        body = {"email": self.email, "password": self.password, **fields}
        return self.shop.post("/v1/accounts", json=body)

    def open_link(self, page: str, **fields: Any) -> httpx.Response:
        """Send back the token of the newest mail to this address."""
        path = f"/v1/auth/{'password' if page == 'reset-password' else page}"
        return self.shop.post(path, json={"token": self.link_token(page), **fields})

    def link_token(self, page: str) -> str:
        mail = next(mail for mail in reversed(self.shop.mails()) if mail.to == self.email)
        found = re.search(rf"/{page}\?token=(\S+)", mail.text)
        assert found, mail.text
        return unquote(found.group(1))

    def log_in(self, **fields: str) -> httpx.Response:
        given = {"grant_type": "password", "username": self.email, "password": self.password, **fields}
        return self._token(given)

    def refresh(self, refresh_token: str = "") -> httpx.Response:
        token = refresh_token or self.tokens["refresh_token"]
        return self._token({"grant_type": "refresh_token", "refresh_token": token})

    def _token(self, given: Mapping[str, str]) -> httpx.Response:
        answer = self.shop.post("/v1/auth/token", data=given)
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {**self.header, **options.pop("headers", {})}
        return self.shop.request(method, path, headers=headers, **options)

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    @property
    def account_id(self) -> str:
        found: str = self.get("/v1/me").json()["id"]
        return found

    def code(self, secret: str) -> str:
        """What a phone shows now."""
        return pyotp.TOTP(secret).at(self.shop.clock() // 1_000)
