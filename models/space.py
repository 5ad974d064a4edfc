"""A text as the heads see it: n-grams by tf-idf, and kernel features of its sentence vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.encoder import Encoder
from features.errors import ReleaseError
from features.ngrams import BITS, count, hash_places

__all__ = ["Space", "Sparse", "kernel", "row_lookup", "unit"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sparse:
    """One text's n-grams.

    Attributes
    ----------
    rows : ndarray of int32, (k,)
        Distinct rows of the release's table, ascending.
    values : ndarray of float32, (k,)
        Their tf-idf, of unit length.
    places : ndarray of int32, (places,)
        The row of every n-gram in the order of its place, -1 where it was never learnt from.
    runs : list of int
        How many of each order, as `features.ngrams.hash_places` gives them.
    """

    rows: npt.NDArray[np.int32]
    values: Floats
    places: npt.NDArray[np.int32]
    runs: list[int]


@dataclass(frozen=True, slots=True)
class Space:
    """The feature space of a release.

    Attributes
    ----------
    lookup : ndarray of int32, (2 ** BITS,)
        From a bucket to its row in the table; -1 for n-grams never learnt from.
    idf : ndarray of float32, (rows,)
    encoder : Encoder
    mean : ndarray of float32, (dim,)
        Subtracted from sentence vectors before they are brought to unit length: they all share a direction that
        says nothing.
    landmarks : ndarray of float32, (m, dim)
        Unit vectors; the dense features of a text are its similarities to them.
    gamma : float
        Of the radial kernel ``exp(-gamma * |u - l|^2)``.
    """

    lookup: npt.NDArray[np.int32]
    idf: Floats
    encoder: Encoder
    mean: Floats
    landmarks: Floats
    gamma: float

    @classmethod
    def load(cls, tensors: Mapping[str, npt.NDArray[Any]], config: Mapping[str, Any], encoder: Encoder) -> Space:
        """Build it from a release and the encoder that it was made with."""
        buckets, idf, mean, landmarks = (tensors[k] for k in ("buckets", "idf", "mean", "landmarks"))
        fits = buckets.shape == idf.shape and mean.shape == (encoder.dim,) and landmarks.shape[1:] == mean.shape
        if not fits or (len(buckets) and not 0 <= buckets.min() <= buckets.max() < 2**BITS):
            raise ReleaseError("weights.safetensors: shapes do not fit together")
        floats = [t.astype(np.float32) for t in (idf, mean, landmarks)]
        return cls(row_lookup(buckets), floats[0], encoder, floats[1], floats[2], float(config["gamma"]))

    def sparse(self, normal: str) -> Sparse:
        """Give the n-grams of a normalised text by tf-idf of unit length.

        The weight is ``(1 + ln count) * idf``, as scikit-learn's ``sublinear_tf``.
        """
        buckets, runs = hash_places(normal)
        places = self.lookup[buckets]
        rows, counts = count(places[places >= 0])
        values = (1.0 + np.log(counts)) * self.idf[rows]
        norm = np.float32(np.sqrt(values @ values) or 1.0)
        return Sparse(rows, (values / norm).astype(np.float32, copy=False), places, runs)

    def centred(self, normals: list[str]) -> Floats:
        """Give centred sentence vectors of unit length, ``(n, dim)``; zero where there is nothing to encode."""
        vectors = self.encoder.encode(normals)
        if not self.encoder.dim:
            return vectors
        empty = ~vectors.any(axis=1, keepdims=True)
        return unit(np.where(empty, 0.0, vectors - self.mean).astype(np.float32))

    def dense_alone(self, normals: list[str]) -> Floats:
        """Give the kernel features of texts, ``(n, m)``, each computed by itself.

        In a batch sums are taken in another order, and the last digit of a probability would depend on neighbours.
        """
        rows = np.empty((len(normals), len(self.landmarks)), np.float32)
        for row, normal in zip(rows, normals, strict=True):
            row[:] = self.dense(self.centred([normal]))[0]
        return rows

    def dense(self, centred: Floats) -> Floats:
        """Give the kernel features of centred vectors, ``(n, m)``."""
        return kernel(centred, self.landmarks, self.gamma)


def row_lookup(buckets: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Make the table from a bucket to its row, ``(2 ** BITS,)``; -1 where there is none."""
    lookup = np.full(2**BITS, -1, np.int32)
    lookup[buckets] = np.arange(len(buckets), dtype=np.int32)
    return lookup


def unit(vectors: Floats) -> Floats:
    """Bring rows to unit length; zero rows stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    out: Floats = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return out


def kernel(a: Floats, b: Floats, gamma: float) -> Floats:
    """Radial kernel between unit rows, ``(len(a), len(b))``; a zero row is like none of them."""
    if not len(b):
        return np.empty((len(a), 0), np.float32)
    similar: Floats = a @ b.T
    similar -= 1.0
    similar *= 2.0 * gamma
    np.exp(similar, out=similar)
    similar[~a.any(axis=1)] = 0.0
    return similar
