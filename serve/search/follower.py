"""Keeps the index like the catalogue: one thread that hears which products changed, and writes what they are now.

Whoever tells of a change only names the product and goes on. What it is by then is read when its turn comes, so a
hundred changes of one product are written once. A rebuild is the same work into a new index beside the old one, which
answers until the new one is complete.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from engine.product import ProductView

from .analysis import Analysis
from .document import document_of
from .generation import Generation, Snapshot
from .surroundings import NOWHERE, Place

GATHERED_S = 0.1
"""Changes are written together with those that come within this time: a commit costs as much as a hundred of them."""
BATCH = 1_000
"""Changes that are written before what was gathered can be seen."""
STRETCH = 20
"""Documents that are made in a row."""
REST = 1.0
"""For each second of making documents, seconds that everybody else has the interpreter for themselves."""
MERGES_SEEN_S = 5.0
"""Where nothing changes, merges that have ended are looked for at most so often."""
WORDS_EVERY_S = 30.0
"""The vocabulary for corrections is read again at most so often: a new word's own product is found at once."""

logger = logging.getLogger("doorbuster.search")

ProductOf = Callable[[str], ProductView | None]
InStock = Callable[[str], bool]
PlaceOf = Callable[[ProductView], Place]


@dataclass(frozen=True)
class _Begin:
    """In the queue: a new index is begun, of all products that are told from now on."""

    expected: int


class _Complete:
    """In the queue: everything that was told before makes the new index complete."""


class _Stop:
    """In the queue: the last of it."""


_Told = str | _Begin | _Complete


class Follower:
    """The index's writer. `snapshot` is what searches read; None until the first index is complete."""

    def __init__(
        self,
        analysis: Analysis,
        product_of: ProductOf,
        in_stock: InStock,
        directory: Path | None = None,
        place_of: PlaceOf = lambda _product: NOWHERE,
    ) -> None:
        self.snapshot: Snapshot | None = None
        self._analysis = analysis
        self._product_of = product_of
        self._in_stock = in_stock
        self._place_of = place_of
        self._directory = directory
        self._queue: SimpleQueue[_Told | _Stop] = SimpleQueue()
        self._sold_out: set[str] = set()
        """Products that the index knows as sold out."""
        self._current: Generation | None = None
        self._next: Generation | None = None
        self._made = 0
        self._words_at = 0.0
        self._thread = threading.Thread(target=self._run, name="search-index", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what was told, and end."""
        if self._thread.is_alive():
            self._queue.put(_Stop())
            self._thread.join()

    def changed(self, sku: str) -> None:
        """The product is not what it was. Called by any thread, and often: it only takes a note."""
        self._queue.put(sku)

    def stock_told(self, sku: str, in_stock: bool) -> None:
        """Quantities were told. Only selling out and coming back are written: the figure itself isn't searched."""
        if (sku in self._sold_out) == in_stock:
            self._queue.put(sku)

    def begin(self, expected: int) -> None:
        """A new index is wanted, of so many products. Then name every one by `changed`, then say `complete`."""
        self._queue.put(_Begin(expected))

    def complete(self) -> None:
        """Every product was named by now: what was made of them is the index."""
        self._queue.put(_Complete())

    # -- the thread

    def _run(self) -> None:
        while True:
            batch, last = self._take()
            try:
                self._write(batch)
            except Exception:
                # A full disk may be emptied: the next change is tried again.
                logger.exception("The search index could not be written")
            if last:
                self._close()
                return

    def _take(self) -> tuple[list[_Told], bool]:
        """What was told, each once, waiting for the first and a moment for the others; whether it is the last."""
        try:
            first = self._queue.get(timeout=MERGES_SEEN_S)
        except Empty:
            return [], False
        time.sleep(GATHERED_S if isinstance(first, str) and self.snapshot is not None else 0)
        batch: dict[_Told, None] = {}
        told: _Told | _Stop = first
        try:
            while len(batch) < BATCH:
                if isinstance(told, _Stop):
                    return list(batch), True
                batch[told] = None
                told = self._queue.get_nowait()
        except Empty:
            return list(batch), False
        self._queue.put(told)
        return list(batch), False

    def _write(self, batch: list[_Told]) -> None:
        complete = [told for told in batch if isinstance(told, _Complete)]
        skus = [told for told in batch if isinstance(told, str)]
        for told in batch:
            if isinstance(told, _Begin) and self._next is None:
                self._next = self._new(told.expected)
        for start in range(0, len(skus), STRETCH):
            begun = time.thread_time()
            for sku in skus[start : start + STRETCH]:
                try:
                    self._put(sku)
                except Exception:
                    # One that can't be indexed must not keep all others out.
                    logger.exception("Product %s could not be indexed", sku)
            time.sleep(REST * (time.thread_time() - begun))
        if complete and self._next is not None:
            # What was told beside `complete` in this batch is in it, too.
            replaced, self._current, self._next = self._current, self._next, None
            self._show(read_words=True)
            if replaced is not None:
                replaced.close()
        elif self._current is not None and skus:
            self._show(read_words=time.monotonic() > self._words_at + WORDS_EVERY_S)
        elif self._has_merged():
            self._show(read_words=False)

    def _put(self, sku: str) -> None:
        if self._current is None and self._next is None:
            # Told before the first index was begun: every product is named for it.
            return
        product = self._product_of(sku)
        in_stock = self._in_stock(sku)
        document = document_of(product, in_stock, self._place_of(product)) if product is not None else None
        for generation in (self._current, self._next):
            if generation is None:
                continue
            if document is None:
                generation.remove(sku)
            else:
                generation.put(document)
        (self._sold_out.discard if in_stock else self._sold_out.add)(sku)
        if self._in_stock(sku) != in_stock:
            # Told between the reading and the note of it, when it seemed to be no news.
            self._queue.put(sku)

    def _show(self, *, read_words: bool) -> None:
        assert self._current is not None
        words = None if read_words or self.snapshot is None else self.snapshot.vocabulary
        if words is None:
            self._words_at = time.monotonic()
        self.snapshot = self._current.commit(words)

    def _has_merged(self) -> bool:
        current, snapshot = self._current, self.snapshot
        return current is not None and snapshot is not None and current.has_merged_since(snapshot)

    def _new(self, expected: int) -> Generation:
        self._made += 1
        directory = None if self._directory is None else self._directory / f"generation-{self._made}"
        return Generation(self._analysis, directory, expected)

    def _close(self) -> None:
        for generation in (self._current, self._next):
            if generation is not None:
                generation.close()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
