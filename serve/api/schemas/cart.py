"""The contract of carts."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from engine.cart import CartView, Line
from engine.money import Money as EngineMoney

from .common import Input, Money, Output, Quantity, Sku, Timestamp, TotalMoney


class CartLineIn(Input):
    """Units to add to a line."""

    sku: Sku
    quantity: Quantity


class QuantityIn(Input):
    """What a line's quantity shall be."""

    quantity: Quantity


class CartLine(Output):
    """A line at the price that it was added with."""

    sku: str
    title: str
    quantity: Annotated[int, Field(ge=1)]
    price: Money
    current_price: Annotated[Money | None, Field(description="The catalogue's price now; null if not sold any more.")]
    price_changed: bool
    total: TotalMoney

    @classmethod
    def of(cls, line: Line, now: EngineMoney | None) -> "CartLine":
        return cls(
            sku=line.sku,
            title=line.title,
            quantity=line.quantity,
            price=Money.of(line.price),
            current_price=Money.of(now) if now else None,
            price_changed=now != line.price,
            total=TotalMoney.of(line.price * line.quantity),
        )


class Cart(Output):
    """A cart; its version is its ETag."""

    id: str
    version: Annotated[int, Field(ge=0)]
    status: Annotated[str, Field(description="open, or sealed by the order that checks it out", examples=["open"])]
    order_id: Annotated[str | None, Field(description="The order that holds the seal.")]
    lines: list[CartLine]
    total: Annotated[TotalMoney | None, Field(description="At the lines' prices; null for an empty cart.")]
    updated_at: Timestamp

    @classmethod
    def of(cls, cart: CartView, prices: Mapping[str, EngineMoney | None], updated_at: str) -> "Cart":
        lines = [CartLine.of(line, prices[line.sku]) for line in cart.lines]
        total = (
            TotalMoney(amount=sum(line.total.amount for line in lines), currency=lines[0].total.currency)
            if lines
            else None
        )
        return cls(
            id=cart.cart_id,
            version=cart.version,
            status="sealed" if cart.sealed_by else "open",
            order_id=cart.sealed_by or None,
            lines=lines,
            total=total,
            updated_at=updated_at,
        )
