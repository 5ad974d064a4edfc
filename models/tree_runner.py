"""What trees say, and how much of it each field accounts for, in one run of ONNX Runtime's tree operator.

The operator is given every leaf with one number a field: its part of the margin (`models.trees.Trees.shares`). What a
customer's leaves say is then a sum a field. The graph is written by `models.tree_graph` from arrays that were looked
at, rather than loaded: the operator trusts its attributes, and a path in a circle would never end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.session import open_session
from models.tree_graph import Ints, graph_of
from models.trees import Floats, Trees

__all__ = ["TreeRunner"]


class TreeRunner:
    """Trees behind ONNX Runtime.

    Parameters
    ----------
    trees : Trees
    owner : ndarray of int, (inputs,)
        Whose field each input is.
    fields : int

    Attributes
    ----------
    base : float
        What they say of the average customer of training.

    Raises
    ------
    ValueError
        If they ask about inputs that are not there.
    """

    def __init__(self, trees: Trees, owner: Ints, fields: int) -> None:
        if trees.column.max(initial=-1) >= len(owner) or owner.max(initial=-1) >= fields:
            raise ValueError("a split asks about an input that is not there")
        self.base = float(trees.value[trees.parent < 0].sum())
        self._session = open_session(graph_of(trees, owner, fields))

    def shares(self, inputs: Floats) -> Floats:
        """Tell how much of the margin each field accounts for beyond `base`: ``(n, inputs)`` gives ``(n, fields)``.

        The operator adds up in doubles and tells in singles. The margin is told beside the shares, so that rounding
        never turns a trend around; what the shares then miss of it, a millionth, goes to the largest.
        """
        told: Any = self._session.run(None, {"x": inputs})[0]
        said: Floats = told.astype(np.float64)  # (n, fields + 1)
        shares, rows = said[:, :-1].copy(), np.arange(len(said))
        shares[rows, np.abs(shares).argmax(axis=1)] += said[:, -1] - shares.sum(axis=1)
        return shares
