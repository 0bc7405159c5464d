"""Finding a model's class by its name or import path, without loading the others'."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from ..errors import ModelUnknown, ParameterRefused
from ..model import Model

LIBRARY: Mapping[str, str] = {
    "als": "ml.models.factorization:Als",
    "blend": "ml.models.blend:Blend",
    "bpr": "ml.models.factorization:Bpr",
    "content": "ml.models.content:Content",
    "ease": "ml.models.ease:Ease",
    "item-knn": "ml.models.item_knn:ItemKnn",
    "nearest": "ml.models.nearest:Nearest",
    "popularity": "ml.models.popularity:Popularity",
    "ranker": "ml.models.ranker:Ranker",
    "repeats": "ml.models.repeats:Repeats",
    "sequential-rules": "ml.models.sequential_rules:SequentialRules",
    "session-knn": "ml.models.session_knn:SessionKnn",
    "session-ranker": "ml.models.session_ranker:SessionRanker",
    "svd": "ml.models.svd:Svd",
}
"""By `Model.name`."""

METHODS = ("name", "parameters", "skus", "fit", "recommend", "similar", "save", "load")
"""What a class must have to be a model."""


def model_class(name: str) -> type[Model]:
    """The class of a name in the library or of `package.module:Class`. Raises ModelUnknown."""
    path = LIBRARY.get(name, name)
    module, colon, attribute = path.partition(":")
    if not colon:
        raise ModelUnknown(f"There is no model {name}; there are {', '.join(sorted(LIBRARY))}, or module:Class.")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ModelUnknown(f"{path} can't be loaded: {error}") from error
    missing = [method for method in METHODS if not hasattr(found, method)]
    if not isinstance(found, type) or missing:
        raise ModelUnknown(f"{path} is not a model: it lacks {', '.join(missing)} of ml.model.Model.")
    return cast("type[Model]", found)


def make_model(name: str, parameters: Mapping[str, Any] | None = None) -> Model:
    """An unfitted model. Raises ModelUnknown, ParameterRefused."""
    found = model_class(name)
    try:
        return found(**(parameters or {}))
    except (TypeError, ValueError) as error:
        raise ParameterRefused(f"{name}: {error}") from error
