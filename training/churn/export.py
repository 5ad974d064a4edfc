"""Takes what scikit-learn fitted apart into the trees that `models.trees` describes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.codes import inputs
from models.trees import MAX_CODES, Floats, Trees
from training.churn.learn import Fitted, codes_of, forest_inputs
from training.churn.matrix import Matrix

__all__ = ["export"]

Ints = npt.NDArray[np.int64]
# Column (-1: a leaf), threshold, whether what is missing goes left, left, right, value: each (nodes,).
Grown = tuple[Ints, Floats, Any, Ints, Ints, Floats]
NOWHERE: Final = -1


def export(fitted: Fitted, matrix: Matrix, weight: Floats) -> dict[str, npt.NDArray[Any]]:
    """Take a fit apart: the tensors of a release, but for its calibration.

    Parameters
    ----------
    fitted : Fitted
    matrix : Matrix
        Its rows are the customers that a risk is compared with.
    weight : ndarray of float64, (n,)
    """
    how = fitted.coders
    seen = inputs(codes_of(matrix.x, how), how)
    edges = [c.edges for c in how]
    told = {
        **_joined(list(_boosted(fitted.boosting)), seen, weight).tensors("boosting"),
        "edges": np.concatenate([np.zeros(0), *edges]),
        "edge_counts": np.array([len(e) for e in edges], np.int32),
        "bounds": np.array([(c.low, c.high) for c in how]),
    }
    if fitted.forest is not None:
        told |= _joined(list(_forest(fitted.forest, forest_inputs(how))), seen, weight).tensors("forest")
    return told


def _boosted(model: Any) -> Iterator[Grown]:
    """Give the boosted trees; the first is a leaf alone, with what all start from."""
    start = float(model._baseline_prediction.item())  # noqa: SLF001 (no public way)
    none = np.array([NOWHERE])
    yield none, np.zeros(1), none, none, none, np.array([start])
    for step in model._predictors:  # noqa: SLF001
        n = step[0].nodes
        column = np.where(n["is_leaf"], NOWHERE, n["feature_idx"])
        yield column, n["num_threshold"], n["missing_go_to_left"], n["left"], n["right"], n["value"]


def _forest(model: Any, seen: Ints) -> Iterator[Grown]:
    """Give a forest's trees; each adds its part of the mean."""
    for one in model.estimators_:
        t = one.tree_
        column = np.where(t.children_left < 0, NOWHERE, seen[np.maximum(t.feature, 0)])
        value = t.value[:, 0, 1] / len(model.estimators_)
        yield column, t.threshold, t.missing_go_to_left, t.children_left, t.children_right, value


def _joined(trees: Sequence[Grown], seen: Floats, weight: Floats) -> Trees:
    """Put trees one after the other, each from the root on, with what customers are expected to get at each node."""
    parts = []
    for column, threshold, gone, left, right, value in trees:
        order = _from_the_root(column, left, right)
        place = np.empty(len(column), np.int64)
        place[order] = np.arange(len(order))
        split = column[order] >= 0
        # An infinite threshold only parts what is missing from the rest.
        code = np.where(split, np.clip(np.floor(threshold[order]), 0, MAX_CODES - 1), 0).astype(np.int64)
        no = np.where(split, place[right[order]] - np.arange(len(order)), 0)
        one = Trees(column[order].astype(np.int64), code, (gone[order] > 0) & split, no, value[order])
        parts.append((one.column, one.code, one.gone, one.no, _expected(one, seen, weight)))
    return Trees(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _from_the_root(column: Ints, left: Ints, right: Ints) -> Ints:
    """Give nodes in an order in which each is followed by all that is on its left."""
    order, waiting = [], [0]
    while waiting:
        order.append(at := waiting.pop())
        if column[at] >= 0:
            waiting += [int(right[at]), int(left[at])]
    return np.array(order)


def _expected(tree: Trees, seen: Floats, weight: Floats) -> Floats:
    """Tell what a tree adds on average to the customers that came to each node, ``(nodes,)``."""
    at, rows = np.zeros(len(seen), np.int64), np.arange(len(seen))
    path: list[Ints] = []
    while len(path) < 2 or (path[-1] != path[-2]).any():
        path.append(at)
        asked = seen[rows, np.maximum(tree.column[at], 0)]
        yes = np.where(np.isnan(asked), tree.gone[at], asked <= tree.code[at])
        at = at + np.where(tree.leaf[at], 0, np.where(yes, 1, tree.no[at]))
    came, total, added = np.zeros((3, len(tree.leaf)))
    added[:] = np.where(tree.leaf, tree.value, 0.0)
    for level, before in zip(path, [np.full(len(seen), NOWHERE), *path], strict=False):
        new = level != before
        came += np.bincount(level[new], weight[new], minlength=len(came))
        total += np.bincount(level[new], (weight * tree.value[at])[new], minlength=len(came))
    for i in np.flatnonzero(~tree.leaf)[::-1]:
        # Where nobody came, half go either way.
        children = added[i + 1], added[i + tree.no[i]]
        added[i] = total[i] / came[i] if came[i] > 0 else sum(children) / 2
    return added
