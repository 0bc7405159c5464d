"""What every payment gateway promises: each one inherits these tests and says which tokens do what with it."""

import asyncio
from abc import ABC, abstractmethod

from engine.kernel import Answer, Command
from engine.money import Money
from engine.payment import Authorize, Authorized, Capture, Captured, Declined, Refund, Refunded, Void, Voided
from serve.gateways.port import Gateway

PRICE = Money(1_999, "USD")


def authorize(token: str, key: str = "ord-1:pay", *, capture: bool = True) -> Authorize:
    return Authorize(key, PRICE, token, key.partition(":")[0], capture)


def void(key: str = "ord-1:pay", *, token: str = "") -> Void:
    return Void(f"{key}:void", key, PRICE, token)


class GatewaySuite(ABC):
    """Inherit it, and give it a gateway and the tokens of a payer who pays and of one whose card is declined."""

    good_token: str
    bad_token: str

    @abstractmethod
    def new_gateway(self) -> Gateway: ...

    def answers(self, *calls: Command) -> list[Answer]:
        """The answers of a new gateway to these calls, one after the other."""

        async def ask() -> list[Answer]:
            gateway = self.new_gateway()
            return [await gateway.call(call) for call in calls]

        return asyncio.run(ask())

    def test_a_good_payer_is_charged_in_one_call(self) -> None:
        (answer,) = self.answers(authorize(self.good_token))
        assert isinstance(answer, Authorized)
        assert answer.captured
        assert answer.payment_id

    def test_the_same_key_is_the_same_payment_however_often_it_is_asked_for(self) -> None:
        first, again = self.answers(authorize(self.good_token), authorize(self.good_token))
        assert first == again

    def test_an_answer_at_once_is_the_answer_of_the_call(self) -> None:
        async def ask() -> None:
            gateway = self.new_gateway()
            voided = authorize(self.good_token, "ord-9:pay")
            await gateway.call(void("ord-9:pay", token=self.good_token))
            for call in (authorize(self.good_token), authorize(self.bad_token), voided):
                assert gateway.answer_at_once(call) in (None, await gateway.call(call))

        asyncio.run(ask())

    def test_another_key_is_another_payment(self) -> None:
        one, other = self.answers(authorize(self.good_token), authorize(self.good_token, "ord-2:pay"))
        assert isinstance(one, Authorized)
        assert isinstance(other, Authorized)
        assert one.payment_id != other.payment_id

    def test_a_bad_card_is_declined_with_a_code_every_time(self) -> None:
        first, again = self.answers(authorize(self.bad_token), authorize(self.bad_token))
        assert isinstance(first, Declined)
        assert first.code
        assert first == again

    def test_an_authorization_can_be_captured_later_and_twice_is_once(self) -> None:
        async def ask() -> None:
            gateway = self.new_gateway()
            authorized = await gateway.call(authorize(self.good_token, capture=False))
            assert isinstance(authorized, Authorized)
            assert not authorized.captured
            capture = Capture("ord-1:capture", authorized.payment_id, PRICE)
            assert await gateway.call(capture) == await gateway.call(capture) == Captured(authorized.payment_id)

        asyncio.run(ask())

    def test_a_void_of_what_was_never_asked_for_declines_it_when_it_comes(self) -> None:
        voided, late = self.answers(void(token=self.good_token), authorize(self.good_token))
        assert voided == Voided()
        assert isinstance(late, Declined)

    def test_a_void_can_be_repeated(self) -> None:
        charged, *voided = self.answers(
            authorize(self.good_token), void(token=self.good_token), void(token=self.good_token)
        )
        assert isinstance(charged, Authorized)
        assert voided == [Voided(), Voided()]

    def test_a_void_of_a_declined_payment_finds_nothing_to_undo(self) -> None:
        assert self.answers(authorize(self.bad_token), void(token=self.bad_token))[1] == Voided()

    def test_a_voided_authorization_cannot_be_captured(self) -> None:
        async def ask() -> None:
            gateway = self.new_gateway()
            authorized = await gateway.call(authorize(self.good_token, capture=False))
            assert isinstance(authorized, Authorized)
            await gateway.call(void(token=self.good_token))
            capture = Capture("ord-1:capture", authorized.payment_id, PRICE)
            assert isinstance(await gateway.call(capture), Declined)

        asyncio.run(ask())

    def test_a_void_touches_no_other_payment(self) -> None:
        _, _, other = self.answers(
            authorize(self.good_token), void(token=self.good_token), authorize(self.good_token, "ord-2:pay")
        )
        assert isinstance(other, Authorized)

    def test_captured_money_goes_back_once(self) -> None:
        async def ask() -> None:
            gateway = self.new_gateway()
            authorized = await gateway.call(authorize(self.good_token))
            assert isinstance(authorized, Authorized)
            refund = Refund("ord-1:refund", authorized.payment_id, PRICE)
            first = await gateway.call(refund)
            assert isinstance(first, Refunded)
            assert await gateway.call(refund) == first
            another = Refund("ord-1:refund-again", authorized.payment_id, PRICE)
            assert isinstance(await gateway.call(another), Declined)

        asyncio.run(ask())

    def test_what_a_void_gave_back_is_not_refunded_again(self) -> None:
        async def ask() -> None:
            gateway = self.new_gateway()
            authorized = await gateway.call(authorize(self.good_token))
            assert isinstance(authorized, Authorized)
            await gateway.call(void(token=self.good_token))
            assert isinstance(await gateway.call(Refund("ord-1:refund", authorized.payment_id, PRICE)), Declined)

        asyncio.run(ask())
