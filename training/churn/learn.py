"""Fits boosted trees with scikit-learn, and takes them apart into what `models.trees` answers with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from models.tree_tables import tabulate
from models.trees import Trees, leaf_numbers
from training.churn.matrix import Floats, Matrix, blanked
from training.config import ChurnConfig

__all__ = ["export", "fit_trees"]


def fit_trees(matrix: Matrix, rows: Any, left: Floats, weight: Floats, config: ChurnConfig, seed: int) -> Any:
    """Fit on some rows of a matrix, each also with fields left out.

    Parameters
    ----------
    matrix : Matrix
    rows : ndarray of int
        Which of its rows.
    left, weight : ndarray of float64, (n,)
        Of all rows of the matrix.
    config : ChurnConfig
    seed : int

    Returns
    -------
    HistGradientBoostingClassifier
    """
    x, again = matrix.x[rows], 1 + config.blanked
    return HistGradientBoostingClassifier(
        learning_rate=config.rate,
        max_iter=config.trees,
        max_leaf_nodes=config.leaves,
        max_features=config.split_share,
        min_samples_leaf=config.min_rows,
        categorical_features=matrix.categories,
        monotonic_cst=[f.trend for f in matrix.fields],
        early_stopping=False,
        random_state=seed,
    ).fit(
        np.vstack([x, blanked(x, config.blanked, seed)]),
        np.tile(left[rows], again),
        np.tile(weight[rows], again),
    )


def export(model: Any, matrix: Matrix, weight: Floats) -> dict[str, npt.NDArray[Any]]:
    """Take a fitted model apart: the tensors of a release, but for its calibration.

    Parameters
    ----------
    model : HistGradientBoostingClassifier
    matrix : Matrix
        Its rows are the customers that a risk is compared with.
    weight : ndarray of float64, (n,)
    """
    nodes = [(p.nodes, p.raw_left_cat_bitsets) for step in model._predictors for p in step]  # noqa: SLF001 (no public way)
    baseline = float(model._baseline_prediction.item())  # noqa: SLF001
    baseline += sum(float(n["value"][0]) for n, _ in nodes if len(n) == 1)
    nodes = [pair for pair in nodes if len(pair[0]) > 1]
    edges = _edges(nodes, len(matrix.fields), matrix.categories)
    missing = [
        len(lv) if own else len(e) + 1 for lv, e, own in zip(matrix.levels, edges, matrix.categories, strict=True)
    ]
    trees = _empty(len(nodes), max(len(n) // 2 for n, _ in nodes), max(missing) + 1)
    for t, (rows, bitsets) in enumerate(nodes):
        _take(trees, t, rows, bitsets, edges, missing)
    _count(trees, _codes(matrix, edges, missing), weight)
    numbers = np.where(np.isnan(matrix.x).all(axis=0), 0.0, matrix.x)
    bounds = np.stack([np.nanmin(numbers, axis=0), np.nanmax(numbers, axis=0)], axis=1)
    return {
        "column": trees.column.astype(np.int16),
        "yes": trees.yes.astype(np.uint8),
        "child": trees.child.astype(np.int8),
        "leaf": trees.leaf,
        "cover": trees.cover.astype(np.float32),
        "edges": np.concatenate([np.zeros(0), *edges]),
        "edge_counts": np.array([len(e) for e in edges], np.int32),
        "bounds": bounds,
        "baseline": np.array([baseline]),
    }


def _empty(t: int, s: int, codes: int) -> Trees:
    """Make room for t trees of at most s splits."""
    return Trees(
        np.full((t, s), -1, np.int64),
        np.zeros((t, s, codes), np.bool_),
        np.full((t, s, 2), -1, np.int64),
        np.zeros((t, s + 1)),
        np.zeros((t, s + 1)),
    )


def _edges(nodes: Sequence[Any], columns: int, categories: Sequence[bool]) -> list[Floats]:
    """Collect the thresholds of each number, rising; an infinite one only parts what is missing from the rest."""
    found: list[list[float]] = [[] for _ in range(columns)]
    for rows, _ in nodes:
        for node in rows[rows["is_leaf"] == 0]:
            if not node["is_categorical"] and np.isfinite(node["num_threshold"]):
                found[node["feature_idx"]].append(float(node["num_threshold"]))
    return [np.unique(f) if not own else np.zeros(0) for f, own in zip(found, categories, strict=True)]


def _take(trees: Trees, t: int, rows: Any, bitsets: Any, edges: Sequence[Floats], missing: Sequence[int]) -> None:
    """Take over one tree, numbered from the root on; the codes that go left are those that say yes."""
    splits: dict[int, int] = {}
    leaves: dict[int, int] = {}
    queue = [0]
    for at in queue:  # grows while it is walked
        if rows["is_leaf"][at]:
            trees.leaf[t, leaves.setdefault(at, len(leaves))] = rows["value"][at]
        else:
            splits[at] = len(splits)
            queue += [int(rows["right"][at]), int(rows["left"][at])]
    for at, split in splits.items():
        node = rows[at]
        column = int(node["feature_idx"])
        trees.column[t, split] = column
        trees.yes[t, split, : missing[column]] = _left_codes(node, bitsets, edges[column], missing[column])
        trees.yes[t, split, missing[column]] = bool(node["missing_go_to_left"])
        for side, child in enumerate((int(node["right"]), int(node["left"]))):
            trees.child[t, split, side] = splits[child] if child in splits else -1 - leaves[child]


def _left_codes(node: Any, bitsets: Any, edges: Floats, codes: int) -> npt.NDArray[np.bool_]:
    code = np.arange(codes)
    if node["is_categorical"]:
        words = bitsets[node["bitset_idx"]]
        out: npt.NDArray[np.bool_] = ((words[code // 32] >> (code % 32)) & 1).astype(np.bool_)
        return out
    if np.isinf(node["num_threshold"]):
        return np.full(codes, node["num_threshold"] > 0)
    below: npt.NDArray[np.bool_] = code <= np.searchsorted(edges, node["num_threshold"])
    return below


def _codes(matrix: Matrix, edges: Sequence[Floats], missing: Sequence[int]) -> npt.NDArray[np.uint8]:
    columns = [
        x if own else np.searchsorted(e, x, side="left")
        for x, e, own in zip(matrix.x.T, edges, matrix.categories, strict=True)
    ]
    gone = np.isnan(matrix.x)
    return np.where(gone, np.array(missing), np.nan_to_num(np.array(columns).T)).astype(np.uint8)


def _count(trees: Trees, codes: npt.NDArray[np.uint8], weight: Floats) -> None:
    """Count the customers in each leaf."""
    answers = tabulate(trees, codes.shape[1]).answers(codes)
    where = leaf_numbers(trees)
    for t in range(len(trees.leaf)):
        leaf = where[t, answers[:, t]]
        trees.cover[t] = np.bincount(leaf, weight, minlength=trees.leaf.shape[1]) / weight.sum()
