"""Trees in ONNX's own words: a graph of one operator, written byte by byte: answering needs no more of it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.trees import Floats, Trees

__all__ = ["Ints", "graph_of"]

Ints = npt.NDArray[np.int64]

# Numbers of onnx.proto: of its types of tensors, and of its types of attributes.
_FLOAT: Final = 1
_DOUBLE: Final = 11
_INT, _STRING, _TENSOR, _INTS, _STRINGS = 2, 3, 4, 7, 8


def graph_of(trees: Trees, owner: Ints, fields: int) -> bytes:
    """Write trees as ONNX: ``x`` (n, inputs) gives ``y`` (n, fields + 1).

    Each field's share of the margin beyond the trees' base, and last the whole of it.

    Parameters
    ----------
    trees : Trees
    owner : ndarray of int, (inputs,)
        Whose field each input is.
    fields : int
    """
    root = np.flatnonzero(trees.parent < 0)
    tree = np.repeat(np.arange(len(root)), np.diff(np.append(root, len(trees.column))))
    beyond = trees.value - trees.value[root][tree]
    targets = np.column_stack([trees.shares(owner, fields), beyond])
    return _model(_attributes(trees, tree, root, targets), len(owner), fields + 1)


def _attributes(trees: Trees, tree: Ints, root: Ints, targets: Floats) -> dict[str, Any]:
    """Say the trees in the operator's words."""
    leaf, place = trees.leaf, np.arange(len(tree)) - root[tree]
    # Of a leaf, what is zero need not be added, but for the last: each needs some.
    kept = (targets != 0) & leaf[:, None]
    kept[:, -1] = leaf
    at, field = np.nonzero(kept)
    return {
        "n_targets": targets.shape[1],
        "aggregate_function": b"SUM",
        "nodes_treeids": tree,
        "nodes_nodeids": place,
        "nodes_featureids": np.where(leaf, 0, trees.column),
        "nodes_modes": [b"LEAF" if x else b"BRANCH_LEQ" for x in leaf],
        "nodes_values_as_tensor": trees.code + 0.5,
        "nodes_missing_value_tracks_true": trees.gone.astype(np.int64),
        "nodes_truenodeids": np.where(leaf, 0, place + 1),
        "nodes_falsenodeids": np.where(leaf, 0, place + trees.no),
        "target_treeids": tree[at],
        "target_nodeids": place[at],
        "target_ids": field,
        "target_weights_as_tensor": targets[at, field],
    }


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _varints(values: Ints) -> bytes:
    """Pack many at once: seven bits a byte, the highest bit says that more follow."""
    shifts = np.arange(0, max(1, int(values.max(initial=0)).bit_length()), 7)
    parts = values[:, None] >> shifts  # (k, bytes)
    used = parts > 0
    used[:, 0] = True
    more = np.pad(used[:, 1:], ((0, 0), (0, 1)))
    return (parts & 127 | more << 7).astype(np.uint8)[used].tobytes()


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _attribute(name: str, value: Any) -> bytes:
    head = _bytes(1, name.encode())
    if isinstance(value, int):
        return head + _int(3, value) + _int(20, _INT)
    if isinstance(value, bytes):
        return head + _bytes(4, value) + _int(20, _STRING)
    if isinstance(value, list):
        return head + b"".join(_bytes(9, v) for v in value) + _int(20, _STRINGS)
    if value.dtype.kind == "f":
        tensor = _int(1, len(value)) + _int(2, _DOUBLE) + _bytes(9, value.astype("<f8").tobytes())
        return head + _bytes(5, tensor) + _int(20, _TENSOR)
    return head + _bytes(8, _varints(value)) + _int(20, _INTS)


def _model(attributes: dict[str, Any], inputs: int, outputs: int) -> bytes:
    """Write a graph of one TreeEnsembleRegressor over doubles, which tells in singles."""
    node = _bytes(1, b"x") + _bytes(2, b"y") + _bytes(4, b"TreeEnsembleRegressor") + _bytes(7, b"ai.onnx.ml")
    node += b"".join(_bytes(5, _attribute(k, v)) for k, v in attributes.items())
    graph = _bytes(1, node) + _bytes(2, b"trees")
    for number, name, kind, width in ((11, b"x", _DOUBLE, inputs), (12, b"y", _FLOAT, outputs)):
        shape = _bytes(1, _bytes(2, b"n")) + _bytes(1, _int(1, width))
        graph += _bytes(number, _bytes(1, name) + _bytes(2, _bytes(1, _int(1, kind) + _bytes(2, shape))))
    sets = (_bytes(8, _bytes(1, domain) + _int(2, version)) for domain, version in ((b"", 17), (b"ai.onnx.ml", 3)))
    return _int(1, 8) + _bytes(7, graph) + b"".join(sets)
