"""Holds the books of payment providers against the orders, in both directions, and mends what is safe to mend.

Whatever can be put right by telling an order how its payment is, or by releasing money that nobody waits for, is put
right. Everything else (money without an order, money that is missing) is for people: it is only reported.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from engine.kernel import Instant, Rejected, Reply
from engine.money import Money
from engine.order import LookOrder, OrderView, SettlePayment
from engine.order.aftersale.records import EditPayment, RefundStatus
from engine.payment import Void, Voided

from .gateways.port import PaymentReport, PaymentStatus, Provider

LOOKS = 5
PAUSE_S = 0.3
"""How often, and how long apart, it is looked whether what was asked for has happened."""
ASKED_AT_ONCE = 8
"""Payments that a provider is asked about side by side."""


class Kind(StrEnum):
    """What can be wrong, from the worst on."""

    MONEY_MISSING = "money-missing"
    """The order counts on money that the provider doesn't have."""
    AMOUNT_DIFFERS = "amount-differs"
    REFUND_DIFFERS = "refund-differs"
    """The provider gave back more or less than the order knows of."""
    ORDER_UNKNOWN = "order-unknown"
    """The provider has money for an order that this shop doesn't have."""
    SURPLUS = "surplus"
    """The provider has money that its order doesn't want. Mended: the order gives it back."""
    UNHEARD = "unheard"
    """The order waits for a payment that has long been settled. Mended: the order is told."""
    HELD = "held"
    """Money is still reserved for an order that has ended. Mended: it is released."""


class Finding(NamedTuple):
    """One difference. `expected` is what the order says, `found` what the provider does, in minor units."""

    kind: Kind
    method: str
    order_id: str
    payment_id: str
    expected: int
    found: int
    currency: str
    mended: bool = False


class Expected(NamedTuple):
    """What an order says of one of its payments."""

    captured: int
    refunded: int
    asked_back: int
    """At least `refunded`: refunds that the provider has yet to answer are among these."""


class Client(Protocol):
    async def send(self, kind: str, key: str, command: LookOrder | SettlePayment) -> Reply: ...


PlacedBetween = Callable[[Instant, Instant], AsyncIterator[Sequence[str]]]
"""The orders that were placed from an instant to before another; see `placed.PlacedOrders`."""


class Reconciliation:
    """One comparison over a window of time. `payments` and `orders` count what was compared."""

    def __init__(
        self, client: Client, placed: PlacedBetween, providers: Mapping[str, Provider], *, repair: bool = False
    ) -> None:
        self._client = client
        self._placed = placed
        self._providers = providers
        self._repair = repair
        self._seen: set[str] = set()
        self.payments = 0
        self.orders = 0
        self.findings: list[Finding] = []

    async def run(self, since: Instant, until: Instant) -> None:
        """Compare payments and orders that were made from `since` to before `until`. Raises `GatewayUnavailable`."""
        for method, provider in self._providers.items():
            async for report in provider.payments(since, until):
                await self._compare_payment(method, provider, report)
        async for order_ids in self._placed(since, until):
            for start in range(0, len(order_ids), ASKED_AT_ONCE):
                await asyncio.gather(*map(self._compare_order, order_ids[start : start + ASKED_AT_ONCE]))

    def worst(self, most: int) -> list[Finding]:
        """The findings in the order of what is wrong, at most so many."""
        severity = {kind: index for index, kind in enumerate(Kind)}
        return sorted(self.findings, key=lambda finding: (severity[finding.kind], finding.order_id))[:most]

    async def _compare_payment(self, method: str, provider: Provider, report: PaymentReport) -> None:
        self.payments += 1
        self._seen.add(report.payment_id)
        order = await self._look(report.order_id)
        if order is None:
            if report.kept or report.status is PaymentStatus.AUTHORIZED:
                self._note(Kind.ORDER_UNKNOWN, method, report, 0, report.amount.amount)
            return
        expected = payments_of(order).get(report.payment_id)
        if expected is not None and expected.captured:
            self._compare_books(method, report, expected)
        elif report.status is PaymentStatus.AUTHORIZED and not _waits(order, report):
            await self._release(method, provider, report)
        elif report.kept and not _waits(order, report):
            await self._give_back(method, provider, report)
        elif _waits(order, report) and report.settlement() is not None:
            await self._tell(method, report)

    def _compare_books(self, method: str, report: PaymentReport, expected: Expected) -> None:
        """The order has the money: the provider must say the same."""
        if report.status is not PaymentStatus.CAPTURED:
            self._note(Kind.MONEY_MISSING, method, report, expected.captured, 0)
        elif report.amount.amount != expected.captured:
            self._note(Kind.AMOUNT_DIFFERS, method, report, expected.captured, report.amount.amount)
        elif not expected.refunded <= report.refunded <= expected.asked_back:
            self._note(Kind.REFUND_DIFFERS, method, report, expected.refunded, report.refunded)

    async def _compare_order(self, order_id: str) -> None:
        """The other direction: payments that the order knows of and no provider has told of."""
        order = await self._look(order_id)
        if order is None:
            return
        self.orders += 1
        for payment_id, (method, amount) in methods_of(order).items():
            provider = self._providers.get(method)
            if provider is None or payment_id in self._seen:
                continue
            report = await provider.look_up(payment_id)
            if report is not None:
                await self._compare_payment(method, provider, report)
            elif captured := payments_of(order)[payment_id].captured:
                finding = Finding(Kind.MONEY_MISSING, method, order_id, payment_id, captured, 0, amount.currency)
                self.findings.append(finding)

    # -- mending

    async def _tell(self, method: str, report: PaymentReport) -> None:
        mended = self._repair and await self._settle(report)
        self._note(Kind.UNHEARD, method, report, 0, report.kept, mended=mended)

    async def _give_back(self, method: str, provider: Provider, report: PaymentReport) -> None:
        mended = self._repair and await self._settle(report) and await self._is_back(provider, report)
        self._note(Kind.SURPLUS, method, report, 0, report.kept, mended=mended)

    async def _release(self, method: str, provider: Provider, report: PaymentReport) -> None:
        void = Void(f"{report.authorize_key}:void", report.authorize_key, report.amount, "", report.payment_id)
        mended = self._repair and isinstance(await provider.call(void), Voided)
        self._note(Kind.HELD, method, report, 0, report.amount.amount, mended=mended)

    async def _settle(self, report: PaymentReport) -> bool:
        settlement = report.settlement()
        assert settlement is not None, "what there is to tell was looked at"
        reply = await self._client.send("order", report.order_id, SettlePayment(report.authorize_key, settlement))
        return not isinstance(reply, Rejected)

    async def _is_back(self, provider: Provider, report: PaymentReport) -> bool:
        for _ in range(LOOKS):
            now = await provider.look_up(report.payment_id)
            if now is None or not now.kept:
                return True
            await asyncio.sleep(PAUSE_S)
        return False

    # -- inside

    async def _look(self, order_id: str) -> OrderView | None:
        reply = await self._client.send("order", order_id, LookOrder()) if order_id else None
        return reply if isinstance(reply, OrderView) else None

    def _note(
        self, kind: Kind, method: str, report: PaymentReport, expected: int, found: int, *, mended: bool = False
    ) -> None:
        self.findings.append(
            Finding(kind, method, report.order_id, report.payment_id, expected, found, report.amount.currency, mended)
        )


