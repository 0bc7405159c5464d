"""Two carts become one: once, with no line lost, and not while the other is being bought."""

import pytest

from engine.cart import (
    MOST_OF_ONE_SKU,
    AddLine,
    Cart,
    CartView,
    Line,
    LookCart,
    MergeInto,
    OpenCart,
    Seal,
    Unseal,
    effects,
    settled,
)
from engine.kernel import Command, EffectAnswered, Rejected, Send
from engine.money import Money
from engine.reasons import Reason

from .world import World

PRICE = Money(1_999, "USD")


class Carts:
    """A guest's cart `G` and a customer's `A`, each with what it begins with."""

    def __init__(self) -> None:
        self.world = World()
        for cart_id in ("G", "A"):
            self.send(cart_id, OpenCart())

    def send(self, cart_id: str, command: Command) -> CartView | Rejected:
        reply = self.world.send("cart", cart_id, command)
        assert isinstance(reply, CartView | Rejected)
        return reply

    def add(self, cart_id: str, sku: str, quantity: int, price: Money = PRICE) -> None:
        assert isinstance(self.send(cart_id, AddLine(sku, quantity, price)), CartView)

    def state(self, cart_id: str) -> Cart:
        state = self.world.state("cart", cart_id)
        assert isinstance(state, Cart)
        return state

    def run(self, cart_id: str = "G") -> None:
        """Carry out what the cart waits for."""
        for effect in effects(self.state(cart_id)):
            assert isinstance(effect, Send)
            reply = self.world.send(effect.kind, effect.key, effect.command)
            self.world.send("cart", cart_id, EffectAnswered(effect.id, reply))
        self.world.check_folds()

    def quantities(self, cart_id: str) -> dict[str, int]:
        return {line.sku: line.quantity for line in self.state(cart_id).lines.values()}


@pytest.fixture
def carts() -> Carts:
    return Carts()


def reason(reply: CartView | Rejected) -> Reason:
    assert isinstance(reply, Rejected)
    return reply.reason


def test_lines_are_summed_at_the_price_that_the_customer_saw(carts: Carts) -> None:
    carts.add("G", "RETRO-CLOCK", 2, Money(1_799, "USD"))
    carts.add("G", "DESK-LAMP", 1)
    carts.add("A", "RETRO-CLOCK", 3)
    assert isinstance(carts.send("G", MergeInto("A")), CartView)
    assert settled(carts.state("G")) is None
    carts.run()
    assert settled(carts.state("G")) is not None
    assert carts.quantities("A") == {"RETRO-CLOCK": 5, "DESK-LAMP": 1}
    assert carts.state("A").lines["RETRO-CLOCK"] == Line("RETRO-CLOCK", 5, PRICE)
    assert reason(carts.send("G", LookCart())) is Reason.CART_MERGED


def test_a_crash_between_the_two_steps_adds_nothing_twice(carts: Carts) -> None:
    carts.add("G", "RETRO-CLOCK", 2)
    carts.send("G", MergeInto("A"))
    (wanted,) = effects(carts.state("G"))
    assert isinstance(wanted, Send)
    for _ in range(3):
        carts.world.send(wanted.kind, wanted.key, wanted.command)
    carts.run()
    assert carts.quantities("A") == {"RETRO-CLOCK": 2}
    assert isinstance(carts.send("G", MergeInto("A")), CartView)
    assert list(effects(carts.state("G"))) == []


def test_a_cart_is_merged_into_one_other(carts: Carts) -> None:
    carts.send("G", MergeInto("A"))
    assert reason(carts.send("G", MergeInto("B"))) is Reason.CART_MERGED
    assert reason(carts.send("G", AddLine("RETRO-CLOCK", 1, PRICE))) is Reason.CART_MERGED


def test_a_sealed_cart_is_not_merged(carts: Carts) -> None:
    carts.add("G", "RETRO-CLOCK", 1)
    carts.send("G", Seal("ord_1"))
    assert reason(carts.send("G", MergeInto("A"))) is Reason.CART_SEALED


def test_while_the_customers_cart_is_being_bought_the_guests_stays_what_it_is(carts: Carts) -> None:
    carts.add("G", "RETRO-CLOCK", 2)
    carts.add("A", "DESK-LAMP", 1)
    carts.send("A", Seal("ord_1"))
    carts.send("G", MergeInto("A"))
    carts.run()
    assert carts.quantities("G") == {"RETRO-CLOCK": 2}
    assert isinstance(carts.send("G", LookCart()), CartView)
    carts.send("A", Unseal("ord_1"))
    carts.send("G", MergeInto("A"))
    carts.run()
    assert carts.quantities("A") == {"DESK-LAMP": 1, "RETRO-CLOCK": 2}


def test_what_does_not_fit_stays_out(carts: Carts) -> None:
    carts.add("G", "RETRO-CLOCK", MOST_OF_ONE_SKU)
    carts.add("A", "RETRO-CLOCK", 5)
    other = Carts()
    other.add("G", "DESK-LAMP", 1, Money(999, "EUR"))
    other.add("A", "RETRO-CLOCK", 1)
    for each in (carts, other):
        each.send("G", MergeInto("A"))
        each.run()
    assert carts.quantities("A") == {"RETRO-CLOCK": MOST_OF_ONE_SKU}
    assert other.quantities("A") == {"RETRO-CLOCK": 1}


@pytest.mark.parametrize("target", ["", "G", "x" * 300])
def test_a_cart_is_merged_into_another(carts: Carts, target: str) -> None:
    assert reason(carts.send("G", MergeInto(target))) is Reason.INVALID_COMMAND
