"""What a recommender is: the one protocol that training, evaluation, the registry and serving know.

Bringing an own model is one class that has these methods, and its import path (`package.module:Class`) in a command.
The suite that every model passes is tests/contract/recommender_suite.py; docs/recommendations.md shows one from start
to end. Inference imports this module and the model's own, nothing of training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .interactions import Dataset

NOTHING = -1
"""Fills rows of `Ranked` that have fewer items than asked for; in `because`: no single item is the reason."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when somebody is to be recommended something; items by their index in the model's `skus`, all
    sequences oldest first. What a model doesn't know was left out before."""

    session: Sequence[int] = ()
    """What they just looked at, clicked, put into the cart."""
    history: Sequence[int] = ()
    """What they bought before, each as often as it was bought."""
    basket: Sequence[int] = ()
    """What is in the cart now."""
    history_at: Sequence[int] = ()
    """When each of `history` was bought, milliseconds UTC; empty where nobody knows."""
    at: int = 0
    """Now, milliseconds UTC; 0 where nobody knows."""


class Ranked(NamedTuple):
    """Recommendations for n contexts, best first, k for each."""

    items: "NDArray[np.int32]"
    """Shape (n, k): indices in the model's `skus`; `NOTHING` after the last one. None twice in a row."""
    scores: "NDArray[np.float32]"
    """Shape (n, k): falling in each row; comparable within a row only."""
    because: "NDArray[np.int32]"
    """Shape (n, k): the item of the context that spoke most for it, or `NOTHING`."""


@runtime_checkable
class Model(Protocol):
    """A recommender. Its parameters are the keyword arguments of its constructor, all with defaults.

    `fit` is deterministic for the same data, parameters and `seed` (where it has one). `recommend` and `similar` change
    nothing and may be called from several threads.
    """

    name: ClassVar[str]
    """In commands, the registry and figures: lower case with hyphens."""

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        """What `type(model)(**model.parameters)` makes the same unfitted model of."""
        ...

    @property
    def skus(self) -> Sequence[str]:
        """What the indices of items mean, after `fit` or `load`."""
        ...

    def fit(self, data: "Dataset") -> None:
        """Learn from these interactions, and from no others. Raises ml.errors.NotEnoughData."""
        ...

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        """The k best for each context; for an empty one too, as far as the model has something to say. Items of the
        context itself may be among them: who asks knows whether they are wanted."""
        ...

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        """The k most similar to each item, without itself."""
        ...

    def save(self, directory: Path) -> None:
        """Write everything that `load` needs into the directory, which exists and is empty. No pickles: a model that
        comes from elsewhere must not be able to run code."""
        ...

    @classmethod
    def load(cls, directory: Path) -> Self:
        """The model that was saved there; its answers equal the saved one's. Raises ml.errors.ArtifactDamaged."""
        ...
