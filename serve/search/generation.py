"""One generation of the index: written by one thread, read by any. A rebuild makes a new one beside it."""

import shutil
import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import tantivy

from .analysis import Analysis
from .document import SearchDocument
from .schema import new_index, to_tantivy
from .spelling import Vocabulary

WRITER_HEAP_BYTES = 256_000_000
"""Documents gathered before a segment is written, at most: those of a piece."""
WRITER_THREADS = 1
"""A second one would take a core from selling, for a rebuild that nobody waits for."""
MOST_COLUMNS = 5_000
"""Attributes that can be facets, by name; those of more names are only searched."""


MERGED = 8
"""Segments of about one size that tantivy makes into one. Every search has to look into each segment, and to count
facets there takes a third of a millisecond before the first product is counted."""
SEVERAL_PIECES = 50_000
"""Products; fewer are one piece anyway."""


@dataclass(slots=True)
class Column:
    """Where an attribute's values stand: texts and figures apart, because they are counted differently."""

    texts: str
    figures: str
    has_texts: bool = False
    has_figures: bool = False


class Snapshot:
    """What searches read: the index as of one commit."""

    def __init__(self, generation: "Generation", searcher: tantivy.Searcher, vocabulary: Vocabulary) -> None:
        self.index = generation.index
        self.schema = generation.index.schema
        self.analysis = generation.analysis
        self.searcher = searcher
        self.vocabulary = vocabulary
        self._generation = generation

    def sku_of(self, ordinal: int) -> str:
        return self._generation.sku_of(ordinal)

    def column_of(self, attribute: str) -> Column | None:
        """The columns of an attribute that some product has."""
        return self._generation.column_of(attribute)


class Generation:
    """An index and its writer. All methods that change it are called by one thread.

    The products that are `expected` at first are written in as many pieces as become one by the last of them.
    """

    def __init__(self, analysis: Analysis, directory: Path | None = None, expected: int = 0) -> None:
        if directory is not None:
            directory.mkdir(parents=True)
        self.analysis = analysis
        self.index = new_index(analysis, str(directory) if directory else None)
        self._directory = directory
        self._schema = self.index.schema
        self._writer = self.index.writer(WRITER_HEAP_BYTES, WRITER_THREADS)
        self._ordinals: dict[str, int] = {}
        self._skus: list[str] = []
        self._columns: dict[str, Column] = {}
        self._uncommitted = 0
        self._piece = ceil(expected / MERGED) if expected > SEVERAL_PIECES else sys.maxsize

    def put(self, document: SearchDocument) -> None:
        """Add the document, in place of what it was before; seen after the next commit."""
        ordinal = self._ordinals.get(document.sku)
        if ordinal is None:
            ordinal = self._ordinals[document.sku] = len(self._skus)
            self._skus.append(document.sku)
        else:
            self._writer.delete_documents_by_term("sku", document.sku)
        fields = to_tantivy(document, ordinal, self._column_for)
        self._writer.add_document(tantivy.Document.from_dict(fields, self._schema))
        self._uncommitted += 1
        if self._uncommitted >= self._piece:
            self._commit()

    def remove(self, sku: str) -> None:
        """Take the product out; seen after the next commit."""
        if sku in self._ordinals:
            self._writer.delete_documents_by_term("sku", sku)
            self._uncommitted += 1

    def commit(self, vocabulary: Vocabulary | None = None) -> Snapshot:
        """Make what was put visible; with `vocabulary`, keep that one instead of reading the index's words."""
        self._commit()
        self.index.reload()
        searcher = self.index.searcher()
        return Snapshot(self, searcher, vocabulary or Vocabulary.of(searcher))

    def settle(self) -> None:
        """Wait until nothing is being merged."""
        self._writer.wait_merging_threads()
        self._writer = self.index.writer(WRITER_HEAP_BYTES, WRITER_THREADS)

    def has_merged_since(self, snapshot: Snapshot) -> bool:
        """Whether the same is found in fewer segments now."""
        if snapshot.searcher.num_segments == 1:
            return False
        self.index.reload()
        return self.index.searcher().num_segments < snapshot.searcher.num_segments

    def sku_of(self, ordinal: int) -> str:
        return self._skus[ordinal]

    def column_of(self, attribute: str) -> Column | None:
        return self._columns.get(attribute)

    def close(self) -> None:
        """Wait for merges, and delete the files. Searches that still read them keep what they have open."""
        self._writer.wait_merging_threads()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _commit(self) -> None:
        if self._uncommitted:
            self._writer.commit()
            self._uncommitted = 0

    def _column_for(self, attribute: str, figures: bool) -> str | None:
        column = self._columns.get(attribute)
        if column is None:
            if len(self._columns) >= MOST_COLUMNS:
                return None
            number = len(self._columns)
            column = self._columns[attribute] = Column(f"t{number}", f"n{number}")
        if figures:
            column.has_figures = True
            return column.figures
        column.has_texts = True
        return column.texts
