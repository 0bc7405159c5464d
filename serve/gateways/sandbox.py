"""A payment provider that moves no money: the token of a payment says how it behaves.

| token | behaviour |
|---|---|
| `tok_ok` | authorized at once |
| `tok_declined` | declined: `card_declined` |
| `tok_slow` | authorized after 2 s |
| `tok_timeout` | charges and never answers; asked again with the same key, it answers |
| `tok_error` | fails twice, then authorizes |
| `tok_async` | pending; settled by a callback a second later |
| any other | declined: `invalid_token` |

Ids are made from keys and amounts, so a sandbox that was restarted gives the answers of before. What it must remember
beyond that (what was voided, refunded, asked before) it remembers in memory, up to a bound.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import TypeVar

from engine.kernel import Answer, Command
from engine.money import Money
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

from .port import GatewayUnavailable

SLOW_S = 2.0
SETTLE_AFTER_S = 1.0
SILENCE_S = 3_600.0
"""How long `tok_timeout` says nothing: longer than any caller waits."""
FAILURES = 2
"""How often `tok_error` fails."""
KEYS_KEPT = 100_000
"""Keys remembered for each purpose; the oldest is forgotten first."""

OnSettled = Callable[[str, str, Authorized], Awaitable[None]]
"""The provider's callback: order id, authorize key and how the payment ended."""

Sleep = Callable[[float], Awaitable[None]]

_Value = TypeVar("_Value")

logger = logging.getLogger("doorbuster.gateways")


class SandboxGateway:
    """The embedded default; `on_settled` hears how `tok_async` payments ended."""

    def __init__(
        self, on_settled: OnSettled, *, settle_after_s: float = SETTLE_AFTER_S, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._on_settled = on_settled
        self._settle_after_s = settle_after_s
        self._sleep = sleep
        self._voided_keys: dict[str, None] = {}
        self._voided_payments: dict[str, None] = {}
        self._captured: dict[str, int] = {}
        self._refunds: dict[str, dict[str, int]] = {}
        self._times_asked: dict[str, int] = {}
        self._settled_keys: dict[str, None] = {}
        self._settling: dict[str, asyncio.Task[None]] = {}

    def answer_at_once(self, call: Command) -> Answer | None:
        """The provider lives in this process: a plain payment needs no task that would wait for nothing."""
        if type(call) is Authorize:
            if call.key in self._voided_keys:
                return Declined("voided")
            if call.token == "tok_ok":  # noqa: S105 - a name, not a secret
                return _authorized(call)
        return None

    async def call(self, call: Command) -> Answer:
        """Carry the call out."""
        if type(call) is Authorize:
            return self.answer_at_once(call) or await self._authorize(call)
        if type(call) is Capture:
            return self._capture(call)
        if type(call) is Void:
            return self._void(call)
        assert type(call) is Refund, "a gateway is asked for four things"
        return self._refund(call)

    async def _authorize(self, call: Authorize) -> Answer:
        match call.token:
            case "tok_declined":
                return Declined("card_declined")
            case "tok_slow":
                await self._sleep(SLOW_S)
            case "tok_timeout":
                if self._ask(call.key) == 1:
                    await self._sleep(SILENCE_S)
                    raise GatewayUnavailable("the provider does not answer")
            case "tok_error":
                if self._ask(call.key) <= FAILURES:
                    raise GatewayUnavailable("the provider failed")
            case "tok_async":
                return self._settle_later(call)
            case _:
                return Declined("invalid_token")
        # A void may have come while this slept.
        return Declined("voided") if call.key in self._voided_keys else _authorized(call)

    def _ask(self, key: str) -> int:
        """How often this was asked, this time included."""
        times = self._times_asked.get(key, 0) + 1
        _remember(self._times_asked, key, times)
        return times

    def _settle_later(self, call: Authorize) -> Answer:
        if call.key in self._settled_keys:
            return _authorized(call)
        if call.key not in self._settling:
            task = asyncio.get_running_loop().create_task(self._settle(call))
            self._settling[call.key] = task
            task.add_done_callback(lambda _task: self._settling.pop(call.key, None))
        return Pending(payment_id_of(call.key, call.amount))

    async def _settle(self, call: Authorize) -> None:
        await self._sleep(self._settle_after_s)
        if call.key in self._voided_keys:
            return
        _remember(self._settled_keys, call.key, None)
        try:
            await self._on_settled(call.order_id, call.key, _authorized(call))
        except Exception:
            # A callback can always get lost: the order asks again by itself.
            logger.warning("The callback of payment %s failed", payment_id_of(call.key, call.amount), exc_info=True)

    def _capture(self, call: Capture) -> Answer:
        authorized = _amount_of(call.payment_id)
        if call.payment_id in self._voided_payments:
            return Declined("voided")
        if authorized is None or not 0 < call.amount.amount <= authorized:
            return Declined("above_authorized")
        if call.amount.amount < authorized:
            _remember(self._captured, call.payment_id, call.amount.amount)
        return Captured(call.payment_id, call.amount)

    def _void(self, call: Void) -> Answer:
        payment_id = payment_id_of(call.authorize_key, call.amount)
        settled = call.authorize_key in self._settled_keys and call.authorize_key not in self._voided_keys
        _remember(self._voided_keys, call.authorize_key, None)
        _remember(self._voided_payments, payment_id, None)
        return Voided(call.amount if settled else None)

    def _refund(self, call: Refund) -> Answer:
        if call.payment_id in self._voided_payments:
            return Declined(ALREADY_REFUNDED)
        refunds = self._refunds.get(call.payment_id, {})
        captured = self._captured.get(call.payment_id) or _amount_of(call.payment_id)
        if call.key not in refunds:
            left = (captured or 0) - sum(refunds.values())
            if not 0 < call.amount.amount <= left:
                return Declined(ABOVE_CAPTURED if left > 0 else ALREADY_REFUNDED)
            _remember(self._refunds, call.payment_id, {**refunds, call.key: call.amount.amount})
        return Refunded(_id_of("re", call.key))

    async def close(self) -> None:
        """Stop; payments that were to settle are settled when they are asked for again."""
        settling = list(self._settling.values())
        for task in settling:
            task.cancel()
        await asyncio.gather(*settling, return_exceptions=True)


def payment_id_of(authorize_key: str, amount: Money) -> str:
    """The id of the payment that an authorization with this key makes. It ends with the amount, which so needs no
    memory: how much can be given back is known after a restart, too."""
    return f"{_id_of('pay', authorize_key)}_{amount.amount}{amount.currency}"


def _amount_of(payment_id: str) -> int | None:
    digits = payment_id.rpartition("_")[2][:-3]
    return int(digits) if digits.isdecimal() else None


def _authorized(call: Authorize) -> Authorized:
    return Authorized(payment_id_of(call.key, call.amount), call.capture, call.amount)


def _id_of(prefix: str, key: str) -> str:
    return f"{prefix}_{blake2b(key.encode(), digest_size=12).hexdigest()}"


def _remember(memory: dict[str, _Value], key: str, value: _Value) -> None:
    memory[key] = value
    if len(memory) > KEYS_KEPT:
        del memory[next(iter(memory))]
