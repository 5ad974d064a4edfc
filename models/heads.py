"""Linear heads over a feature space, and how their scores become probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.errors import ReleaseError
from features.taxonomy import Taxonomy
from models.space import Floats, Sparse

__all__ = ["Heads", "Probabilities", "levels_from_cumulative", "sigmoid", "softmax"]


@dataclass(frozen=True, slots=True)
class Probabilities:
    """What the heads say of n texts, calibrated: ``(n, categories)``, ``(n, tags)``, ``(n, levels)``."""

    category: Floats
    tags: Floats
    urgency: Floats


def softmax(logits: Floats) -> Floats:
    """Row-wise softmax."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    out: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return out


def sigmoid(logits: Floats) -> Floats:
    """Logistic function that cannot overflow."""
    out: Floats = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return out


def levels_from_cumulative(cumulative: Floats) -> Floats:
    """Turn P(level <= k) of an ordinal head into P(level = k).

    Parameters
    ----------
    cumulative : ndarray, (n, levels - 1)
        Need not be monotone: the running maximum is taken.
    """
    rising = np.maximum.accumulate(np.clip(cumulative, 0.0, 1.0), axis=1)
    edge = np.zeros((len(rising), 1), rising.dtype)
    full = np.hstack([edge, rising, edge + 1])
    return np.diff(full, axis=1).astype(np.float32)


def _voices(calibration: Mapping[str, npt.NDArray[Any]]) -> dict[str, Floats]:
    """Read the tags' slopes of a release from before there were several voices."""
    return {"tag_scale": np.atleast_2d(calibration["tag_scale"]).astype(np.float32)}


@dataclass(frozen=True, slots=True)
class Heads:
    """Linear heads over a `Space`, and the calibration of what they and a text network beside them say.

    One matrix product scores everything: categories, tags, then "at least as urgent as level k". A voice is one such
    row of outputs: the heads' own, then the network's.

    Attributes
    ----------
    ngrams : ndarray of float32, (rows, outputs)
    dense : ndarray of float32, (landmarks, outputs)
    bias : ndarray of float32, (outputs,)
    calibration : dict of str to ndarray
        ``category_scale (voices * c, c)``, ``category_bias (c,)``, ``tag_scale (voices, t)``, ``tag_bias (t,)``,
        ``urgency_scale (voices * outputs, u - 1)``, ``urgency_bias (u - 1,)``: fitted on held-out scores.
    sizes : tuple of int
        How many outputs belong to categories, tags and urgency.
    """

    ngrams: Floats
    dense: Floats
    bias: Floats
    calibration: Mapping[str, Floats]
    sizes: tuple[int, int, int]

    @classmethod
    def load(cls, tensors: Mapping[str, npt.NDArray[Any]], taxonomy: Taxonomy) -> Heads:
        """Build them from a release; shapes must fit the taxonomy."""
        sizes = (len(taxonomy.categories), len(taxonomy.tags), max(0, len(taxonomy.urgency) - 1))
        calibration = {k.removeprefix("calibration."): v for k, v in tensors.items() if k.startswith("calibration.")}
        heads = cls(
            tensors["ngrams"].astype(np.float32),
            tensors["dense"].astype(np.float32),
            tensors["bias"].astype(np.float32),
            {k: v.astype(np.float32) for k, v in calibration.items()} | _voices(calibration),
            sizes,
        )
        if not heads.fits():
            raise ReleaseError("weights.safetensors: shapes do not fit the taxonomy")
        return heads

    @property
    def voices(self) -> int:
        """How many rows of outputs are calibrated together."""
        return len(self.calibration["tag_scale"])

    def fits(self) -> bool:
        """Tell whether every shape is that of the sizes."""
        c, t, u = self.sizes
        outputs = c + t + u
        voices = self.voices
        shapes = {
            "category_scale": (voices * c, c),
            "category_bias": (c,),
            "tag_scale": (voices, t),
            "tag_bias": (t,),
            "urgency_scale": (voices * outputs, u),
            "urgency_bias": (u,),
        }
        right = {name: tensor.shape for name, tensor in self.calibration.items()} == shapes
        wide, deep = self.ngrams.shape, self.dense.shape
        return right and len(wide) == len(deep) == 2 and wide[1] == deep[1] == outputs and self.bias.shape == (outputs,)

    def scores(self, sparse: Sequence[Sparse], dense: Floats) -> Floats:
        """Give the raw scores, ``(n, outputs)``, each row's by itself; see `Space.dense_alone`."""
        out = np.empty((len(sparse), len(self.bias)), np.float32)
        for row, s, d in zip(out, sparse, dense, strict=True):
            row[:] = s.values @ self.ngrams[s.rows] + d @ self.dense + self.bias
        return out

    def favour(self, sparse: Sparse, category: int) -> Floats:
        """Give what every n-gram of a text adds to a category beyond the average category, ``(k,)``."""
        rows = self.ngrams[sparse.rows, : self.sizes[0]]  # (k, categories)
        out: Floats = sparse.values * (rows[:, category] - rows.mean(axis=1))
        return out

    def calibrate(self, scores: Floats) -> Probabilities:
        """Turn the raw scores of all voices, ``(n, voices * outputs)``, into probabilities."""
        c, t, _ = self.sizes
        k = self.calibration
        spoken = scores.reshape(len(scores), self.voices, -1)  # (n, voices, outputs)
        category = softmax(spoken[..., :c].reshape(len(scores), -1) @ k["category_scale"] + k["category_bias"])
        tags = sigmoid((spoken[..., c : c + t] * k["tag_scale"]).sum(axis=1) + k["tag_bias"])
        cumulative = sigmoid(scores @ k["urgency_scale"] + k["urgency_bias"])
        return Probabilities(category, tags, levels_from_cumulative(cumulative))
