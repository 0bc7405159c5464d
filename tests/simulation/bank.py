"""The payment provider of the simulated world: a process of its own, with a ledger that the auditor reads.

The token of a payment says how the provider treats it:

| token | treatment |
|---|---|
| `ok` | charged at once |
| `declined` | declined |
| `two-steps` | authorized, charged by `Capture` |
| `capture-declined` | authorized, never charged |
| `pending` | settled by a callback that comes early, late or several times |
| `pending-declined` | the same, declined |
| `never` | pending for good: the payment window passes |
| `silent` | charged, and the first answers get lost |
| `failing` | each call fails twice, then it is carried out |
| `twice` | charged twice, against the contract, and tells of both by callbacks |
| `stubborn` | charged, and never gives money back |
| `less` | charged less than was asked for, and says so |
"""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any

from actors.client import Client
from actors.errors import Unavailable
from engine.kernel import Answer, Command
from engine.money import Money
from engine.order import SettlePayment
from engine.payment import (
    ABOVE_CAPTURED,
    ALREADY_REFUNDED,
    Authorize,
    Authorized,
    Capture,
    Captured,
    Declined,
    Pending,
    Refund,
    Refunded,
    Void,
    Voided,
)

from .chronicle import Chronicle
from .network import Network
from .virtual_time import Process

TREATMENTS = {
    "ok": 40,
    "declined": 6,
    "two-steps": 8,
    "capture-declined": 3,
    "pending": 8,
    "pending-declined": 3,
    "never": 5,
    "silent": 6,
    "failing": 6,
    "twice": 5,
    "stubborn": 2,
    "less": 2,
}
"""How often each is drawn."""


@dataclass
class Payment:
    """One payment in the ledger, in minor units."""

    payment_id: str
    order_id: str
    key: str
    amount: int
    taken: int = 0
    given_back: int = 0
    voided: bool = False

    @property
    def kept(self) -> int:
        return self.taken - self.given_back


@dataclass
class Ledger:
    """All that the provider knows."""

    payments: dict[str, Payment] = field(default_factory=dict)
    voided_keys: dict[str, None] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    """What should never have been asked."""

    def of_order(self, order_id: str) -> list[Payment]:
        return [payment for payment in self.payments.values() if payment.order_id == order_id]


