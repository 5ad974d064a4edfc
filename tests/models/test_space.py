"""The feature space against scikit-learn and plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics.pairwise import rbf_kernel

from features.encoder import open_encoder
from features.ngrams import BITS, count, hash_places
from features.text import normalize
from models.space import Space, kernel, row_lookup, unit
from models.triage import TriageModel

TEXT = st.text(alphabet="退货屏幕碎了ab 1!?", max_size=40).map(normalize)


def counts_of(space: Space, normal: str) -> Any:
    """Count every known n-gram, one at a time, ``(rows,)``."""
    counts = np.zeros(len(space.idf))
    for bucket, times in zip(*count(hash_places(normal)[0]), strict=True):
        if (row := space.lookup[bucket]) >= 0:
            counts[row] += times
    return counts


@given(normal=TEXT)
def test_sparse_is_scikit_learns_tf_idf(small_model: TriageModel, normal: str) -> None:
    space = small_model.space
    twin = TfidfTransformer(sublinear_tf=True, smooth_idf=True)
    twin.idf_ = space.idf.astype(np.float64)
    counts = counts_of(space, normal)
    slow = twin.transform(counts[None]).toarray()[0]
    sparse = space.sparse(normal)
    fast = np.zeros(len(space.idf))
    fast[sparse.rows] = sparse.values
    np.testing.assert_allclose(fast, slow, atol=1e-6)
    assert np.linalg.norm(sparse.values) == pytest.approx(1.0 if counts.any() else 0.0, abs=1e-5)
    assert (np.diff(sparse.rows) > 0).all()
    assert sparse.values.dtype == np.float32


@pytest.mark.parametrize("normal", ["", " ", "\u4e00\u9fa5", "qxzjv"])
def test_nothing_known_is_no_feature(small_model: TriageModel, normal: str) -> None:
    assert np.isfinite(small_model.space.sparse(normal).values).all()


def test_row_lookup() -> None:
    buckets = np.array([3, 17, 2**BITS - 1])
    lookup = row_lookup(buckets)
    assert lookup[buckets].tolist() == [0, 1, 2]
    assert (lookup >= 0).sum() == 3


def test_kernel_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    a, b = (unit(rng.normal(size=(n, 6)).astype(np.float32)) for n in (5, 7))
    np.testing.assert_allclose(kernel(a, b, 0.7), rbf_kernel(a, b, gamma=0.7), rtol=1e-5)


def test_a_zero_row_is_like_nothing() -> None:
    b = unit(np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32))
    a = np.vstack([b[:1], np.zeros((1, 3), np.float32)])
    near = kernel(a, b, 0.5)
    assert near[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert (near[0] > 0).all()
    assert (near[1] == 0).all()
    assert kernel(a, b[:0], 0.5).shape == (2, 0)


def test_unit_leaves_zero_rows() -> None:
    out = unit(np.array([[3, 4], [0, 0]], np.float32))
    np.testing.assert_allclose(out, [[0.6, 0.8], [0, 0]])


def test_a_text_without_letters_has_no_sentence_vector() -> None:
    encoder = open_encoder("use-multilingual-3")
    mean = np.full(encoder.dim, 0.01, np.float32)
    space = Space(row_lookup(np.empty(0, int)), np.empty(0, np.float32), encoder, mean, np.eye(3, 512, dtype="f"), 0.5)
    centred = space.centred(["", " ", "退货"])
    assert not centred[:2].any()
    assert np.linalg.norm(centred[2]) == pytest.approx(1.0, abs=1e-5)
    assert not space.dense(centred)[:2].any()
