"""Processes beside orders in the small world: their effects done in turn, at random, twice, or late."""

from collections.abc import Iterator
from random import Random

from engine.kernel import Command, Effect, EffectAnswered, Rejected, Reply, Send
from engine.kinds import KINDS
from engine.stock import LookStock, StockView, stock_key

from .world import World


def waiting(world: World) -> Iterator[tuple[str, str, Effect]]:
    """Every effect that any entity but an order waits for."""
    for kind, key in list(world.states):
        wanted = KINDS[kind].effects
        if wanted is not None and kind != "order":
            for effect in wanted(world.states[kind, key]):
                yield kind, key, effect


def carry_on(world: World, random: Random | None = None) -> None:
    """Carry out effects until nobody waits; with `random`, in any order, often twice, with copies that come late."""
    late: list[Send] = []
    for _ in range(10_000):
        found = list(waiting(world))
        if not found:
            for send in late:
                world.send(send.kind, send.key, send.command)
            world.check_folds()
            return
        kind, key, effect = random.choice(found) if random is not None else found[0]
        assert isinstance(effect, Send)
        reply = world.send(effect.kind, effect.key, effect.command)
        if random is not None and random.random() < 0.4:
            late.append(effect)
        if random is not None and random.random() < 0.4:
            # The reply was lost, so the command is sent again.
            reply = world.send(effect.kind, effect.key, effect.command)
        world.send(kind, key, EffectAnswered(effect.id, reply))
    raise AssertionError("somebody waits for ever")


def done(world: World, kind: str, key: str, command: Command) -> Reply:
    """The command accepted and everything that follows from it carried out; the entity's last word."""
    reply = world.send(kind, key, command)
    assert not isinstance(reply, Rejected), reply
    carry_on(world)
    view = KINDS[kind].view
    assert view is not None
    return view(world.state(kind, key))


def quantities(world: World, sku: str, location: str = "default") -> StockView:
    """The stock as it is."""
    view = world.send("stock", stock_key(sku, location), LookStock())
    assert isinstance(view, StockView)
    return view
