"""The contract of orders. The purchase writes its answers itself; a test holds them to these models."""

from typing import Annotated, Literal

from pydantic import Field

from engine.order import OrderView
from engine.stock import stock_key

from ..answers import timestamp
from ..bounds import MAX_ORDER_LINES, MAX_SALE_TICKET_LENGTH, MAX_SALE_TICKETS, MAX_TOKEN_LENGTH, PAYMENT_METHOD_PATTERN
from ..requests import CheckoutRequest, OrderRequest, OrderRequestLine, PaymentRequest
from .aftersale import AfterSale
from .common import Email, Input, Label, Money, Output, Quantity, Sku, Timestamp, TotalMoney
from .quote import Charges, WishesIn
from .times import shown_instant


class PaymentIn(Input):
    """How to pay, as far as the shop takes it: `sandbox` (tok_ok, tok_declined, tok_slow, tok_timeout, tok_error or
    tok_async), `stripe` (the id of a payment method, pm_...) or `paypal` (redirect)."""

    method: Annotated[str, Field(pattern=PAYMENT_METHOD_PATTERN, examples=["sandbox"])]
    token: Annotated[str, Field(min_length=1, max_length=MAX_TOKEN_LENGTH, examples=["tok_ok"])]

    def to_request(self) -> PaymentRequest:
        return PaymentRequest(self.method, self.token)


SaleTickets = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_SALE_TICKET_LENGTH)]],
    Field(max_length=MAX_SALE_TICKETS, description="Of the lines of flash sales, where places are given."),
]


class OrderLineIn(Input):
    sku: Sku
    quantity: Quantity


class OrderIn(WishesIn):
    """An express purchase: all lines or none. Lines of the same SKU are summed."""

    lines: Annotated[list[OrderLineIn], Field(min_length=1, max_length=MAX_ORDER_LINES)]
    email: Email
    payment: PaymentIn
    currency: Annotated[
        str,
        Field(pattern=r"^([A-Z]{3})?$", description="To pay in; left out: the products' own. They need a price in it."),
    ] = ""
    sale_tickets: SaleTickets = []

    def to_request(self) -> OrderRequest:
        lines = [OrderRequestLine(line.sku, line.quantity) for line in self.lines]
        payment = self.payment.to_request()
        return OrderRequest(lines, self.email, payment, self.currency, self.sale_tickets, **self.wished())


class CheckoutIn(WishesIn):
    """The purchase of a cart."""

    email: Email
    payment: PaymentIn
    sale_tickets: SaleTickets = []

    def to_request(self) -> CheckoutRequest:
        return CheckoutRequest(self.email, self.payment.to_request(), self.sale_tickets, **self.wished())


class CancelIn(Input):
    reason: Label = ""


class OrderLine(Output):
    sku: str
    title: str
    quantity: int
    price: Money
    total: TotalMoney
    backordered: Annotated[bool, Field(description="Sold before it is here.")] = False
    ships_from: Annotated[Timestamp | None, Field(description="When a line that isn't here should leave.")] = None


class PlacedOrder(Output):
    """A confirmed purchase, as it was settled: every retry gets the same."""

    id: Annotated[str, Field(examples=["ord_6b1f0a5c9d2e4f7081a2b3c4d5e6f708"])]
    access_token: Annotated[str, Field(description="Opens `GET /v1/orders/{id}`: keep it.")]
    status: Literal["confirmed"]
    lines: list[OrderLine]
    total: TotalMoney
    email: str
    payment_id: str
    placed_at: Timestamp
    settled_at: Timestamp
    charges: Annotated[Charges | None, Field(description="Only where the total is more than what the lines cost.")] = (
        None
    )


class PaymentAction(Output):
    """What the shopper has to do before the payment can go on."""

    redirect_url: Annotated[str, Field(description="The page to open: the bank's, or PayPal's.")] = ""
    client_secret: Annotated[str, Field(description="What Stripe.js needs to go on with the payment.")] = ""


class PendingOrder(Output):
    """A purchase that has not settled yet: ask the order."""

    id: str
    access_token: Annotated[str, Field(description="Opens `GET /v1/orders/{id}`: keep it.")]
    status: Literal["processing"]
    placed_at: Timestamp
    action: PaymentAction | None = None


class Payment(Output):
    status: Annotated[
        str,
        Field(
            description="none, pending, captured, voided, refunded or, of an imported order, elsewhere",
            examples=["captured"],
        ),
    ]
    id: str
    method: Annotated[str, Field(examples=["sandbox"])] = ""
    action: PaymentAction | None = None


class Order(Output):
    """An order as it is now."""

    id: str
    number: Annotated[str | None, Field(description="To be read over the phone.", examples=["7K3F-9QXM"])]
    status: Annotated[
        str,
        Field(
            description="sealing, reserving, awaiting-payment, committing, confirmed, partly-fulfilled, fulfilled, "
            "delivered, rejected, expired or cancelled",
            examples=["confirmed"],
        ),
    ]
    reason: Annotated[str | None, Field(description="Why it was not confirmed.", examples=["payment-declined"])]
    lines: list[OrderLine]
    total: TotalMoney | None
    email: str
    payment: Payment
    cart_id: str | None
    placed_at: Timestamp
    settled_at: Timestamp | None
    after_sale: Annotated[AfterSale | None, Field(description="None until something happens after the sale.")]
    charges: Annotated[Charges | None, Field(description="Why it costs what it does; null: just its lines.")] = None
    source: Annotated[str | None, Field(description="Who sold it, if it was imported.", examples=["old-shop"])] = None

    @classmethod
    def of(cls, order: OrderView, *, staff: bool = False) -> "Order":
        settlement = order.settlement
        after = order.after if order.total is not None else None
        currency = order.total.currency if order.total is not None else ""
        return cls(
            id=order.order_id,
            status=order.status,
            reason=settlement.reason if settlement else None,
            lines=[
                OrderLine(
                    sku=line.sku,
                    title=line.title,
                    quantity=line.quantity,
                    price=Money.of(line.price),
                    total=TotalMoney.of(line.price * line.quantity),
                    backordered=stock_key(line.sku) in order.backorders,
                    ships_from=shown_instant(order.backorders.get(stock_key(line.sku), 0)),
                )
                for line in order.lines
            ],
            total=TotalMoney.of(order.total) if order.total else None,
            email=order.email,
            payment=_payment_of(order),
            cart_id=order.cart_id or None,
            placed_at=timestamp(order.placed_at),
            settled_at=timestamp(settlement.at) if settlement else None,
            number=order.number or None,
            after_sale=AfterSale.of(after, currency, order.number, staff=staff) if after else None,
            charges=Charges.of_order(order),
            source=order.source or None,
        )


class Orders(Output):
    items: list[Order]


def _payment_of(order: OrderView) -> Payment:
    action = order.action
    return Payment(
        status=order.payment_status,
        id=order.payment_id,
        method=order.payment_method,
        action=PaymentAction(redirect_url=action.redirect_url, client_secret=action.client_secret) if action else None,
    )
