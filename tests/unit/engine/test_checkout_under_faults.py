"""Several orders over few units, over a network that loses, doubles, delays and reorders; then peace, and the audit."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cart import AddLine, Line, OpenCart
from engine.kernel import Effect
from engine.money import Money
from engine.order import Cancel, Place, SettlePayment, Status
from engine.stock import Receive, Reserve, stock_key

from .world import DAY_MS, MINUTE_MS, START, World

SKUS = ("RETRO-CLOCK", "LAVA-LAMP", "BLUE-TEAPOT")
UNITS = 5
PRICE = Money(1_999, "USD")
TOKENS = ("tok_ok", "tok_ok", "tok_ok", "tok_declined", "tok_async", "tok_two_steps")
DEAD = (Status.REJECTED, Status.EXPIRED, Status.CANCELLED)
LONGEST_DELAY_MS = 10_000


class Storm:
    """Drives the world by one random source: the same seed is the same history."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.world = World()
        self.orders = [f"ord-{number}" for number in range(6)]
        self.on_their_way: list[tuple[int, str, Effect]] = []
        self.tokens: dict[str, str] = {}
        for sku in SKUS:
            self.world.send("stock", stock_key(sku), Receive("r-1", UNITS))
        for number in range(3):
            self.world.send("cart", f"cart-{number}", OpenCart())
            for sku in self.random.sample(SKUS, 2):
                self.world.send("cart", f"cart-{number}", AddLine(sku, self.random.randint(1, 3), PRICE))

    def rage(self, steps: int) -> None:
        actions = (self.place, self.cancel, self.deliver, self.deliver, self.deliver, self.depart, self.depart,
                   self.call_back, self.wait)  # fmt: skip
        for _ in range(steps):
            self.random.choice(actions)()

    def place(self) -> None:
        number = self.random.randrange(len(self.orders))
        order_id = self.orders[number]
        token = self.tokens.setdefault(order_id, self.random.choice(TOKENS))
        if number % 2:
            # Two orders of one cart, as two tabs would place them.
            command = Place("fp", "ann@example.org", "sandbox", token, (), f"cart-{number // 3}")
        else:
            lines = tuple(Line(sku, 1 + number // 2, PRICE) for sku in (*SKUS, SKUS[0]))
            command = Place("fp", "ann@example.org", "sandbox", token, lines)
        self.world.send("order", order_id, command)

    def cancel(self) -> None:
        if self.random.random() < 0.3:
            self.world.send("order", self.random.choice(self.orders), Cancel())

    def depart(self) -> None:
        """An effect leaves, maybe twice."""
        order_id = self.random.choice(self.orders)
        if effects := self.world.effects(order_id):
            for _ in range(self.random.choice((1, 1, 2))):
                self.on_their_way.append((self.world.now, order_id, self.random.choice(effects)))

    def deliver(self) -> None:
        """An effect arrives, maybe long after others; its answer may be lost."""
        if not self.on_their_way:
            return
        _, order_id, effect = self.on_their_way.pop(self.random.randrange(len(self.on_their_way)))
        reply = self.world.carry_out(effect)
        if self.random.random() < 0.7:
            self.world.answer(order_id, effect.id, reply)

    def call_back(self) -> None:
        """A provider settles a pending payment, calls back, maybe twice, maybe not at all."""
        order_id = self.random.choice(self.orders)
        order = self.world.state("order", order_id)
        if order.payment == "pending" and self.random.random() < 0.5:
            paid = self.world.bank.charge(order_id, order.total.amount)
            for _ in range(self.random.choice((0, 1, 2))):
                self.world.send("order", order_id, SettlePayment(order.authorize_key, paid))

    def wait(self) -> None:
        self.world.advance(self.random.choice((10, 1_000, 5_000, 30_000, 300_000)))
        # No command is carried out after its deadline.
        self.on_their_way = [sent for sent in self.on_their_way if self.world.now - sent[0] < LONGEST_DELAY_MS]

    def calm(self) -> None:
        self.on_their_way.clear()
        for _ in range(40):
            for order_id in self.orders:
                self.world.run(order_id)
            self.world.advance(MINUTE_MS)

    def audit(self) -> None:
        self.world.check_folds()
        sold = dict.fromkeys(SKUS, 0)
        for order_id in self.orders:
            order = self.world.state("order", order_id)
            assert order.status in (None, Status.CONFIRMED, *DEAD), f"{order_id} never settled"
            assert not self.world.effects(order_id)
            if order.status is Status.CONFIRMED:
                assert self.world.bank.balance(order_id) == order.total.amount
                for line in order.lines:
                    sold[line.sku] += line.quantity
            else:
                assert self.world.bank.balance(order_id) == 0
            # A payment voided before it came may never be captured after all: one capture at most, ever.
            assert self.world.bank.captures.get(f"{order_id}:pay", 0) <= 1
        for sku in SKUS:
            stock = self.world.state("stock", stock_key(sku))
            assert stock.reserved == 0
            assert not stock.open
            assert stock.on_hand == UNITS - sold[sku] >= 0
        for number in range(3):
            cart = self.world.state("cart", f"cart-{number}")
            holder = self.world.state("order", cart.sealed_by) if cart.sealed_by else None
            assert holder is None or holder.settlement.status is Status.CONFIRMED, "a dead order keeps no seal"


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_after_any_storm_every_order_settles_and_everything_adds_up(seed: int) -> None:
    storm = Storm(seed)
    storm.rage(150)
    storm.calm()
    storm.audit()


def test_an_audit_finds_a_unit_that_is_held_for_nobody() -> None:
    storm = Storm(1)
    storm.world.send("stock", stock_key("RETRO-CLOCK"), Reserve("lost", 1, START + DAY_MS))
    with pytest.raises(AssertionError):
        storm.audit()


def test_the_storm_reaches_every_end() -> None:
    ends: set[str] = set()
    calls: set[str] = set()
    for seed in range(60):
        storm = Storm(seed)
        storm.rage(150)
        storm.calm()
        ends |= {str(storm.world.state("order", order_id).status) for order_id in storm.orders}
        calls |= {type(call).__name__ for call in storm.world.bank.calls}
    assert {"confirmed", "rejected", "expired", "cancelled"} <= ends
    assert calls == {"Authorize", "Capture", "Void", "Refund"}
