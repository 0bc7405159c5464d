"""A plan's orders, returns and credits as the shop's API takes them."""

from datetime import UTC, datetime
from typing import Any

from .plan import Plan, Task

KINDS = ("order", "return", "credit")
"""In the order in which they are sent: a return needs its order."""


def body_of(plan: Plan, task: Task, currency: str) -> dict[str, Any]:
    """The task as a row of its bulk route."""
    return {"order": _order, "return": _return, "credit": _credit}[task.kind](plan, task, currency)


def _order(plan: Plan, task: Task, currency: str) -> dict[str, Any]:
    name, at, customer, country, shipping = _head(plan, task.document)
    lines = plan.db.execute(
        "SELECT sku, title, quantity, price FROM order_line WHERE document = ? ORDER BY line", (task.document,)
    )
    return {
        "reference": name,
        "placed_at": at,
        "currency": currency,
        "country": country,
        "customer": customer,
        "shipping": shipping,
        "lines": [
            {"sku": sku, "title": title, "quantity": quantity, "price": price} for sku, title, quantity, price in lines
        ],
    }


def _return(plan: Plan, task: Task, _currency: str) -> dict[str, Any]:
    name, at, *_ = _head(plan, task.document)
    order, *_ = _head(plan, task.sold)
    lines = plan.db.execute(
        "SELECT line, sum(quantity), sum(amount) FROM returned WHERE document = ? AND sold = ?"
        " GROUP BY line ORDER BY line",
        (task.document, task.sold),
    )
    return {
        "reference": name,
        "order": order,
        "returned_at": at,
        "lines": [{"line": line, "quantity": quantity, "amount": amount} for line, quantity, amount in lines],
    }


def _credit(plan: Plan, task: Task, currency: str) -> dict[str, Any]:
    name, at, customer, country, _ = _head(plan, task.document)
    lines = plan.db.execute(
        "SELECT kind, sku, title, quantity, amount FROM credited WHERE document = ? ORDER BY number", (task.document,)
    )
    return {
        "reference": name,
        "credited_at": at,
        "currency": currency,
        "country": country,
        "customer": customer,
        "lines": [
            {"kind": kind, "sku": sku, "title": title, "quantity": quantity, "amount": amount}
            for kind, sku, title, quantity, amount in lines
        ],
    }


def _head(plan: Plan, document: int) -> tuple[str, str, dict[str, str] | None, str, int]:
    name, at, customer, email, country, shipping = plan.db.execute(
        "SELECT name, at, customer, email, country, shipping FROM document WHERE id = ?", (document,)
    ).fetchone()
    who = {field: text for field, text in (("reference", customer), ("email", email)) if text}
    return name, _instant(at), who or None, country, shipping


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
