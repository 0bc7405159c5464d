"""Boosted trees as arrays: what scikit-learn grew, asked without it. No pickles, and one copy per machine."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Trees(NamedTuple):
    """Node n of tree t: go to `left` where the feature is at most the threshold, else to `right`. Leaves lead to
    themselves. All of shape (trees, nodes of the largest)."""

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    """What a leaf adds."""
    begin: NDArray[np.float64]
    """Shape (1,): what everything starts with."""
    depth: NDArray[np.int32]
    """Shape (1,): steps from a root to the deepest leaf."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        return self._asdict()


def trees_of(arrays: Mapping[str, NDArray[Any]]) -> Trees:
    return Trees(*(arrays[name] for name in Trees._fields))


def exported(boosting: Any) -> Trees:
    """The trees of a fitted HistGradientBoostingClassifier of two classes, without categories. Its parts have names
    with underscores: a test compares the answers."""
    grown = [predictor.nodes for (predictor,) in boosting._predictors]
    shape = (len(grown), max(map(len, grown)))
    feature, left, right = (np.zeros(shape, np.int32) for _ in range(3))
    threshold, value = np.zeros(shape), np.zeros(shape)
    for tree, nodes in enumerate(grown):
        size, leaf = len(nodes), nodes["is_leaf"].astype(bool)
        places = np.arange(size)
        feature[tree, :size] = np.where(leaf, 0, nodes["feature_idx"])
        threshold[tree, :size] = np.where(leaf, np.inf, nodes["num_threshold"])
        left[tree, :size] = np.where(leaf, places, nodes["left"])
        right[tree, :size] = np.where(leaf, places, nodes["right"])
        value[tree, :size] = np.where(leaf, nodes["value"], 0.0)
    begin = np.asarray(boosting._baseline_prediction, np.float64).ravel()
    depth = np.array([max(int(nodes["depth"].max()) for nodes in grown)], np.int32)
    return Trees(feature, threshold, left, right, value, begin, depth)


def predict(trees: Trees, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log-odds for each row of features, none of which is missing."""
    count, nodes = trees.feature.shape
    roots = np.arange(count) * nodes
    at = np.broadcast_to(roots, (len(features), count))
    feature, threshold = trees.feature.ravel(), trees.threshold.ravel()
    left, right = trees.left.ravel(), trees.right.ravel()
    rows = (np.arange(len(features)) * features.shape[1])[:, None]
    flat = features.ravel()
    for _ in range(int(trees.depth[0])):
        goes_left = flat[rows + feature[at]] <= threshold[at]
        at = roots + np.where(goes_left, left[at], right[at])
    scores: NDArray[np.float64] = trees.value.ravel()[at].sum(axis=1) + trees.begin[0]
    return scores
