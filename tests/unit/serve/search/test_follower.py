"""The index's writer: what it takes note of, and what it makes of it."""

import time
from collections.abc import Callable
from pathlib import Path

from engine.product import ProductView
from serve.search.directory import own_directory
from serve.search.follower import Follower
from serve.search.request import SearchRequest
from serve.search.searching import search
from serve.search.synonyms import Synonyms
from serve.search.weights import Weights

from .shelf import ENGLISH, product

PATIENCE_S = 5.0


class Shop:
    """Products that change, and the follower that hears of it."""

    def __init__(self, directory: Path | None = None) -> None:
        self.products: dict[str, ProductView] = {}
        self.sold_out: set[str] = set()
        self.follower = Follower(ENGLISH, self.products.get, lambda sku: sku not in self.sold_out, directory)

    def put(self, sku: str, title: str) -> None:
        self.products[sku] = product(sku, title)
        self.follower.changed(sku)

    def open(self) -> None:
        self.follower.start()
        self.rebuild()

    def rebuild(self) -> None:
        self.follower.begin(len(self.products))
        for sku in list(self.products):
            self.follower.changed(sku)
        self.follower.complete()

    def skus(self, text: str, **choices: object) -> set[str]:
        if self.follower.snapshot is None:
            return set()
        request = SearchRequest(text, **choices)  # type: ignore[arg-type]
        found = search(self.follower.snapshot, Synonyms(ENGLISH, []), Weights(), request, self.products.get)
        return set(found.skus)


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def test_only_selling_out_and_coming_back_are_noted() -> None:
    shop = Shop()
    noted = shop.follower._queue.qsize
    for _ in range(100):
        shop.follower.stock_told("CLOCK", True)
    assert noted() == 0
    shop.follower.stock_told("CLOCK", False)
    assert noted() == 1


def test_a_rebuild_swaps_in_an_index_with_what_changed_meanwhile(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "index")
    shop.put("CLOCK", "Retro clock")
    shop.put("LAMP", "Desk lamp")
    shop.open()
    assert eventually(lambda: shop.skus("lamp") == {"LAMP"})
    first = shop.follower.snapshot
    shop.follower.begin(2)
    shop.put("CUCKOO", "Cuckoo clock")
    del shop.products["LAMP"]
    shop.follower.changed("LAMP")
    # Both are written: the one that answers, and the one that will.
    assert eventually(lambda: shop.skus("clock") == {"CLOCK", "CUCKOO"} and shop.skus("lamp") == set())
    shop.follower.changed("CLOCK")
    shop.follower.complete()
    assert eventually(lambda: [file.name for file in (tmp_path / "index").iterdir()] == ["generation-2"])
    assert shop.skus("clock") == {"CLOCK", "CUCKOO"}
    assert first is not shop.follower.snapshot
    shop.follower.stop()
    assert not (tmp_path / "index").exists()


def test_a_product_that_cannot_be_indexed_keeps_no_other_out() -> None:
    shop = Shop()
    shop.open()
    assert eventually(lambda: shop.follower.snapshot is not None)
    shop.products["BROKEN"] = "no product at all"  # type: ignore[assignment]
    shop.follower.changed("BROKEN")
    shop.put("CLOCK", "Retro clock")
    assert eventually(lambda: shop.skus("clock") == {"CLOCK"})
    shop.follower.stop()


def test_files_of_processes_that_are_gone_are_deleted(tmp_path: Path) -> None:
    gone = tmp_path / "search" / "999999999"
    (gone / "generation-1").mkdir(parents=True)
    running = tmp_path / "search" / "1"
    running.mkdir()
    own = own_directory(tmp_path)
    assert own.parent == tmp_path / "search"
    assert not gone.exists()
    assert running.exists()


def test_what_comes_back_while_it_is_written_as_sold_out_is_written_again() -> None:
    shop = Shop()
    answers = iter((False,))

    def in_stock(sku: str) -> bool:
        # The first answer is out of date as soon as it is given.
        sold_out = next(answers, None) is False
        if sold_out:
            shop.follower.stock_told(sku, True)
        return not sold_out

    shop.follower = Follower(ENGLISH, shop.products.get, in_stock)
    shop.products["CLOCK"] = product("CLOCK", "Retro clock")
    shop.open()
    assert eventually(lambda: shop.skus("clock", in_stock=True) == {"CLOCK"})
    shop.follower.stop()
