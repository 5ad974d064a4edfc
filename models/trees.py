"""Trees of any size as they are released: nodes in one row, parents before their children, each with what it expects.

`models.tree_runner` answers with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_CODES", "MAX_NODES", "Codes", "Floats", "Trees"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

# Of one column: 254 edges make 255 codes, and one is for a missing value.
MAX_CODES: Final = 256
# Of all trees: half a million nodes are 5 megabytes and load in about a second.
MAX_NODES: Final = 500_000
# No tree that was grown on real rows comes near; the loop over levels ends.
MAX_DEPTH: Final = 200


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees one after the other, m nodes in all; in each, a node is followed by its yes-child's whole subtree.

    Attributes
    ----------
    column : ndarray of int, (m,)
        Which input a node asks about; -1 for a leaf.
    code : ndarray of int, (m,)
        The answer is yes up to this code.
    gone : ndarray of bool, (m,)
        Whether the answer is yes where the input is missing.
    no : ndarray of int, (m,)
        How far behind a node its no-child stands; its yes-child is the next node. 0 for a leaf.
    value : ndarray of float64, (m,)
        What the tree is expected to add to the margin, of all customers of training that came to the node; of a leaf,
        what it adds.
    """

    column: npt.NDArray[np.int64]
    code: npt.NDArray[np.int64]
    gone: npt.NDArray[np.bool_]
    no: npt.NDArray[np.int64]
    value: Floats

    @classmethod
    def load(cls, tensors: Mapping[str, Any], of: str) -> Trees:
        """Take them from a release's tensors, and see that they are trees.

        Parameters
        ----------
        tensors : mapping of str to ndarray
        of : str
            What they are called there: ``boosting`` or ``forest``.

        Raises
        ------
        ValueError
            If shapes do not fit, or a path leads nowhere, back, or to where another leads.
        """
        trees = cls(
            tensors[f"{of}.column"].astype(np.int64),
            tensors[f"{of}.code"].astype(np.int64),
            tensors[f"{of}.gone"].astype(np.bool_),
            tensors[f"{of}.no"].astype(np.int64),
            tensors[f"{of}.value"].astype(np.float64),
        )
        m = len(trees.column)
        if not 1 <= m <= MAX_NODES or any(getattr(trees, name).shape != (m,) for name in cls.__slots__):
            raise ValueError("the nodes do not fit each other")
        if (trees.column < -1).any() or ((trees.no > 1) != (trees.column >= 0)).any() or (trees.no < 0).any():
            raise ValueError("a node is neither split nor leaf")
        inner = np.flatnonzero(trees.column >= 0)
        children = np.concatenate([inner + 1, inner + trees.no[inner]])
        # Children stand behind their parents, so nothing leads back; each has one parent, so nothing meets.
        if children.max(initial=0) >= m or np.bincount(children, minlength=m).max() > 1:
            raise ValueError("a path leads nowhere, or where another leads")
        return trees

    def tensors(self, of: str) -> dict[str, npt.NDArray[Any]]:
        """Give them as a release holds them, ten bytes a node."""
        return {
            f"{of}.column": self.column.astype(np.int16),
            f"{of}.code": self.code.astype(np.uint8),
            f"{of}.gone": self.gone.astype(np.uint8),
            f"{of}.no": self.no.astype(np.uint16),
            f"{of}.value": self.value.astype(np.float32),
        }

    @property
    def leaf(self) -> npt.NDArray[np.bool_]:
        """Which nodes are leaves, ``(m,)``."""
        return self.column < 0

    @property
    def parent(self) -> npt.NDArray[np.int64]:
        """Give each node's parent, -1 for a root, ``(m,)``."""
        out, inner = np.full(len(self.column), -1), np.flatnonzero(self.column >= 0)
        out[inner + 1] = out[inner + self.no[inner]] = inner
        return out

    def shares(self, owner: npt.NDArray[np.int64], fields: int) -> Floats:
        """Split what each node expects beyond its root among the fields that led to it, ``(m, fields)``.

        Each step of a path credits the field it asks about with the change of what is expected (Saabas 2014). The
        steps of a path add up to its leaf's value less its root's, exactly.

        Parameters
        ----------
        owner : ndarray of int, (inputs,)
            Whose field each input is.
        fields : int
        """
        out, parent = np.zeros((len(self.column), fields)), self.parent
        level = np.flatnonzero(parent < 0)
        for _ in range(MAX_DEPTH):
            inner = level[self.column[level] >= 0]
            if not len(inner):
                return out
            asked = owner[self.column[inner]]
            level = np.concatenate([inner + 1, inner + self.no[inner]])
            out[level] = out[parent[level]]
            out[level, np.tile(asked, 2)] += self.value[level] - self.value[parent[level]]
        raise ValueError("a tree is deeper than any that was grown")
