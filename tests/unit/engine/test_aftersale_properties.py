"""Whatever is asked of an order after its sale, in whatever order and however often: what must hold all the time."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cart import Line
from engine.kernel import Accepted, EffectAnswered, Rejected, Send
from engine.money import Money
from engine.order import Cancel, Fulfil, Order, Place, Status
from engine.order.aftersale.cancellation import CancelUnits
from engine.order.aftersale.edits import EditOrder, PayEdit, WithdrawEdit
from engine.order.aftersale.fulfilment import CreateShipment, MoveShipment
from engine.order.aftersale.records import (
    EditPayment,
    EditStatus,
    Finding,
    LineUnits,
    RefundStatus,
    ReturnedUnits,
    ReturnReason,
    ReturnStatus,
    ShipmentStatus,
)
from engine.order.aftersale.refunds import RefundOrder
from engine.order.aftersale.returns import (
    AnswerReturn,
    InspectReturn,
    ReceiveReturn,
    RefundReturn,
    RequestReturn,
    WithdrawReturn,
)
from engine.order.aftersale.state import after_of, status_of
from engine.order.aftersale.transitions import EDIT, ORDER, REFUND, RETURN, SHIPMENT, may_follow
from engine.payment import ABOVE_CAPTURED, ALREADY_REFUNDED, Declined
from engine.stock import Receive, stock_key

from .world import World

NAME = "ord-1"
STOCK = 20
LINES = (Line("RETRO-CLOCK", 3, Money(1_999, "USD")), Line("LAVA-LAMP", 2, Money(4_501, "USD")))
SKUS = ("RETRO-CLOCK", "LAVA-LAMP", "RADIO")

TOKENS = ("tok_ok", "tok_declined", "tok_two_steps", "tok_async")
ANSWER, ANSWER_TWICE, WAIT = "answer", "answer twice", "wait"


def possible(order: Order, name: str) -> Iterator[Any]:
    """Commands that may come now: most of them sensible, some too late, too early, or for too much."""
    after = after_of(order)
    for line, item in enumerate(after.items):
        for quantity in {1, max(1, item.open), item.line.quantity}:
            yield CreateShipment(name, (LineUnits(line, quantity),))
            yield CancelUnits(name, (LineUnits(line, quantity),))
            yield RequestReturn(name, (ReturnedUnits(line, quantity, ReturnReason.DAMAGED),))
            yield EditOrder(name, (radio(3_000),), (LineUnits(line, quantity),))
    yield from (EditOrder(name, (radio(price),)) for price in (0, 500, 20_000))
    yield from (RefundOrder(name, amount) for amount in (1, 1_500, 9_000))
    for shipment in after.shipments:
        yield from (MoveShipment(shipment, status) for status in ShipmentStatus)
    yield from (EditOrder(name, (), (LineUnits(line, 1),)) for line in range(len(after.items)))
    for known in after.returns.values():
        whole = tuple(Finding(each.line, each.quantity // 2, (each.quantity + 1) // 2) for each in known.units)
        part = tuple(Finding(each.line, 0, each.quantity - 1) for each in known.units)
        any_step = name.endswith("3")
        if any_step or known.status is ReturnStatus.REQUESTED:
            yield from (AnswerReturn(known.return_id, granted) for granted in (True, True, False))
        if any_step or known.status is ReturnStatus.AUTHORIZED:
            yield from (WithdrawReturn(known.return_id), ReceiveReturn(known.return_id))
        if any_step or known.status is ReturnStatus.RECEIVED:
            yield from (InspectReturn(known.return_id, findings) for findings in (whole, part))
        if any_step or known.status is ReturnStatus.INSPECTED:
            yield from (RefundReturn(known.return_id, fee=fee) for fee in (0, 300))
            yield from (EditOrder(name, (radio(price),), return_id=known.return_id) for price in (100, 2_000, 9_000))
    for edit in after.edits:
        yield from (PayEdit(edit, "sandbox", token) for token in TOKENS)
        yield WithdrawEdit(edit)
    if name.endswith("7"):
        # Not all the time: little happens to an order afterwards.
        yield from (Fulfil(), Cancel())


def radio(price: int) -> Line:
    return Line("RADIO", 1, Money(price, "USD"))


class Shop:
    """One bought order, and everything that ever happened to it."""

    def __init__(self) -> None:
        self.world = World()
        for sku in SKUS:
            self.world.send("stock", stock_key(sku), Receive("r-1", STOCK))
        self.world.send("order", NAME, Place("fp", "ann@example.org", "sandbox", "tok_ok", LINES))
        self.world.run(NAME)
        self.answers: list[tuple[str, Any]] = []

    @property
    def order(self) -> Order:
        order = self.world.state("order", NAME)
        assert isinstance(order, Order)
        return order

    def take(self, step: Any, number: int) -> None:
        before = self.steps()
        match step:
            case str():
                self.answer(number, twice=step == ANSWER_TWICE)
            case int():
                self.world.advance(step)
            case command:
                self.command(command)
        self.check(before)

    def command(self, command: Any) -> None:
        if isinstance(self.world.send("order", NAME, command), Rejected):
            return
        again = self.world.decide("order", NAME, command)
        if not isinstance(command, Fulfil | Cancel):
            assert isinstance(again, Accepted), "a retry is not refused"
        assert isinstance(again, Rejected) or not again.events, "a retry changes nothing"

    def answer(self, number: int, *, twice: bool) -> None:
        """One effect is answered; then an old answer comes once more, or comes late."""
        if effects := self.world.effects(NAME):
            effect = effects[number % len(effects)]
            reply = self.world.carry_out(effect)
            if isinstance(effect, Send):
                assert not isinstance(reply, Rejected) or effect.id.startswith("edit-"), reply
            elif isinstance(reply, Declined):
                assert reply.code not in (ABOVE_CAPTURED, ALREADY_REFUNDED), "more is asked for than was captured"
            self.answers.append((effect.id, reply))
            self.world.send("order", NAME, EffectAnswered(effect.id, reply))
        if twice and self.answers:
            effect_id, reply = self.answers[number % len(self.answers)]
            if any(effect.id == effect_id for effect in self.world.effects(NAME)):
                return
            assert self.world.decide("order", NAME, EffectAnswered(effect_id, reply)) == Accepted()

    def steps(self) -> dict[str, Any]:
        """How far everything has come."""
        steps: dict[str, Any] = {"order": status_of(self.order)}
        after = after_of(self.order)
        if not after.untouched:
            steps |= {f"shipment {each.shipment_id}": each.status for each in after.shipments.values()}
            steps |= {f"return {each.return_id}": each.status for each in after.returns.values()}
            steps |= {f"refund {each.refund_id}": each.status for each in after.refunds.values()}
            steps |= {f"edit {each.edit_id}": each.status for each in after.edits.values()}
        return steps

    def check(self, before: dict[str, Any]) -> None:
        for name, status in self.steps().items():
            table = TABLES[name.partition(" ")[0]]
            if status != before.get(name):
                assert may_follow(table, before.get(name), status), f"{name}: {before.get(name)} -> {status}"
        after = self.order.after
        for item in after.items if after is not None else ():
            counted = (item.cancelled, item.packed, item.shipped, item.lost, item.locked, item.open)
            assert min(counted) >= 0
            assert sum(counted) == item.line.quantity
            assert 0 <= item.delivered <= item.shipped
            assert 0 <= item.returning <= item.shipped
            assert 0 <= item.refunded <= item.paid
        assert self.world.bank.balance(NAME) >= 0

    def settle(self) -> None:
        """Everything that is under way ends; then units and money add up."""
        for _ in range(100):
            while self.world.effects(NAME):
                self.answer(0, twice=False)
            if self.order.after is None or self.order.after.edit_under_way is None:
                break
            self.world.advance(4_000_000)
        self.world.check_folds()
        self.check_units()
        self.check_money()

    def check_units(self) -> None:
        items = self.order.after.items if self.order.after is not None else []
        restocked = dict.fromkeys(SKUS, 0)
        for returned in self.order.after.returns.values() if self.order.after is not None else ():
            for found in returned.findings:
                restocked[items[found.line].line.sku] += found.restocked
        for sku in SKUS:
            kept = sum(item.kept for item in items if item.line.sku == sku)
            if not items:
                bought = sum(line.quantity for line in LINES if line.sku == sku)
                kept = 0 if self.order.status is Status.CANCELLED else bought
            stock = self.world.state("stock", stock_key(sku))
            assert (stock.on_hand, stock.reserved) == (STOCK - kept + restocked[sku], 0)

    def check_money(self) -> None:
        after, total = self.order.after, self.order.total
        assert total is not None
        if after is None:
            return
        captured = total.amount + sum(
            edit.due.amount for edit in after.edits.values() if edit.due and edit.payment is EditPayment.CAPTURED
        )
        back = sum(refund.amount.amount for refund in after.refunds.values() if refund.status is RefundStatus.DONE)
        assert 0 <= back <= captured
        assert self.world.bank.balance(NAME) == captured - back
        for edit in after.edits.values():
            assert edit.status in (EditStatus.DONE, EditStatus.REFUSED, EditStatus.EXPIRED, EditStatus.WITHDRAWN)
        for returned in after.returns.values():
            assert returned.credit == 0 or returned.status in (ReturnStatus.REFUNDED, ReturnStatus.EXCHANGED)


TABLES = {"order": ORDER, "shipment": SHIPMENT, "return": RETURN, "refund": REFUND, "edit": EDIT}


def play(draw: Callable[[Sequence[Any]], Any], length: int) -> Shop:
    """A story of so many steps."""
    shop, told = Shop(), list[Any]()
    for number in range(length):
        kind = draw(("command", "command", "retry", ANSWER, ANSWER, ANSWER, ANSWER_TWICE, WAIT))
        step: Any = kind
        if kind == "command":
            by_type: dict[Any, list[Any]] = {}
            for command in possible(shop.order, f"n-{number}"):
                topic = "exchange" if isinstance(command, EditOrder) and command.return_id else type(command)
                by_type.setdefault(topic, []).append(command)
            step = draw(draw(list(by_type.values())))
            told.append(step)
        elif kind == "retry":
            step = draw(told) if told else ANSWER
        elif kind == WAIT:
            step = draw((1_000, 40_000, 4_000_000))
        shop.take(step, draw(range(10)))
    shop.settle()
    return shop


@settings(max_examples=60)
@given(st.data(), st.integers(1, 40))
def test_units_and_money_add_up_and_no_step_is_taken_that_the_diagrams_do_not_have(
    data: st.DataObject, length: int
) -> None:
    play(lambda choices: data.draw(st.sampled_from(choices)), length)


def test_long_stories_end_well_too() -> None:
    for seed in range(40):
        play(Random(seed).choice, 120)
