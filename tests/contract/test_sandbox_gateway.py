"""The sandbox: what each of its tokens does."""

import asyncio
import pickle

import pytest

from engine.kernel import Answer
from engine.payment import Authorized, Declined, Pending, Refunded, Voided
from serve.gateways.port import GatewayError, GatewayUnavailable
from serve.gateways.sandbox import KEYS_KEPT, SETTLE_AFTER_S, SILENCE_S, SLOW_S, SandboxGateway, payment_id_of

from .gateway_suite import PRICE, authorize, refund, void

PAID = Authorized(payment_id_of("ord-1:pay", PRICE), True, PRICE)


class Clock:
    """Time that moves only by hand: a sleeper wakes when `advance` has passed its instant."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.seconds + seconds, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let time pass and everybody who wakes act."""
        await _let_others_run()
        self.seconds += seconds
        for until, woken in self._sleepers:
            if until <= self.seconds and not woken.done():
                woken.set_result(None)
        await _let_others_run()


async def _let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Shop:
    """Whoever hears the provider's callbacks; it can be down."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, Answer]] = []
        self.down = False

    async def settled(self, order_id: str, authorize_key: str, reply: Authorized) -> None:
        if self.down:
            raise ConnectionError("the shop is down")
        self.heard.append((order_id, authorize_key, reply))


class Sandbox:
    """A sandbox with everything that is injected into it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.shop = Shop()
        self.gateway = SandboxGateway(self.shop.settled, sleep=self.clock.sleep)


def test_an_ok_payment_is_answered_at_once() -> None:
    assert Sandbox().gateway.answer_at_once(authorize("tok_ok")) == PAID


@pytest.mark.parametrize("token", ["tok_declined", "tok_slow", "tok_timeout", "tok_error", "tok_async", "tok_typo"])
def test_every_other_payment_is_answered_by_a_call_unless_it_is_voided(token: str) -> None:
    gateway = Sandbox().gateway
    assert gateway.answer_at_once(authorize(token)) is None
    asyncio.run(gateway.call(void()))
    assert gateway.answer_at_once(authorize(token)) == Declined("voided")


def test_an_unknown_token_is_declined() -> None:
    assert asyncio.run(Sandbox().gateway.call(authorize("tok_typo"))) == Declined("invalid_token")


def test_a_restarted_sandbox_gives_the_answer_of_before() -> None:
    assert asyncio.run(Sandbox().gateway.call(authorize("tok_ok"))) == PAID
    assert asyncio.run(Sandbox().gateway.call(authorize("tok_ok"))) == PAID


def test_a_slow_payment_takes_two_seconds() -> None:
    async def story() -> None:
        sandbox = Sandbox()
        call = asyncio.create_task(sandbox.gateway.call(authorize("tok_slow")))
        await sandbox.clock.advance(SLOW_S - 0.1)
        assert not call.done()
        await sandbox.clock.advance(0.1)
        assert await call == PAID

    asyncio.run(story())


def test_a_void_while_a_payment_is_slow_declines_it() -> None:
    async def story() -> None:
        sandbox = Sandbox()
        call = asyncio.create_task(sandbox.gateway.call(authorize("tok_slow")))
        await sandbox.clock.advance(1)
        assert await sandbox.gateway.call(void()) == Voided()
        await sandbox.clock.advance(1)
        assert await call == Declined("voided")

    asyncio.run(story())


def test_a_payment_that_timed_out_is_answered_when_asked_for_again() -> None:
    async def story() -> None:
        sandbox = Sandbox()
        silent = asyncio.create_task(sandbox.gateway.call(authorize("tok_timeout")))
        await sandbox.clock.advance(60)
        assert not silent.done()
        assert await sandbox.gateway.call(authorize("tok_timeout")) == PAID
        await sandbox.clock.advance(SILENCE_S)
        with pytest.raises(GatewayUnavailable):
            await silent

    asyncio.run(story())


def test_a_failing_payment_fails_twice_then_works() -> None:
    async def story() -> None:
        gateway = Sandbox().gateway
        for _ in range(2):
            with pytest.raises(GatewayUnavailable):
                await gateway.call(authorize("tok_error"))
        assert await gateway.call(authorize("tok_error")) == PAID
        assert await gateway.call(authorize("tok_error")) == PAID

    asyncio.run(story())


def test_an_async_payment_is_pending_until_its_callback_and_authorized_after() -> None:
    async def story() -> None:
        sandbox = Sandbox()
        for _ in range(2):
            assert await sandbox.gateway.call(authorize("tok_async")) == Pending(PAID.payment_id)
        assert sandbox.shop.heard == []
        await sandbox.clock.advance(SETTLE_AFTER_S)
        assert sandbox.shop.heard == [("ord-1", "ord-1:pay", PAID)]
        assert await sandbox.gateway.call(authorize("tok_async")) == PAID

    asyncio.run(story())


def test_an_async_payment_whose_callback_is_lost_is_found_by_asking() -> None:
    async def story() -> None:
        sandbox = Sandbox()
        sandbox.shop.down = True
        await sandbox.gateway.call(authorize("tok_async"))
        await sandbox.clock.advance(SETTLE_AFTER_S)
        assert await sandbox.gateway.call(authorize("tok_async")) == PAID

    asyncio.run(story())


def test_an_async_payment_that_is_voided_never_settles() -> None:
    async def story() -> None:
        sandbox = Sandbox()
        await sandbox.gateway.call(authorize("tok_async"))
        await sandbox.gateway.call(void())
        await sandbox.clock.advance(SETTLE_AFTER_S)
        assert sandbox.shop.heard == []
        assert await sandbox.gateway.call(authorize("tok_async")) == Declined("voided")

    asyncio.run(story())


def test_closing_stops_what_was_to_settle() -> None:
    async def story() -> None:
        sandbox = Sandbox()
        await sandbox.gateway.call(authorize("tok_async"))
        await _let_others_run()
        await sandbox.gateway.close()
        await sandbox.clock.advance(SETTLE_AFTER_S)
        assert sandbox.shop.heard == []

    asyncio.run(story())


def test_memory_is_bounded() -> None:
    async def story() -> None:
        gateway = Sandbox().gateway
        for number in range(KEYS_KEPT + 10):
            await gateway.call(void(f"ord-{number}:pay"))
        assert isinstance(await gateway.call(authorize("tok_ok", "ord-9:pay")), Authorized)
        assert isinstance(await gateway.call(authorize("tok_ok", "ord-10:pay")), Declined)

    asyncio.run(story())


def test_errors_survive_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(GatewayUnavailable("no answer")))
    assert isinstance(error, GatewayError)
    assert isinstance(error, ConnectionError)
    assert error.detail == "no answer"


def test_a_restarted_sandbox_still_knows_how_much_can_go_back() -> None:
    above = refund(PAID.payment_id, PRICE.amount + 1)
    assert asyncio.run(Sandbox().gateway.call(above)) == Declined("above_captured")
    assert isinstance(asyncio.run(Sandbox().gateway.call(refund(PAID.payment_id))), Refunded)
