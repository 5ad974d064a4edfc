"""Boosted trees as they are released: small binary trees whose splits are yes-or-no questions about codes.

`models.tree_tables` answers with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_CODES", "MAX_SPLITS", "Codes", "Floats", "Trees", "every_answer", "leaf_numbers", "node_cover"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

# The tables of 400 trees take 0.3 s to work out with 5 splits and 5 s with 7, at every start; and what is learnt from
# some thousands of customers gains nothing from larger trees (training/configs/churn.yaml has the figures).
MAX_SPLITS: Final = 5
# Of one column: 254 edges make 255 codes, and one is for a missing value.
MAX_CODES: Final = 256


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees as they were learnt; t trees of at most s splits, numbered from the root such that parents come first.

    Attributes
    ----------
    column : ndarray of int, (t, s)
        Which column a split asks about; -1 where a tree has fewer splits.
    yes : ndarray of bool, (t, s, codes)
        For which codes of that column the answer is yes.
    child : ndarray of int, (t, s, 2)
        Where no and yes lead: another split of the tree, or ``-1 - leaf``.
    leaf : ndarray of float64, (t, s + 1)
        What the tree adds to the margin.
    cover : ndarray of float64, (t, s + 1)
        How many customers of training ended there.
    """

    column: npt.NDArray[np.int64]
    yes: npt.NDArray[np.bool_]
    child: npt.NDArray[np.int64]
    leaf: Floats
    cover: Floats

    @classmethod
    def load(cls, tensors: Mapping[str, Any]) -> Trees:
        """Take them from a release's tensors, and see that they are trees.

        Raises
        ------
        ValueError
            If shapes do not fit, a path leads to a parent or nowhere, or a leaf is not there.
        """
        column, child = tensors["column"].astype(np.int64), tensors["child"].astype(np.int64)
        trees = cls(
            column,
            tensors["yes"].astype(np.bool_),
            child,
            tensors["leaf"].astype(np.float64),
            tensors["cover"].astype(np.float64),
        )
        t, s = column.shape
        if not 1 <= s <= MAX_SPLITS or trees.yes.shape[:2] != (t, s) or not 1 <= trees.yes.shape[2] <= MAX_CODES:
            raise ValueError("the splits do not fit")
        if child.shape != (t, s, 2) or not trees.leaf.shape == trees.cover.shape == (t, s + 1):
            raise ValueError("the leaves do not fit")
        forward = (child > np.arange(s)[:, None]) & (child < s)
        if not (forward | ((child < 0) & (child >= -1 - s))).all() or (column[:, 0] < 0).any():
            raise ValueError("a path leads nowhere")
        if (trees.cover < 0).any():
            raise ValueError("a cover is negative")
        return trees


def every_answer(splits: int) -> npt.NDArray[np.int64]:
    """Spell every number of answers out, ``(p, splits)``."""
    return (np.arange(2**splits)[:, None] >> np.arange(splits)) & 1


def leaf_numbers(trees: Trees) -> npt.NDArray[np.int64]:
    """Follow every number of answers to a leaf, ``(t, p)``."""
    t, s = trees.column.shape
    yes, rows = every_answer(s), np.arange(t)[:, None]
    at = np.zeros((t, len(yes)), np.int64)
    for _ in range(s):
        inside = np.maximum(at, 0)
        np.copyto(at, trees.child[rows, inside, yes[np.arange(len(yes)), inside]], where=at >= 0)
    out: npt.NDArray[np.int64] = -1 - at
    return out


def node_cover(trees: Trees) -> Floats:
    """Count the customers that came to each split, ``(t, s)``."""
    t, s = trees.column.shape
    cover, rows = np.zeros((t, s)), np.arange(t)
    for split in reversed(range(s)):  # children come after their parents
        for child in trees.child[:, split].T:
            inner = cover[rows, np.maximum(child, 0)]
            cover[:, split] += np.where(child < 0, trees.cover[rows, np.maximum(-1 - child, 0)], inner)
    return cover
