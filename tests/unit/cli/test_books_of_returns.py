"""`journal verify` follows units that come back in part: never more of them than an order bought."""

from engine.stock import STOCK, Committed, Received, Reserved, Returned
from serve.cli.journal_books import Claim, End, StockBooks

ORDER = "ord_1"


def books_of(*back: tuple[str, int]) -> list[str]:
    """What is wrong when an order of three clocks gives these back."""
    stock, books = STOCK.new("RETRO-CLOCK@default"), StockBooks()
    events = [Received("r-1", 10), Reserved(f"{ORDER}:0", 3, 9_000), Committed(f"{ORDER}:0", 3, 1)]
    events += [Returned(name, units, 2) for name, units in back]
    faults = []
    for event in events:
        faults += books.record(event)
        STOCK.apply(stock, event)
    claim = Claim(ORDER, 3, frozenset((End.SOLD,)))
    return [*faults, *books.compare(stock), *books.settle({f"{ORDER}:0": claim}, {ORDER})]


def test_units_that_were_cancelled_or_returned_in_part_are_right() -> None:
    assert (
        books_of((f"{ORDER}:cancel-a:0:RETRO-CLOCK@default", 1), (f"{ORDER}:return-b:0:RETRO-CLOCK@default", 2)) == []
    )


def test_more_than_was_bought_is_found() -> None:
    told = books_of((f"{ORDER}:cancel-a:0:RETRO-CLOCK@default", 2), (f"{ORDER}:return-b:0:RETRO-CLOCK@default", 2))
    assert told == ["order ord_1 gives 4 back in part, but bought 3"]
