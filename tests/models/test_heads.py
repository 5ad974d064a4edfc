"""The heads against slow, obvious twins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.heads import Heads, levels_from_cumulative, sigmoid, softmax
from models.space import Sparse
from models.triage import TriageModel, urgency_score

FINITE = st.floats(-(2.0**100), 2.0**100, width=32)
TEXTS = ["屏幕碎了想保修", "my refund never came", "", "@@@", "退货!!" * 40]


def random_heads(seed: int = 0, rows: int = 30, marks: int = 4) -> Heads:
    rng = np.random.default_rng(seed)
    sizes = (3, 5, 2)
    c, t, u = sizes
    shapes = {"category_scale": (c, c), "category_bias": (c,), "tag_scale": (1, t), "tag_bias": (t,)}
    shapes |= {"urgency_scale": (c + t + u, u), "urgency_bias": (u,)}
    calibration = {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}
    wide, deep, bias = (rng.normal(size=s).astype(np.float32) for s in ((rows, 10), (marks, 10), (10,)))
    return Heads(wide, deep, bias, calibration, sizes)


def one_hot_space(sparse: Sparse, rows: int) -> Any:
    wide = np.zeros(rows)
    for row, value in zip(sparse.rows, sparse.values, strict=True):
        wide[row] += value
    return wide


def test_scores_are_one_dense_product() -> None:
    heads, rng = random_heads(), np.random.default_rng(1)
    sparse = [
        Sparse(
            np.sort(rng.choice(30, k, replace=False)).astype(np.int32),
            rng.random(k, np.float32),
            np.empty(0, np.int32),
            [],
        )
        for k in (0, 1, 7, 30)
    ]  # one without n-grams among them
    dense = rng.random((4, 4), np.float32)
    slow = [
        one_hot_space(s, 30) @ heads.ngrams + d @ heads.dense + heads.bias for s, d in zip(sparse, dense, strict=True)
    ]
    np.testing.assert_allclose(heads.scores(sparse, dense), slow, rtol=1e-4, atol=1e-5)
    assert heads.scores([], dense[:0]).shape == (0, 10)


def test_scores_of_a_fitted_release(small_model: TriageModel) -> None:
    space, heads = small_model.space, small_model.heads
    sparse = [space.sparse(t) for t in TEXTS]
    wide = np.array([one_hot_space(s, len(space.idf)) for s in sparse])
    fast = heads.scores(sparse, np.zeros((len(TEXTS), 0), np.float32))
    np.testing.assert_allclose(fast, wide @ heads.ngrams + heads.bias, atol=1e-5)


def test_favour_is_what_lifts_a_category_above_the_average(small_model: TriageModel) -> None:
    space, heads = small_model.space, small_model.heads
    sparse = space.sparse(TEXTS[0])
    score = heads.scores([sparse], np.zeros((1, 0), np.float32))[0, :5] - heads.bias[:5]
    for category in range(5):
        assert heads.favour(sparse, category).sum() == pytest.approx(score[category] - score.mean(), abs=1e-5)


@given(arrays(np.float32, (3, 10), elements=FINITE), st.integers(0, 5))
def test_calibration_never_breaks(scores: Any, seed: int) -> None:
    """Whatever the scores, probabilities are probabilities."""
    with np.errstate(over="ignore"):
        p = random_heads(seed).calibrate(scores)
    for part in (p.category, p.tags, p.urgency):
        assert np.isfinite(part).all()
        assert ((part >= 0) & (part <= 1)).all()
    np.testing.assert_allclose(p.category.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(p.urgency.sum(axis=1), 1, atol=1e-5)


@given(arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.floats(-1, 2, width=32)))
def test_levels_are_a_distribution(cumulative: Any) -> None:
    levels = levels_from_cumulative(cumulative)
    assert levels.shape == (len(cumulative), cumulative.shape[1] + 1)
    assert (levels >= 0).all()
    np.testing.assert_allclose(levels.sum(axis=1), 1, atol=1e-6)


def test_levels_by_hand() -> None:
    np.testing.assert_allclose(levels_from_cumulative(np.array([[0.1, 0.4, 0.3]])), [[0.1, 0.3, 0.0, 0.6]], atol=1e-7)
    assert levels_from_cumulative(np.zeros((2, 0))).tolist() == [[1.0], [1.0]]


@given(arrays(np.float64, 5, elements=st.floats(-30, 30)))
def test_sigmoid_and_softmax_as_in_the_book(x: Any) -> None:
    np.testing.assert_allclose(sigmoid(x), 1 / (1 + np.exp(-x)), atol=1e-12)
    np.testing.assert_allclose(softmax(x[None])[0], np.exp(x) / np.exp(x).sum(), atol=1e-12)


@given(arrays(np.float64, (1, 4), elements=st.floats(0, 1)).filter(lambda p: p.sum() > 0))
def test_urgency_score_stays_within_bounds(p: Any) -> None:
    assert 0 <= urgency_score(p / p.sum())[0] <= 1 + 1e-6


def test_urgency_score_is_in_the_order_of_the_levels() -> None:
    assert urgency_score(np.eye(4)).tolist() == sorted(urgency_score(np.eye(4)).tolist(), reverse=True)
