"""The second set of books knows back-orders: what it adds up is what the stock says."""

from engine.kernel import Command, Rejected
from engine.reservation import Commit, Held, Release, Reserve, Return
from engine.stock import STOCK, Receive, SetPolicy
from serve.cli.journal_books import Claim, End, StockBooks

NOW = 1_800_000_000_000
UNTIL = NOW + 60_000


def test_promises_are_followed_until_their_units_are_here() -> None:
    stock, books = STOCK.new("GAME-CONSOLE@default"), StockBooks()
    wrong: list[str] = []

    def send(command: Command) -> Held | None:
        outcome = STOCK.decide(stock, command, NOW)
        assert not isinstance(outcome, Rejected), outcome
        for event in outcome.events:
            STOCK.apply(stock, event)
            wrong.extend(books.record(event))
        wrong.extend(books.compare(stock))
        return outcome.answer if isinstance(outcome.answer, Held) else None

    send(SetPolicy(backorder_limit=10))
    for name in ("ord_ann", "ord_bob", "ord_cid", "ord_dot"):
        held = send(Reserve(f"{name}:0", 2, UNTIL))
        assert held is not None
        if name != "ord_dot":
            send(Commit(f"{name}:0", held.sequence, UNTIL))
    send(Release("ord_dot:0"))
    send(Return("ord_bob:cancel-1:0", 1))
    send(Return("ord_cid:0", 2))
    send(Receive("first", 2))
    claims = {
        "ord_ann:0": Claim("ord_ann", 2, frozenset((End.SOLD,))),
        "ord_bob:0": Claim("ord_bob", 2, frozenset((End.SOLD,))),
        "ord_cid:0": Claim("ord_cid", 2, frozenset((End.RETURNED,))),
        "ord_dot:0": Claim("ord_dot", 2, frozenset((End.RELEASED,))),
    }
    wrong += books.settle(claims, {"ord_ann", "ord_bob", "ord_cid", "ord_dot"})
    send(Receive("second", 1))
    wrong += books.settle(claims, {"ord_ann", "ord_bob", "ord_cid", "ord_dot"})
    assert wrong == []
    assert stock.on_hand == books.on_hand == 0
