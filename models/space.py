"""A text as the heads see it: n-grams by tf-idf, and kernel features of its sentence vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.encoder import Encoder, open_encoder
from features.errors import ReleaseError
from features.ngrams import BITS, hash_ngrams

__all__ = ["Sparse", "Space", "weigh"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sparse:
    """One text's n-grams: distinct buckets ``(k,)`` and values of unit length ``(k,)``."""

    buckets: npt.NDArray[np.int64]
    values: Floats


def weigh(buckets: npt.NDArray[np.int64], counts: Floats, idf: Floats) -> Sparse:
    """Turn counts into tf-idf of unit length: ``(1 + ln count) * idf``, as scikit-learn's ``sublinear_tf``."""
    values = (1.0 + np.log(counts)) * idf[buckets]
    norm = float(np.sqrt(values @ values))
    return Sparse(buckets, (values / norm if norm else values).astype(np.float32, copy=False))


@dataclass(frozen=True, slots=True)
class Space:
    """The feature space of a release.

    Attributes
    ----------
    idf : ndarray of float32, (2 ** BITS,)
    encoder : Encoder
    mean : ndarray of float32, (dim,)
        Subtracted from sentence vectors before they are brought to unit length: they all share a direction that
        says nothing.
    landmarks : ndarray of float32, (m, dim)
        Unit vectors; the dense features of a text are its similarities to them.
    gamma : float
        Of the radial kernel ``exp(-gamma * |u - l|^2)``.
    """

    idf: Floats
    encoder: Encoder
    mean: Floats
    landmarks: Floats
    gamma: float

    @classmethod
    def load(cls, tensors: Mapping[str, npt.NDArray[Any]], config: Mapping[str, Any]) -> Space:
        """Build it from a release; its encoder must be the one it was trained with."""
        encoder = open_encoder(config["encoder"]["name"])
        if encoder.digest != config["encoder"]["digest"]:
            raise ReleaseError(f"made with other weights of {encoder.name}")
        space = cls(
            tensors["idf"].astype(np.float32),
            encoder,
            tensors["mean"].astype(np.float32),
            tensors["landmarks"].astype(np.float32),
            float(config["gamma"]),
        )
        if space.idf.shape != (2**BITS,) or space.landmarks.shape[1:] != space.mean.shape != (encoder.dim,):
            raise ReleaseError("weights.safetensors: shapes do not fit the encoder")
        return space

    def sparse(self, normal: str) -> Sparse:
        """Give the n-grams of a normalised text."""
        return weigh(*hash_ngrams(normal), self.idf)

    def centred(self, normals: list[str]) -> Floats:
        """Give centred sentence vectors of unit length, ``(n, dim)``; zero where there is nothing to encode."""
        vectors = self.encoder.encode(normals)
        empty = ~vectors.any(axis=1, keepdims=True)
        return unit(np.where(empty, 0.0, vectors - self.mean).astype(np.float32))

    def dense(self, centred: Floats) -> Floats:
        """Give the kernel features of centred vectors, ``(n, m)``."""
        return kernel(centred, self.landmarks, self.gamma)


def unit(vectors: Floats) -> Floats:
    """Bring rows to unit length; zero rows stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def kernel(a: Floats, b: Floats, gamma: float) -> Floats:
    """Radial kernel between unit rows, ``(len(a), len(b))``; a zero row is like none of them."""
    similar = a @ b.T
    similar -= 1.0
    similar *= 2.0 * gamma
    np.exp(similar, out=similar)
    similar[~a.any(axis=1)] = 0.0
    return similar
