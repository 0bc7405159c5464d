"""A day in a shop, told over HTTP: a merchant opens it, Ada registers, buys, sends something back and gets her money.

Everything here is the public API; run it against a shop of your own:

    make run ARGS="--demo-products 0"
    .venv/bin/python examples/story.py --url http://127.0.0.1:8000 --data var
"""

import argparse
import email
import email.policy
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

PATIENCE_S = 45.0
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}


class Storyteller:
    """Whoever acts in the story: sends requests with their token, and tells what came of it."""

    def __init__(self, name: str, http: httpx.Client, token: str = "") -> None:
        self.name = name
        self._http = http
        self.token = token

    def does(self, what: str, method: str, path: str, *, key: str = "", **options: Any) -> Any:
        """One request that must succeed; its JSON."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if key:
            headers["Idempotency-Key"] = key
        answer = self._http.request(method, path, headers=headers, **options)
        assert answer.is_success, f"{self.name} {what}: {answer.status_code} {answer.text}"
        print(f"  {self.name} {what}")
        return answer.json() if answer.content else None


class Mailbox:
    """The mails that a trial shop writes into a folder instead of sending them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "new"

    def wait_for(self, to: str, subject: str) -> str:
        """The text of the newest mail to this address with that in its subject."""
        found: list[str] = []

        def look() -> bool:
            files = self._folder.iterdir() if self._folder.is_dir() else ()
            for file in sorted(files, key=lambda each: each.stat().st_mtime):
                mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                body = mail.get_body(("plain",))
                if to in mail["To"] and subject.lower() in mail["Subject"].lower() and body is not None:
                    found.append(body.get_content())
            return bool(found)

        wait_until(look, f"a mail to {to}: {subject}")
        return found[-1]


def wait_until(right: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not right():
        assert time.monotonic() < give_up_at, f"waited in vain for {what}"
        time.sleep(0.1)


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "GBP"}


def the_merchant_opens_the_shop(merchant: Storyteller) -> None:
    print("Morning. The merchant opens the shop.")
    merchant.does("makes a category", "PUT", "/v1/admin/categories/clocks", json={"name": "Clocks"})
    clock = {"title": "Retro alarm clock, mint", "price": money(4000), "category": ["Clocks"], "vendor": "Ticktock"}
    merchant.does("puts a clock into the catalogue", "PUT", "/v1/products/MINT-CLOCK", json=clock)
    lamp = {"title": "Brass reading lamp", "price": money(2500), "category": ["Lamps"], "vendor": "Lumen"}
    merchant.does("and a lamp", "PUT", "/v1/products/READING-LAMP", json=lamp)
    for sku in ("MINT-CLOCK", "READING-LAMP"):
        merchant.does(
            f"receives 10 of {sku}",
            "POST",
            f"/v1/stock/{sku}/receipts",
            key=f"story-{sku}-{uuid.uuid4()}",
            json={"quantity": 10},
        )
    vat = {"name": "United Kingdom", "inclusive": True, "rates": [{"name": "VAT 20 %", "rate_ppm": 200_000}]}
    merchant.does("says what the taxes are", "PUT", "/v1/admin/tax-regions/gb", json=vat)
    post = {"title": "By post", "currency": "GBP", "tiers": [{"starts_at": 0, "price": 500}]}
    merchant.does("says what the post costs", "PUT", "/v1/admin/shipping-methods/post-gb", json=post)
    welcome = {"title": "Welcome", "benefit": "percentage", "percent_bp": 1_000, "needs_coupon": True}
    merchant.does("thinks of a welcome", "PUT", "/v1/admin/promotions/welcome", json=welcome)
    coupon = {"promotion": "welcome", "limit": 100, "customer_limit": 1}
    merchant.does("and of a code for it", "PUT", "/v1/admin/coupons/WELCOME-10", json=coupon)


def ada_registers(ada: Storyteller, address: str, mailbox: Mailbox) -> None:
    print("Ada comes by and registers.")
    password = "the analytical engine weaves"
    ada.does("asks for an account", "POST", "/v1/accounts", json={"email": address, "password": password})
    link = re.search(r"token=([\w.~=-]+)", mailbox.wait_for(address, "confirm"))
    assert link is not None
    ada.does("confirms her address", "POST", "/v1/auth/verify-email", json={"token": link[1]})
    login = {"grant_type": "password", "username": address, "password": password}
    ada.token = ada.does("logs in", "POST", "/v1/auth/token", data=login)["access_token"]
    ada.does("keeps her address", "PUT", "/v1/me/addresses/home", json=ADDRESS)


