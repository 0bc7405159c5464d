"""What counts how much in the ranking: few numbers, learned offline (`python -m serve.search.train`), kept as data."""

from importlib import resources

import msgspec


class Weights(msgspec.Struct, frozen=True):
    """Of a term's matches in several fields the best counts, each field by its weight."""

    title: float = 1.0
    body: float = 1.0
    vendor: float = 1.0
    types: float = 1.0
    attributes: float = 0.5
    synonym: float = 0.4
    """A synonym's match, beside the word's own."""
    corrected: float = 0.8
    """The match of a word that was probably meant, where nothing has the word that was written."""
    every_term: float = 2.0
    """What a product gains, as a part of its score, that matches every term, where few do."""
    head: float = 0.1
    """What a product gains that is named by the last word: a monitor rather than a stand for one."""
    in_stock: float = 0.5
    """What a product gains, as a score, that can be bought now; a good match of one word has about 5."""


class _File(msgspec.Struct):
    card: dict[str, object]
    weights: Weights


def learned_weights() -> Weights:
    """The weights that come with the program; beside them in the file stands how they were learned."""
    content = resources.files(__package__).joinpath("weights.json").read_bytes()
    return msgspec.json.decode(content, type=_File).weights
