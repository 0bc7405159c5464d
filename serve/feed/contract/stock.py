"""What a stock's entries tell the outside: where its level changes, and what a page of them leads to."""

from collections.abc import Iterator

from actors.feed.fold import Folded
from engine.stock import StockView

from ..public_events import stock_level
from . import models
from .envelope import Told

LEVEL_INDEX = 0
CHANGED_INDEX = 1
"""The numbers of these events in their entry."""


def view_of(folded: Folded) -> StockView:
    view = folded.kind.view
    assert view is not None
    stock = view(folded.state)
    assert isinstance(stock, StockView)
    return stock


def level_told(key: str, folded: Folded, low_units: int) -> Iterator[Told]:
    """Apply the entry's events, and tell of a level that it leads to."""
    # A new stock is empty, and nobody has missed it.
    before = stock_level(view_of(folded), low_units) if folded.version else "back"
    for event in folded.events:
        folded.apply(event)
    after = view_of(folded)
    if (level := stock_level(after, low_units)) != before:
        yield LEVEL_INDEX, f"stock.{level}.v1", stock_data(key, after)


def stock_data(key: str, stock: StockView) -> models.Stock:
    """The quantities as they are."""
    sku, _, location = key.partition("@")
    return models.Stock(sku, location, stock.available, stock.on_hand, stock.reserved, stock.incoming)
