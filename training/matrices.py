"""Rows -> matrices: what the heads are fitted on, computed once and sliced by fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.cluster import MiniBatchKMeans

from features.ngrams import BITS, count, hash_places
from features.taxonomy import Taxonomy
from features.text import normalize
from models.space import Floats, Space, kernel, row_lookup, unit
from training.config import TriageConfig
from training.data import Row
from training.vectors import remembered

__all__ = ["Matrices", "Targets", "build", "targets"]


@dataclass(frozen=True, slots=True)
class Targets:
    """What the heads should say, ``(n, outputs)``; NaN where a source does not tell."""

    values: Floats
    sizes: tuple[int, int, int]

    @property
    def blocks(self) -> list[slice]:
        """The columns of categories, tags and urgency."""
        c, t, u = self.sizes
        return [slice(0, c), slice(c, c + t), slice(c + t, c + t + u)]


@dataclass(frozen=True, slots=True)
class Matrices:
    """The features of all rows.

    Attributes
    ----------
    space : Space
    buckets : ndarray of int64, (rows of the n-gram table,)
    wide : csr_matrix, (n, rows of the n-gram table)
    near : ndarray of float32, (n, landmarks)
        Kernel features, as answering computes them.
    deep : ndarray of float32, (n, landmarks)
        The same, whitened, so that their dot product is the Nyström approximation of the kernel.
    whiten : ndarray of float32, (landmarks, landmarks)
        From `near` to `deep`.
    """

    space: Space
    buckets: npt.NDArray[np.int64]
    wide: Any
    near: Floats
    deep: Floats
    whiten: Floats

    def gram(self) -> Floats:
        """Give the kernel between all rows, ``(n, n)``."""
        wide: Floats = (self.wide @ self.wide.T).toarray()
        wide += self.deep @ self.deep.T
        return wide


def targets(rows: Sequence[Row], taxonomy: Taxonomy) -> Targets:
    """One-hot categories, tags as they are, urgency as "at least as urgent as level k"."""
    categories = [c.key for c in taxonomy.categories]
    tags = [t.key for t in taxonomy.tags]
    levels = [u.key for u in taxonomy.urgency]
    sizes = (len(categories), len(tags), max(0, len(levels) - 1))
    values = np.full((len(rows), sum(sizes)), np.nan, np.float32)
    for i, row in enumerate(rows):
        if row.category is not None:
            values[i, : sizes[0]] = [c == row.category for c in categories]
        if row.tags is not None:
            values[i, sizes[0] : sizes[0] + sizes[1]] = [t in row.tags for t in tags]
        if row.urgency is not None and levels:
            values[i, sizes[0] + sizes[1] :] = [levels.index(row.urgency) <= k for k in range(sizes[2])]
    return Targets(values, sizes)


def _counts(normals: list[str]) -> Any:
    found = [count(hash_places(n)[0]) for n in normals]
    indptr = np.cumsum([0, *(len(b) for b, _ in found)])
    data = np.concatenate([c for _, c in found])
    return csr_matrix((data, np.concatenate([b for b, _ in found]), indptr), shape=(len(normals), 2**BITS))


def _wide(counts: Any, buckets: npt.NDArray[np.int64], idf: Floats) -> Any:
    wide = counts[:, buckets]
    wide.data = (1.0 + np.log(wide.data)) * idf[wide.indices]
    norms = np.sqrt(np.asarray(wide.multiply(wide).sum(axis=1)).ravel())
    wide.data /= np.repeat(np.where(norms > 0, norms, 1.0), np.diff(wide.indptr))
    return wide.astype(np.float32).tocsr()


def _landmarks(centred: Floats, config: TriageConfig) -> Floats:
    told = centred[centred.any(axis=1)]
    k = min(config.landmarks, len(told))
    if not k:
        return np.zeros((0, centred.shape[1]), np.float32)
    means = MiniBatchKMeans(k, random_state=config.seed, n_init=1, batch_size=2048, max_iter=30).fit(told)
    # Kept at half precision in a release: what the heads are fitted on must be what answers.
    return unit(means.cluster_centers_.astype(np.float32)).astype(np.float16).astype(np.float32)


def _whitening(landmarks: Floats, gamma: float) -> Floats:
    if not len(landmarks):
        return np.zeros((0, 0), np.float32)
    values, vectors = np.linalg.eigh(
        kernel(landmarks, landmarks, gamma).astype(np.float64) + 1e-3 * np.eye(len(landmarks))
    )
    whiten: Floats = (vectors / np.sqrt(values)).astype(np.float32)
    return whiten


def build(texts: Sequence[str], config: TriageConfig) -> Matrices:
    """Compute the features of all texts.

    The space (idf, mean, landmarks) is learnt from all texts without their labels, those of held-out folds included:
    it knows what customers write about, never how it was labelled.
    """
    normals = [normalize(t) for t in texts]
    counts = _counts(normals)
    seen = np.bincount(counts.indices, minlength=2**BITS)
    buckets = np.flatnonzero(seen >= config.min_df) if config.ngrams else np.empty(0, np.int64)
    idf = (np.log((1 + len(texts)) / (1 + seen[buckets])) + 1).astype(np.float16).astype(np.float32)
    encoder = remembered(config.encoder)
    vectors = encoder.encode(normals)
    told: npt.NDArray[np.bool_] = np.asarray(vectors.any(axis=1))
    mean = (vectors[told].mean(axis=0) if told.any() else np.zeros(encoder.dim)).astype(np.float32)
    centred = unit(np.where(told[:, None], vectors - mean, 0.0).astype(np.float32))
    landmarks = _landmarks(centred, config)
    space = Space(row_lookup(buckets), idf, encoder, mean, landmarks, config.gamma)
    near = space.dense(centred)
    whiten = _whitening(landmarks, config.gamma)
    return Matrices(space, buckets, _wide(counts, buckets, idf), near, near @ whiten, whiten)
