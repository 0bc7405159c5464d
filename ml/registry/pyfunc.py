"""A registered model as any MLflow tool loads it: `mlflow.pyfunc.load_model("models:/doorbuster@champion")`.

Rows are contexts with SKUs, answers are lists of SKUs; what the model doesn't know is left out. Serving doesn't take
this way: it has indices already, and no frames.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..artifact import load_artifact
from ..model import NOTHING, Context, Model

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

K = 20


class Recommending:
    """What MLflow calls a Python function."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._indices = {sku: index for index, sku in enumerate(model.skus)}

    def predict(self, contexts: "pd.DataFrame", params: Mapping[str, Any] | None = None) -> "pd.DataFrame":
        """One row of `skus`, `scores` and `because` (a SKU, or empty) for each row of contexts."""
        import pandas as pd

        asked = [self._context(row) for row in contexts.to_dict("records")]
        ranked = self._model.recommend(asked, int((params or {}).get("k", K)))
        rows = []
        for items, scores, because in zip(*ranked, strict=True):
            found = int((items != NOTHING).sum())
            rows.append(
                {
                    "skus": [self._model.skus[item] for item in items[:found]],
                    "scores": [float(score) for score in scores[:found]],
                    "because": ["" if item == NOTHING else self._model.skus[item] for item in because[:found]],
                }
            )
        return pd.DataFrame(rows, columns=["skus", "scores", "because"])

    def _context(self, row: Mapping[str, Any]) -> Context:
        at = row.get("at")
        return Context(
            session=self._known(row.get("session")),
            history=self._known(row.get("history")),
            basket=self._known(row.get("basket")),
            at=0 if at is None or at != at else int(at),
        )

    def _known(self, skus: object) -> list[int]:
        # A frame fills a column that a row doesn't have with NaN.
        if not isinstance(skus, Iterable):
            return []
        return [self._indices[sku] for sku in skus if sku in self._indices]


def signature() -> "ModelSignature":
    """What goes in and comes out, for MLflow."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Array

    skus = Array(DataType.string)
    return ModelSignature(
        inputs=Schema(
            [
                *(ColSpec(skus, name, required=False) for name in ("session", "history", "basket")),
                ColSpec(DataType.long, "at", required=False),
            ]
        ),
        outputs=Schema([ColSpec(skus, "skus"), ColSpec(Array(DataType.double), "scores"), ColSpec(skus, "because")]),
        params=ParamSchema([ParamSpec("k", DataType.long, K)]),
    )


def _load_pyfunc(path: str) -> Recommending:
    """What MLflow calls to load one."""
    return Recommending(load_artifact(Path(path)))
