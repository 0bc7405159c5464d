"""What every payment gateway promises: each one inherits these tests and says which tokens do what with it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from engine.kernel import Answer
from engine.money import Money
from engine.payment import (
    ABOVE_CAPTURED,
    ALREADY_REFUNDED,
    Authorize,
    Authorized,
    Capture,
    Captured,
    Declined,
    Refund,
    Refunded,
    Void,
    Voided,
)
from serve.gateways.port import Gateway

PRICE = Money(1_999, "USD")


def authorize(token: str, key: str = "ord-1:pay", *, capture: bool = True, payment_id: str = "") -> Authorize:
    return Authorize(key, PRICE, token, key.partition(":")[0], capture, payment_id)


def void(key: str = "ord-1:pay", *, token: str = "", payment_id: str = "") -> Void:
    return Void(f"{key}:void", key, PRICE, token, payment_id)


def refund(payment_id: str, amount: int = PRICE.amount, *, key: str = "ord-1:refund") -> Refund:
    return Refund(key, payment_id, Money(amount, PRICE.currency))


class GatewaySuite(ABC):
    """Inherit it, and give it a gateway and the tokens of a payer who pays and of one whose card is declined."""

    good_token: str
    bad_token: str

    @abstractmethod
    def new_gateway(self) -> Gateway: ...

    async def pay(self, gateway: Gateway, call: Authorize) -> Answer:
        """The answer to the call once the payer has done whatever is asked of one."""
        return await gateway.call(call)

    # -- what a test begins with

    def run(self, story: Callable[[Gateway], Awaitable[None]]) -> None:
        """Tell a story of a new gateway."""

        async def tell() -> None:
            gateway = self.new_gateway()
            try:
                await story(gateway)
            finally:
                await gateway.close()

        asyncio.run(tell())

    async def authorized(self, gateway: Gateway, key: str = "ord-1:pay", *, capture: bool = True) -> Authorized:
        answer = await self.pay(gateway, authorize(self.good_token, key, capture=capture))
        assert isinstance(answer, Authorized), answer
        return answer

    async def captured(self, gateway: Gateway, key: str = "ord-1:pay", amount: int = PRICE.amount) -> str:
        """The id of a payment of which `amount` is taken."""
        payment = await self.authorized(gateway, key, capture=False)
        part = Money(amount, PRICE.currency)
        assert await gateway.call(Capture(f"{key}:capture", payment.payment_id, part)) == Captured(
            payment.payment_id, part
        )
        return payment.payment_id

    # -- authorize

    def test_a_good_payer_is_charged_or_at_least_good_for_the_amount(self) -> None:
        async def story(gateway: Gateway) -> None:
            answer = await self.authorized(gateway)
            assert answer.payment_id
            assert answer.amount == PRICE

        self.run(story)

    def test_the_same_key_is_the_same_payment_however_often_it_is_asked_for(self) -> None:
        async def story(gateway: Gateway) -> None:
            first = await self.authorized(gateway)
            assert await gateway.call(authorize(self.good_token)) == first
            assert await gateway.call(authorize(self.good_token, payment_id=first.payment_id)) == first

        self.run(story)

    def test_an_answer_at_once_is_the_answer_of_the_call(self) -> None:
        async def story(gateway: Gateway) -> None:
            voided = authorize(self.good_token, "ord-9:pay")
            await gateway.call(void("ord-9:pay", token=self.good_token))
            for call in (authorize(self.good_token), authorize(self.bad_token, "ord-2:pay"), voided):
                assert gateway.answer_at_once(call) in (None, await gateway.call(call))

        self.run(story)

    def test_another_key_is_another_payment(self) -> None:
        async def story(gateway: Gateway) -> None:
            one, other = await self.authorized(gateway), await self.authorized(gateway, "ord-2:pay")
            assert one.payment_id != other.payment_id

        self.run(story)

    def test_a_bad_card_is_declined_with_a_code_every_time(self) -> None:
        async def story(gateway: Gateway) -> None:
            first = await self.pay(gateway, authorize(self.bad_token))
            assert isinstance(first, Declined)
            assert first.code
            assert await gateway.call(authorize(self.bad_token)) == first

        self.run(story)

    # -- capture

    def test_an_authorization_can_be_captured_later_and_twice_is_once(self) -> None:
        async def story(gateway: Gateway) -> None:
            payment = await self.authorized(gateway, capture=False)
            assert not payment.captured
            capture = Capture("ord-1:capture", payment.payment_id, PRICE)
            taken = Captured(payment.payment_id, PRICE)
            assert await gateway.call(capture) == await gateway.call(capture) == taken

        self.run(story)

    def test_a_part_can_be_captured_and_no_more_than_that_goes_back(self) -> None:
        async def story(gateway: Gateway) -> None:
            payment_id = await self.captured(gateway, amount=1_500)
            assert await gateway.call(refund(payment_id, 1_501)) == Declined(ABOVE_CAPTURED)
            assert isinstance(await gateway.call(refund(payment_id, 1_500)), Refunded)

        self.run(story)

    def test_more_than_was_authorized_is_never_captured(self) -> None:
        async def story(gateway: Gateway) -> None:
            payment = await self.authorized(gateway, capture=False)
            above = Capture("ord-1:capture", payment.payment_id, Money(PRICE.amount + 1, PRICE.currency))
            assert isinstance(await gateway.call(above), Declined)

        self.run(story)

    def test_a_voided_authorization_cannot_be_captured(self) -> None:
        async def story(gateway: Gateway) -> None:
            payment = await self.authorized(gateway, capture=False)
            await gateway.call(void(token=self.good_token, payment_id=payment.payment_id))
            assert isinstance(await gateway.call(Capture("ord-1:capture", payment.payment_id, PRICE)), Declined)

        self.run(story)

    # -- void

    def test_a_void_of_what_was_never_asked_for_declines_it_when_it_comes(self) -> None:
        async def story(gateway: Gateway) -> None:
            assert await gateway.call(void(token=self.good_token)) == Voided()
            assert isinstance(await gateway.call(authorize(self.good_token)), Declined)

        self.run(story)

    def test_a_void_can_be_repeated_and_needs_no_payment_id(self) -> None:
        async def story(gateway: Gateway) -> None:
            payment = await self.authorized(gateway, capture=False)
            assert isinstance(await gateway.call(void(token=self.good_token)), Voided)
            for known in ("", payment.payment_id):
                assert isinstance(await gateway.call(void(token=self.good_token, payment_id=known)), Voided)

        self.run(story)

    def test_a_void_of_a_declined_payment_finds_nothing_to_undo(self) -> None:
        async def story(gateway: Gateway) -> None:
            await self.pay(gateway, authorize(self.bad_token))
            assert await gateway.call(void(token=self.bad_token)) == Voided()

        self.run(story)

    def test_a_void_touches_no_other_payment(self) -> None:
        async def story(gateway: Gateway) -> None:
            await self.authorized(gateway)
            await gateway.call(void(token=self.good_token))
            await self.captured(gateway, "ord-2:pay")

        self.run(story)

    def test_what_a_void_gave_back_is_not_refunded_again(self) -> None:
        async def story(gateway: Gateway) -> None:
            payment_id = await self.captured(gateway)
            await gateway.call(void(token=self.good_token, payment_id=payment_id))
            assert await gateway.call(refund(payment_id)) == Declined(ALREADY_REFUNDED)

        self.run(story)

    # -- refund

    def test_captured_money_goes_back_once(self) -> None:
        async def story(gateway: Gateway) -> None:
            payment_id = await self.captured(gateway)
            first = await gateway.call(refund(payment_id))
            assert isinstance(first, Refunded)
            assert await gateway.call(refund(payment_id)) == first
            assert await gateway.call(refund(payment_id, key="ord-1:refund:2")) == Declined(ALREADY_REFUNDED)

        self.run(story)

    def test_several_parts_go_back_each_once_and_together_never_more_than_was_captured(self) -> None:
        async def story(gateway: Gateway) -> None:
            payment_id = await self.captured(gateway)
            parts = [refund(payment_id, amount, key=f"ord-1:refund:{amount}") for amount in (500, 700)]
            first = [await gateway.call(part) for part in parts]
            assert all(isinstance(answer, Refunded) for answer in first)
            assert first[0] != first[1]
            assert [await gateway.call(part) for part in parts] == first
            above = refund(payment_id, PRICE.amount - 1_200 + 1, key="ord-1:refund:above")
            assert await gateway.call(above) == Declined(ABOVE_CAPTURED)
            rest = refund(payment_id, PRICE.amount - 1_200, key="ord-1:refund:rest")
            assert isinstance(await gateway.call(rest), Refunded)
            assert await gateway.call(refund(payment_id, 1, key="ord-1:refund:last")) == Declined(ALREADY_REFUNDED)

        self.run(story)
