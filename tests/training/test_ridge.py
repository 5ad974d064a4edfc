"""Conjugate gradients against the exact solution by scikit-learn."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.kernel_ridge import KernelRidge

from training.ridge import dual_weights


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(2, 60),
    columns=st.integers(0, 12),
    ridge=st.sampled_from([0.01, 0.3, 10.0]),
)
def test_it_is_scikit_learns_kernel_ridge(seed: int, rows: int, columns: int, ridge: float) -> None:
    rng = np.random.default_rng(seed)
    wide = csr_matrix(rng.random((rows, 30)) * (rng.random((rows, 30)) < 0.2), dtype=np.float32)
    deep = rng.normal(size=(rows, columns)).astype(np.float32)
    goal = rng.normal(size=(rows, 3)).astype(np.float32)
    weight = rng.uniform(0.1, 1, rows).astype(np.float32)
    gram = (wide @ wide.T).toarray() + deep @ deep.T
    exact = KernelRidge(alpha=ridge, kernel="precomputed").fit(gram, goal, sample_weight=weight).dual_coef_
    found = dual_weights(wide, deep, goal, weight, ridge)
    np.testing.assert_allclose(gram @ found, gram @ exact, atol=5e-3 * np.abs(goal).max())


def test_it_gives_the_same_bytes_twice() -> None:
    rng = np.random.default_rng(0)
    wide = csr_matrix(rng.random((80, 40)) < 0.2, dtype=np.float32)
    deep, goal = rng.normal(size=(80, 8)).astype("f"), rng.normal(size=(80, 4)).astype("f")
    one, two = (dual_weights(wide, deep, goal, np.ones(80, np.float32), 0.3) for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_a_goal_of_zeros_needs_no_weights() -> None:
    wide = csr_matrix(np.eye(5, dtype=np.float32))
    found = dual_weights(wide, np.zeros((5, 0), np.float32), np.zeros((5, 2), np.float32), np.ones(5, np.float32), 1.0)
    assert not found.any()


def test_it_says_so_where_it_does_not_converge(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("training.ridge.MOST", 1)
    rng = np.random.default_rng(0)
    wide = csr_matrix(rng.random((50, 20)), dtype=np.float32)
    with caplog.at_level(logging.WARNING):
        dual_weights(wide, np.zeros((50, 0), np.float32), rng.normal(size=(50, 1)).astype("f"), np.ones(50, "f"), 1e-3)
    assert "not solved" in caplog.text
