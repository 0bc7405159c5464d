"""Stripe's own ways: lost answers, forgotten keys, actions, books."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.kernel import Command
from engine.money import Money
from engine.payment import Authorize, Authorized, Capture, Captured, Declined, Pending, Refund, Refunded, Void, Voided
from serve.gateways.port import GatewayUnavailable, PaymentReport, PaymentStatus
from serve.gateways.stripe import KEYS_REMEMBERED_MS, StripeGateway
from tests.providers import stripe_server
from tests.providers.misbehaving import Fault
from tests.providers.stripe_server import DECLINED, THREE_D_SECURE, VISA, StripeServer

from .gateway_suite import PRICE, authorize, refund, void

START_MS = 1_795_000_000_000
KEY = "ord-1:pay"


class AtStripe:
    """A gateway, its Stripe, and a clock; `call` makes a call again until it is answered, as the runtime does."""

    def __init__(self, *, return_url: str = "") -> None:
        self.server = StripeServer()
        self.now = START_MS
        self.unanswered = 0
        self._return_url = return_url
        self.gateway = self.restarted()

    def restarted(self) -> StripeGateway:
        """A gateway that remembers nothing."""
        self.gateway = StripeGateway(
            stripe_server.SECRET_KEY,
            stripe_server.WEBHOOK_SECRET,
            lambda: self.now,
            http=self.server.http(),
            return_url=self._return_url,
        )
        return self.gateway

    async def call(self, call: Command) -> object:
        while True:
            try:
                return await self.gateway.call(call)
            except GatewayUnavailable:
                self.unanswered += 1

    @property
    def only_intent(self) -> dict[str, object]:
        [intent] = self.server.intents.values()
        return intent


def run(story: Callable[[AtStripe], Awaitable[None]], at: AtStripe | None = None) -> None:
    async def tell() -> None:
        await story(at or AtStripe())

    asyncio.run(tell())


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("path", ["/payment_intents", "/confirm"])
def test_an_authorization_through_any_fault_is_one_payment(fault: Fault, path: str) -> None:
    async def story(at: AtStripe) -> None:
        at.server.network.fail(path, fault)
        answer = await at.call(authorize(VISA))
        assert answer == Authorized(str(at.only_intent["id"]), False, PRICE)
        assert at.unanswered == (fault in (Fault.BEFORE, Fault.AFTER, Fault.LOST))

    run(story)


@pytest.mark.parametrize("fault", Fault)
def test_a_capture_through_any_fault_takes_the_money_once(fault: Fault) -> None:
    async def story(at: AtStripe) -> None:
        paid = await at.call(authorize(VISA))
        assert isinstance(paid, Authorized)
        at.server.network.fail("/capture", fault)
        at.server.forget_keys()
        assert await at.call(Capture("ord-1:capture", paid.payment_id, PRICE)) == Captured(paid.payment_id, PRICE)
        assert at.server.kept(paid.payment_id) == PRICE.amount

    run(story)


@pytest.mark.parametrize("fault", Fault)
def test_a_refund_through_any_fault_and_long_after_goes_back_once(fault: Fault) -> None:
    async def story(at: AtStripe) -> None:
        paid = await captured(at)
        at.server.network.fail("/refunds", Fault.BEFORE if fault is Fault.BEFORE else fault, fault)
        first = await at.call(refund(paid, 500))
        at.server.forget_keys()
        at.restarted()
        assert await at.call(refund(paid, 500)) == first
        assert at.server.kept(paid) == PRICE.amount - 500

    run(story)


@pytest.mark.parametrize("can_search", [True, False])
def test_a_late_authorization_finds_the_payment_that_was_made_before_stripe_forgot_its_key(can_search: bool) -> None:
    async def story(at: AtStripe) -> None:
        at.server.can_search = can_search
        at.server.created_at = START_MS / 1_000
        first = await at.call(authorize(VISA))
        at.server.forget_keys()
        at.restarted()
        at.now += KEYS_REMEMBERED_MS
        late = Authorize(KEY, PRICE, VISA, "ord-1", since=START_MS)
        assert await at.call(late) == first
        assert len(at.server.intents) == 1

    run(story)


def test_a_late_void_finds_it_too() -> None:
    async def story(at: AtStripe) -> None:
        await at.call(authorize(VISA))
        at.server.forget_keys()
        at.restarted()
        at.now += KEYS_REMEMBERED_MS
        assert await at.call(Void("ord-1:void", KEY, PRICE, VISA, since=START_MS)) == Voided()
        assert at.only_intent["status"] == "canceled"

    run(story)


@pytest.mark.parametrize("fault", Fault)
def test_a_void_of_captured_money_gives_it_back_once_and_says_how_much(fault: Fault) -> None:
    async def story(at: AtStripe) -> None:
        paid = await captured(at)
        at.server.network.fail("/refunds", Fault.SLOW, fault)
        for _ in range(2):
            assert await at.call(void(token=VISA, payment_id=paid)) == Voided(PRICE)
            at.server.forget_keys()
        assert at.server.kept(paid) == 0
        assert await at.call(authorize(VISA, payment_id=paid)) == Declined("voided")

    run(story)


def test_a_payment_in_process_is_voided_when_that_is_possible() -> None:
    async def story(at: AtStripe) -> None:
        await at.call(authorize(VISA))
        at.only_intent["status"] = "processing"
        with pytest.raises(GatewayUnavailable, match="processing"):
            await at.gateway.call(void(token=VISA))
        at.only_intent.update(status="succeeded", amount_received=PRICE.amount)
        assert await at.gateway.call(void(token=VISA)) == Voided(PRICE)

    run(story)


def test_the_payer_is_sent_to_the_bank_and_back_to_the_shops_page() -> None:
    async def story(at: AtStripe) -> None:
        asked = await at.call(authorize(THREE_D_SECURE))
        assert isinstance(asked, Pending)
        assert asked.action is not None
        assert (asked.action.redirect_url, asked.action.client_secret[:3]) == ("https://hooks.stripe.com/3ds", "pi_")
        again = await at.call(authorize(THREE_D_SECURE, payment_id=asked.payment_id))
        assert again == asked
        at.server.authenticate(asked.payment_id)
        assert isinstance(await at.call(authorize(THREE_D_SECURE)), Authorized)

    run(story, AtStripe(return_url="https://shop.example/paid"))


def test_no_such_payment_method_is_declined_and_its_void_finds_nothing() -> None:
    async def story(at: AtStripe) -> None:
        assert await at.call(authorize("pm_unknown")) == Declined("invalid_token")
        assert await at.call(void(token="pm_unknown")) == Voided()

    run(story)


def test_no_such_payment_is_declined() -> None:
    async def story(at: AtStripe) -> None:
        assert await at.call(Capture("ord-1:capture", "pi_x", PRICE)) == Declined("no_such_payment")
        assert await at.call(refund("pi_x")) == Declined("no_such_payment")
        assert await at.gateway.look_up("pi_x") is None

    run(story)


def test_an_amount_that_stripe_cannot_take_is_declined_and_its_void_finds_nothing() -> None:
    async def story(at: AtStripe) -> None:
        odd = Money(1_001, "KWD")
        assert await at.call(Authorize(KEY, odd, VISA, "ord-1")) == Declined("amount_not_supported")
        assert await at.call(Void("ord-1:void", KEY, odd, VISA)) == Voided()

    run(story)


def test_a_wrong_key_is_for_the_operator_and_no_refusal() -> None:
    gateway = StripeGateway("sk_wrong", "", lambda: START_MS, http=StripeServer().http())
    with pytest.raises(GatewayUnavailable, match="AuthenticationError"):
        asyncio.run(gateway.call(authorize(VISA)))


def test_the_books_tell_every_payment_of_a_time() -> None:
    async def story(at: AtStripe) -> None:
        paid = await captured(at)
        assert isinstance(await at.call(refund(paid, 500)), Refunded)
        declined = await at.call(authorize(DECLINED, "ord-2:pay"))
        open_one = await at.call(authorize(VISA, "ord-3:pay"))
        assert isinstance(open_one, Authorized)
        at.server.intents["pi_other"] = {**at.server.intents[paid], "id": "pi_other", "metadata": {}}
        created = int(at.server.created_at) * 1_000
        at.server.asked.clear()
        told = [report async for report in at.gateway.payments(created, created + 1)]
        assert at.server.asked == ["GET /v1/payment_intents", "GET /v1/refunds"], (
            "one for all, and one for what went back"
        )
        assert isinstance(declined, Declined)
        assert {(report.authorize_key, report.status, report.kept) for report in told} == {
            (KEY, PaymentStatus.CAPTURED, PRICE.amount - 500),
            ("ord-2:pay", PaymentStatus.DECLINED, 0),
            ("ord-3:pay", PaymentStatus.AUTHORIZED, 0),
        }
        assert [report async for report in at.gateway.payments(created - 9_000, created)] == []
        assert await at.gateway.look_up(paid) == PaymentReport(paid, KEY, PaymentStatus.CAPTURED, PRICE, 500, created)

    run(story)


def test_more_payments_than_fit_on_a_page_are_all_told() -> None:
    async def story(at: AtStripe) -> None:
        for number in range(130):
            await at.call(void(f"ord-{number}:pay", token=VISA))
        created = int(at.server.created_at) * 1_000
        assert len({report.order_id async for report in at.gateway.payments(created, created + 1_000)}) == 130

    run(story)


async def captured(at: AtStripe) -> str:
    paid = await at.call(authorize(VISA))
    assert isinstance(paid, Authorized)
    await at.call(Capture("ord-1:capture", paid.payment_id, PRICE))
    return paid.payment_id


def test_two_refunds_of_one_key_at_once_are_one() -> None:
    async def story(at: AtStripe) -> None:
        paid = await captured(at)
        call = Refund("ord-1:refund:1", paid, Money(500, "USD"))
        first, second = await asyncio.gather(at.call(call), at.call(call))
        assert first == second
        assert at.server.kept(paid) == PRICE.amount - 500

    run(story)