def methods_of(order: OrderView) -> dict[str, tuple[str, Money]]:
    """The payments that the order knows of, each with its gateway and what was asked for."""
    found: dict[str, tuple[str, Money]] = {}
    if order.payment_id and order.due is not None:
        found[order.payment_id] = (order.payment_method, order.due)
    for edit in order.after.edits if order.after is not None else ():
        if edit.payment_id and edit.due is not None:
            found[edit.payment_id] = (edit.gateway, edit.due)
    return found


def payments_of(order: OrderView) -> dict[str, Expected]:
    """What the order says of each payment that it knows of."""
    captured = {}
    if order.payment_id and order.due is not None:
        taken = order.payment_status in ("captured", "refunded")
        captured[order.payment_id] = order.due.amount if taken else 0
    for edit in order.after.edits if order.after is not None else ():
        if edit.payment_id and edit.due is not None:
            captured[edit.payment_id] = edit.due.amount if edit.payment is EditPayment.CAPTURED else 0
    return {payment_id: _with_refunds(order, payment_id, amount) for payment_id, amount in captured.items()}


def _with_refunds(order: OrderView, payment_id: str, captured: int) -> Expected:
    if payment_id == order.payment_id and order.payment_status == "refunded":
        return Expected(captured, captured, captured)
    # What became store credit, the provider was never asked for.
    asked_of = (refund for refund in (order.after.refunds if order.after else ()) if refund.claim is None)
    refunds = [refund for refund in asked_of if refund.payment_id == payment_id]
    done = sum(refund.amount.amount for refund in refunds if refund.status is RefundStatus.DONE)
    asked = sum(refund.amount.amount for refund in refunds if refund.status is RefundStatus.ASKED)
    return Expected(captured, done, done + asked)


def _waits(order: OrderView, report: PaymentReport) -> bool:
    """Whether the order waits for this very payment, or for one that it doesn't know the id of yet."""
    if order.settlement is None and order.payment_status == "pending" and order.payment_id in ("", report.payment_id):
        return True
    edits = order.after.edits if order.after is not None else ()
    return any(edit.payment_id == report.payment_id and edit.payment in _UNDER_WAY for edit in edits)


_UNDER_WAY = (EditPayment.ASKED, EditPayment.PENDING, EditPayment.AUTHORIZED)