def ada_shops(ada: Storyteller, address: str) -> str:
    print("She looks for a clock, and fills her cart.")
    found: list[str] = []

    def is_found() -> bool:
        answer = ada.does("searches", "GET", "/v1/search", params={"q": "alarm clock mint"})
        found[:] = [hit["product"]["sku"] for hit in answer["items"]]
        return "MINT-CLOCK" in found

    wait_until(is_found, "the clock in the search")
    cart = f"/v1/carts/{ada.does('takes a cart', 'GET', '/v1/me/cart')['id']}"
    ada.does("puts two clocks in", "POST", f"{cart}/lines", json={"sku": "MINT-CLOCK", "quantity": 2})
    ada.does("and a lamp", "POST", f"{cart}/lines", json={"sku": "READING-LAMP", "quantity": 1})
    wishes = {"coupons": ["welcome 10"], "shipping": {"method": "post-gb", "address": ADDRESS}}
    quote = ada.does("asks what it comes to", "POST", f"{cart}/quote", json=wishes)
    # 2 x 40.00 + 25.00, less 10 %, and 5.00 for the post; the VAT is in it.
    assert quote["total"]["amount"] == 9_950, quote
    order = ada.does(
        "pays",
        "POST",
        f"{cart}/checkout",
        key=str(uuid.uuid4()),
        json={
            **wishes,
            "email": address,
            "payment": {"method": "sandbox", "token": "tok_ok"},
            "expected_total": quote["total"],
        },
    )
    assert (order["status"], order["total"]["amount"]) == ("confirmed", 9_950)
    return str(order["id"])


def the_parcel_travels(merchant: Storyteller, ada: Storyteller, order_id: str) -> None:
    print("The merchant packs.")
    order = f"/v1/admin/orders/{order_id}"
    parcel = {
        "lines": [{"line": 0, "quantity": 2}, {"line": 1, "quantity": 1}],
        "carrier": "Royal Mail",
        "tracking_number": "RM123456789GB",
    }
    shown = merchant.does("packs a parcel", "POST", f"{order}/shipments", key=str(uuid.uuid4()), json=parcel)
    (shipment,) = shown["after_sale"]["shipments"]
    for status in ("shipped", "delivered"):
        change = {"status": status}
        merchant.does(f"hears that it is {status}", "PATCH", f"{order}/shipments/{shipment['id']}", json=change)
    assert ada.does("looks at her order", "GET", f"/v1/orders/{order_id}")["status"] == "delivered"


def ada_sends_one_clock_back(merchant: Storyteller, ada: Storyteller, order_id: str) -> None:
    print("One of the clocks ticks too loudly.")
    order = f"/v1/admin/orders/{order_id}"
    wanted = {"lines": [{"line": 0, "quantity": 1, "reason": "no-longer-wanted"}], "note": "It ticks too loudly."}
    asked = ada.does(
        "asks to send it back", "POST", f"/v1/orders/{order_id}/returns", key=str(uuid.uuid4()), json=wanted
    )
    (asked_for,) = asked["after_sale"]["returns"]
    parcel = f"{order}/returns/{asked_for['id']}"
    merchant.does("agrees", "POST", f"{parcel}/answer", json={"authorized": True})
    merchant.does("gets it", "POST", f"{parcel}/receive")
    merchant.does("looks it over", "POST", f"{parcel}/inspect", json={"lines": [{"line": 0, "restocked": 1}]})
    merchant.does("gives the money back", "POST", f"{parcel}/refund", json={})

    def is_refunded() -> bool:
        shown = ada.does("looks at her order", "GET", f"/v1/orders/{order_id}")
        return [refund["status"] for refund in shown["after_sale"]["refunds"]] == ["done"]

    wait_until(is_refunded, "the refund")
    refund = ada.does("sees her refund", "GET", f"/v1/orders/{order_id}")["after_sale"]["refunds"][0]
    # What she paid for one clock: 40.00 less 10 %.
    assert refund["amount"] == money(3_600), refund


def the_books_are_right(merchant: Storyteller, ada: Storyteller, order_id: str) -> None:
    print("Evening. The books.")
    stock = merchant.does("counts the clocks", "GET", "/v1/stock/MINT-CLOCK")
    assert (stock["on_hand"], stock["reserved"]) == (9, 0), stock
    timeline = ada.does("reads the story of her order", "GET", f"/v1/orders/{order_id}/timeline")
    for entry in timeline["items"]:
        print(f"    {entry['at']}  {entry['what']:<24} {entry['text']}")
    assert order_id in {order["id"] for order in ada.does("looks at her orders", "GET", "/v1/me/orders")["items"]}


def the_merchant_clears_away(merchant: Storyteller) -> None:
    for path in ("tax-regions/gb", "shipping-methods/post-gb", "promotions/welcome"):
        merchant.does(f"clears {path} away", "DELETE", f"/v1/admin/{path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the shop (http://127.0.0.1:8000)")
    parser.add_argument("--data", type=Path, default=Path("var"), help="its data directory (var)")
    options = parser.parse_args()
    address = f"ada-{uuid.uuid4().hex[:8]}@example.org"
    mailbox = Mailbox(options.data / "mail")
    with httpx.Client(base_url=options.url, timeout=30, trust_env=False) as http:
        merchant = Storyteller("The merchant", http, (options.data / "admin.key").read_text().strip())
        ada = Storyteller("Ada", http)
        the_merchant_opens_the_shop(merchant)
        ada_registers(ada, address, mailbox)
        order_id = ada_shops(ada, address)
        mailbox.wait_for(address, "order")

        the_parcel_travels(merchant, ada, order_id)
        ada_sends_one_clock_back(merchant, ada, order_id)
        the_books_are_right(merchant, ada, order_id)
        the_merchant_clears_away(merchant)
    print("Closed.")


if __name__ == "__main__":
    main()
