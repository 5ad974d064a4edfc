"""Weighted kernel ridge, folded back into one matrix of weights a feature block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.text import normalize
from models.heads import Heads
from models.space import Floats, Space
from training.matrices import Matrices, Targets
from training.ridge import dual_weights

__all__ = ["Linear", "fit_heads"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores as one product: ``wide @ ngrams + kernel_features @ dense + bias``."""

    ngrams: Floats
    dense: Floats
    bias: Floats

    def scores(self, matrices: Matrices, rows: Rows) -> Floats:
        """Score rows, ``(len(rows), outputs)``."""
        out: Floats = matrices.wide[rows] @ self.ngrams + matrices.near[rows] @ self.dense + self.bias
        return out

    def score_texts(self, space: Space, texts: Sequence[str]) -> Floats:
        """Score any texts with the code that answers, ``(len(texts), outputs)``."""
        normals = [normalize(t) for t in texts]
        heads = Heads(self.ngrams, self.dense, self.bias, {}, (0, 0, 0))
        return heads.scores([space.sparse(n) for n in normals], space.dense(space.centred(normals)))


def fit_heads(
    matrices: Matrices, target: Targets, rows: Rows, weight: Floats, ridge: float, ngram_share: float = 1.0
) -> Linear:
    """Fit all outputs on the rows that tell them.

    Parameters
    ----------
    matrices : Matrices
    target : Targets
    rows : ndarray of int64
        The training rows; those of weight 0 are left out.
    weight : ndarray of float32, (len(rows),)
    ridge : float
    ngram_share : float
        What n-grams count beside the sentence encoder.

    Notes
    -----
    Regularised least squares on one-hot targets (Rifkin & Klautau 2004): one solution, no learning rate, the same bytes
    every time. Probabilities come from calibration afterwards.
    """
    outputs = sum(target.sizes)
    ngrams = np.zeros((matrices.wide.shape[1], outputs), np.float32)
    dense = np.zeros((matrices.deep.shape[1], outputs), np.float32)
    bias = np.zeros(outputs, np.float32)
    known = ~np.isnan(target.values[rows]) & (weight > 0)[:, None]
    # Blocks told by the same rows share one solve.
    groups: dict[bytes, list[slice]] = {}
    for block in target.blocks:
        if block.stop > block.start:
            groups.setdefault(known[:, block.start].tobytes(), []).append(block)
    for key, blocks in groups.items():
        told = np.frombuffer(key, np.bool_)
        columns = np.concatenate([np.arange(b.start, b.stop) for b in blocks])
        here, w = rows[told], weight[told].astype(np.float32)
        goal = target.values[np.ix_(here, columns)]
        centre = (goal * w[:, None]).sum(axis=0) / w.sum()
        wide, deep = matrices.wide[here], matrices.deep[here]
        dual = dual_weights(np.float32(np.sqrt(ngram_share)) * wide, deep, goal - centre, w, ridge)
        ngrams[:, columns] = ngram_share * (wide.T @ dual)
        dense[:, columns] = matrices.whiten @ (deep.T @ dual)
        bias[columns] = centre
    return Linear(ngrams, dense, bias)
