"""PayPal's own ways: approval, lost answers, forgotten request ids, tokens, marks of what nobody wants any more."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.kernel import Command
from engine.money import Money
from engine.payment import Authorized, Capture, Captured, Declined, Pending, Voided
from serve.gateways.paypal import TOKEN, PayPalGateway
from serve.gateways.port import GatewayUnavailable, PaymentStatus
from tests.providers.misbehaving import Fault
from tests.providers.paypal_server import WEBHOOK_ID, PayPalServer

from .gateway_suite import PRICE, authorize, refund, void

START_MS = 1_795_000_000_000


class AtPayPal:
    """A gateway, its PayPal, and a clock; `call` makes a call again until it is answered, as the runtime does."""

    def __init__(self) -> None:
        self.server = PayPalServer()
        self.now = START_MS
        self.unanswered = 0
        self.restarted()

    def restarted(self) -> None:
        """A gateway that remembers nothing."""
        self.gateway = PayPalGateway(self.server.api(lambda: self.now), WEBHOOK_ID)

    async def call(self, call: Command) -> object:
        while True:
            try:
                return await self.gateway.call(call)
            except GatewayUnavailable:
                self.unanswered += 1

    async def asked(self, key: str = "ord-1:pay") -> str:
        """The id of a payment that waits for its payer."""
        answer = await self.call(authorize(TOKEN, key))
        assert isinstance(answer, Pending)
        return answer.payment_id

    async def authorized(self) -> str:
        payment = await self.asked()
        self.server.approve(payment)
        assert await self.call(authorize(TOKEN, payment_id=payment)) == Authorized(payment, False, PRICE)
        return payment

    async def captured(self) -> str:
        payment = await self.authorized()
        assert await self.call(Capture("ord-1:capture", payment, PRICE)) == Captured(payment, PRICE)
        return payment


def run(story: Callable[[AtPayPal], Awaitable[None]]) -> None:
    async def tell() -> None:
        await story(AtPayPal())

    asyncio.run(tell())


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("path", ["/orders", "/authorize", "/capture", "/token"])
def test_a_payment_through_any_fault_is_taken_once(fault: Fault, path: str) -> None:
    async def story(at: AtPayPal) -> None:
        at.server.network.fail(path, fault)
        payment = await at.captured()
        assert list(at.server.orders) == [payment]
        assert (at.server.kept(payment), at.server.held(payment)) == (PRICE.amount, ["CAPTURED"])

    run(story)


@pytest.mark.parametrize("fault", Fault)
def test_a_refund_through_any_fault_and_long_after_goes_back_once(fault: Fault) -> None:
    async def story(at: AtPayPal) -> None:
        payment = await at.captured()
        at.server.network.fail("/refund", fault)
        first = await at.call(refund(payment, 500))
        at.server.forget_keys()
        at.restarted()
        assert await at.call(refund(payment, 500)) == first
        assert at.server.kept(payment) == PRICE.amount - 500

    run(story)


def test_a_known_payment_is_asked_about_when_request_ids_are_forgotten() -> None:
    async def story(at: AtPayPal) -> None:
        payment = await at.asked()
        at.server.forget_keys()
        at.restarted()
        assert isinstance(await at.call(authorize(TOKEN, payment_id=payment)), Pending)
        assert list(at.server.orders) == [payment]

    run(story)


def test_a_payment_that_is_approved_after_its_void_is_never_authorized() -> None:
    async def story(at: AtPayPal) -> None:
        payment = await at.asked()
        assert await at.call(void(token=TOKEN, payment_id=payment)) == Voided()
        at.server.approve(payment)
        assert await at.call(authorize(TOKEN, payment_id=payment)) == Declined("voided")
        assert at.server.held(payment) == []

    run(story)


def test_an_authorization_that_meets_its_void_is_released() -> None:
    async def story(at: AtPayPal) -> None:
        payment = await at.asked()
        at.server.approve(payment)
        # The authorization has looked and is on its way when the void marks the order.
        at.server.network.fail("/authorize", Fault.SLOW)
        late, voided = await asyncio.gather(
            at.call(authorize(TOKEN, payment_id=payment)), at.call(void(token=TOKEN, payment_id=payment))
        )
        assert (late, voided) == (Declined("voided"), Voided())
        assert at.server.held(payment) == ["VOIDED"]

    run(story)


def test_what_a_dying_process_authorized_after_the_void_is_released_by_whoever_looks_it_up() -> None:
    async def story(at: AtPayPal) -> None:
        payment = await at.asked()
        at.server.approve(payment)
        await at.call(void(token=TOKEN, payment_id=payment))
        at.server._authorize(payment, None)
        assert at.server.held(payment) == ["CREATED"]
        report = await at.gateway.look_up(payment)
        assert report is not None
        assert (report.status, report.settlement(), at.server.held(payment)) == (PaymentStatus.VOIDED, None, ["VOIDED"])

    run(story)


@pytest.mark.parametrize("fault", Fault)
def test_a_void_of_captured_money_gives_it_back_once_and_says_how_much(fault: Fault) -> None:
    async def story(at: AtPayPal) -> None:
        payment = await at.captured()
        at.server.network.fail("/refund", fault)
        for _ in range(2):
            assert await at.call(void(token=TOKEN, payment_id=payment)) == Voided(PRICE)
            at.server.forget_keys()
        assert at.server.kept(payment) == 0

    run(story)


def test_a_payment_that_nobody_approved_in_time_is_gone_and_that_is_well() -> None:
    async def story(at: AtPayPal) -> None:
        payment = await at.asked()
        at.server.expire(payment)
        assert await at.call(void(token=TOKEN, payment_id=payment)) == Voided()
        assert await at.call(authorize(TOKEN, payment_id=payment)) == Declined("resource_not_found")
        assert await at.gateway.look_up(payment) is None

    run(story)


def test_a_capture_that_paypal_looks_at_is_asked_for_again_until_it_is_through() -> None:
    async def story(at: AtPayPal) -> None:
        payment = await at.authorized()
        at.server.capture_status = "PENDING"
        for _ in range(2):
            with pytest.raises(GatewayUnavailable, match="still looking"):
                await at.gateway.call(Capture("ord-1:capture", payment, PRICE))
        at.server.orders[payment]["purchase_units"][0]["payments"]["captures"][0]["status"] = "COMPLETED"
        assert await at.call(Capture("ord-1:capture", payment, PRICE)) == Captured(payment, PRICE)

    run(story)


def test_one_token_serves_all_calls_until_it_ends_or_is_revoked() -> None:
    async def story(at: AtPayPal) -> None:
        await asyncio.gather(*(at.asked(f"ord-{number}:pay") for number in range(10)))
        assert at.server.tokens_given == 1
        at.server.revoke_tokens()
        await at.asked("ord-10:pay")
        assert at.server.tokens_given == 3
        at.now += 32_400_000
        await at.asked("ord-11:pay")
        assert at.server.tokens_given == 4

    run(story)


@pytest.mark.parametrize("amount", [Money(1_999, "HUF"), Money(150, "TWD")])
def test_an_amount_that_paypal_cannot_take_is_declined(amount: Money) -> None:
    async def story(at: AtPayPal) -> None:
        call = authorize(TOKEN)
        odd = type(call)(call.key, amount, TOKEN, call.order_id)
        assert await at.call(odd) == Declined("amount_not_supported")

    run(story)


def test_a_token_of_another_provider_is_declined() -> None:
    async def story(at: AtPayPal) -> None:
        assert await at.call(authorize("pm_card_visa")) == Declined("invalid_token")
        assert await at.call(void(token="pm_card_visa")) == Voided()

    run(story)


def test_the_books_tell_every_payment_that_was_taken_in_a_time() -> None:
    async def story(at: AtPayPal) -> None:
        payment = await at.captured()
        await at.call(refund(payment, 500))
        created = int(at.server.created_at) * 1_000
        year_ms = 365 * 86_400_000
        [report] = [report async for report in at.gateway.payments(created - year_ms, created + 2_000)]
        assert (report.payment_id, report.order_id, report.kept) == (payment, "ord-1", PRICE.amount - 500)

    run(story)