class Bank:
    """Answers gateways; `connect` makes the client that its callbacks come in by."""

    def __init__(self, process: Process, chronicle: Chronicle, random: Random) -> None:
        self.name = "bank"
        self.process: Process | None = process
        self.ledger = Ledger()
        self.callbacks_under_way = 0
        self.client: Client | None = None
        self._chronicle = chronicle
        self._random = random
        self._asked: dict[str, int] = {}
        self._failed: dict[str, int] = {}
        self._settled: dict[str, Answer] = {}
        self._refunds: dict[str, Answer] = {}
        self._treatments: dict[str, str] = {}

    async def serve(self, _method: str, arguments: tuple[Any, ...]) -> Answer:
        (call,) = arguments
        if self._fails(call):
            raise ConnectionError("the provider failed")
        answer = self.answer(call)
        if isinstance(call, Authorize) and self._loses_answer(call):
            await asyncio.get_running_loop().create_future()
        return answer

    def answer(self, call: Command) -> Answer:
        """Carry the call out; the same key gets the same answer."""
        match call:
            case Authorize():
                answer = self._authorize(call)
            case Capture():
                answer = self._capture(call)
            case Void():
                answer = self._void(call)
            case Refund():
                answer = self._refunds.get(call.key) or self._refund(call)
                self._refunds[call.key] = answer
            case _:
                raise AssertionError(f"a gateway is asked for four things, not {call}")
        self._tell(f"{type(call).__name__} {getattr(call, 'key', '')}: {type(answer).__name__}")
        return answer

    def _authorize(self, call: Authorize) -> Answer:
        if call.key in self.ledger.voided_keys:
            return Declined("voided")
        if call.key in self._settled:
            return self._settled[call.key]
        treatment = call.token
        times = self._asked[call.key] = self._asked.get(call.key, 0) + 1
        match treatment:
            case "declined":
                return self._settle(call.key, Declined("card_declined"))
            case "two-steps" | "capture-declined":
                payment = self._open(call, "a")
                return self._settle(call.key, Authorized(payment.payment_id, False))
            case "pending" | "pending-declined" | "never":
                if times == 1 and treatment != "never":
                    self._call_back_later(call)
                return Pending(f"pay-{call.key}-a")
            case "twice":
                first, second = self._charge(call, "a"), self._charge(call, "b")
                self._spawn(self._call_back(call.order_id, call.key, Authorized(second.payment_id, True), 5.0))
                self._spawn(self._call_back(call.order_id, call.key, Authorized(first.payment_id, True), 5.0))
                return self._settle(call.key, Authorized(first.payment_id, True))
            case "less":
                payment = self._charge(call, "a")
                payment.taken -= 1
                return self._settle(
                    call.key, Authorized(payment.payment_id, True, Money(payment.taken, call.amount.currency))
                )
        return self._settle(call.key, Authorized(self._charge(call, "a").payment_id, True))

    def _fails(self, call: Any) -> bool:
        token = getattr(call, "token", "") or self._treatments.get(getattr(call, "payment_id", ""), "")
        if token != "failing":
            return False
        times = self._failed[call.key] = self._failed.get(call.key, 0) + 1
        return times <= 2

    def _loses_answer(self, call: Authorize) -> bool:
        if call.token != "silent":
            return False
        times = self._asked[f"silence:{call.key}"] = self._asked.get(f"silence:{call.key}", 0) + 1
        return times <= 2

    def _capture(self, call: Capture) -> Answer:
        payment = self.ledger.payments[call.payment_id]
        if payment.voided or self._treatment_of(payment) == "capture-declined":
            return Declined("capture_declined")
        if call.amount.amount > payment.amount:
            self.ledger.refusals.append(f"{call.payment_id} is captured above its amount")
            return Declined("above_authorized")
        if not payment.taken:
            payment.taken = call.amount.amount
        return Captured(call.payment_id, Money(payment.taken, call.amount.currency))

    def _void(self, call: Void) -> Answer:
        if call.token == "stubborn" and any(payment.kept for payment in self._of_key(call.authorize_key)):
            return Declined("not_voidable")
        self.ledger.voided_keys[call.authorize_key] = None
        returned = 0
        for payment in self._of_key(call.authorize_key):
            payment.voided = True
            returned += payment.taken
            payment.given_back = payment.taken
        return Voided(Money(returned, call.amount.currency) if returned else None)

    def _refund(self, call: Refund) -> Answer:
        payment = self.ledger.payments[call.payment_id]
        if self._treatment_of(payment) == "stubborn":
            return Declined("not_refundable")
        if not payment.kept:
            self.ledger.refusals.append(f"{call.payment_id} is refunded twice")
            return Declined(ALREADY_REFUNDED)
        if call.amount.amount > payment.kept:
            self.ledger.refusals.append(f"{call.payment_id} has {payment.kept} left, {call.amount.amount} are refunded")
            return Declined(ABOVE_CAPTURED)
        payment.given_back += call.amount.amount
        return Refunded(f"re-{call.key}")

    def _open(self, call: Authorize, suffix: str) -> Payment:
        payment_id = f"pay-{call.key}-{suffix}"
        payment = Payment(payment_id, call.order_id, call.key, call.amount.amount)
        self._treatments[payment_id] = call.token
        return self.ledger.payments.setdefault(payment_id, payment)

    def _charge(self, call: Authorize, suffix: str) -> Payment:
        payment = self._open(call, suffix)
        payment.taken = call.amount.amount
        return payment

    def _settle(self, key: str, answer: Answer) -> Answer:
        self._settled[key] = answer
        return answer

    def _of_key(self, key: str) -> list[Payment]:
        return [payment for payment in self.ledger.payments.values() if payment.key == key]

    def _treatment_of(self, payment: Payment) -> str:
        return self._treatments.get(payment.payment_id, "")

    # -- callbacks

    def _call_back_later(self, call: Authorize) -> None:
        for _ in range(self._random.choice((1, 1, 2, 3))):
            self._spawn(self._settle_later(call))

    async def _settle_later(self, call: Authorize) -> None:
        # Early ones arrive before the answer `Pending` does, late ones when the payment window is over.
        await asyncio.sleep(self._random.choice((0.0, 0.5, 3.0, 12.0, 30.0)) * self._random.random())
        if call.key in self.ledger.voided_keys:
            return
        if call.key not in self._settled:
            declined = call.token == "pending-declined"
            self._settle(
                call.key,
                Declined("card_declined") if declined else Authorized(self._charge(call, "a").payment_id, True),
            )
        answer = self._settled[call.key]
        assert isinstance(answer, (Authorized, Declined))
        await self._call_back(call.order_id, call.key, answer, 0.0)

    async def _call_back(self, order_id: str, key: str, answer: Authorized | Declined, within_s: float) -> None:
        """Tell the shop, again and again until it has heard."""
        await asyncio.sleep(self._random.random() * within_s)
        assert self.client is not None
        while True:
            try:
                reply = await self.client.send("order", order_id, SettlePayment(key, answer), deadline_s=2.0)
            except Unavailable:
                await asyncio.sleep(0.5 + self._random.random())
                continue
            self._tell(f"callback {order_id} {type(answer).__name__}: {type(reply).__name__}")
            return

    def _spawn(self, work: Any) -> None:
        assert self.process is not None
        self.callbacks_under_way += 1
        task = self.process.spawn(work)
        task.add_done_callback(self._callback_done)

    def _callback_done(self, task: "asyncio.Task[None]") -> None:
        self.callbacks_under_way -= 1
        if not task.cancelled() and task.exception() is not None:
            raise AssertionError("a callback failed") from task.exception()

    def _tell(self, what: str) -> None:
        assert self.process is not None
        self._chronicle.tell(self.process.time(), "bank", what)


class BankGateway:
    """Implements `Gateway` for one host. `inside`: plain payments are answered at once, as the sandbox does."""

    def __init__(self, network: Network, bank: Bank, host: str, *, inside: bool) -> None:
        self._network = network
        self._bank = bank
        self._host = host
        self._inside = inside

    def answer_at_once(self, call: Command) -> Answer | None:
        if self._inside and isinstance(call, Authorize) and call.token in ("ok", "declined"):
            return self._bank.answer(call)
        return None

    async def call(self, call: Command) -> Answer:
        answer = await self._network.call(self._host, self._bank, type(call).__name__, call)
        assert isinstance(answer, Answer)
        return answer
