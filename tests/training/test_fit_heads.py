"""The exact dual solve against textbook ridge regression in the primal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from training.config import load_config
from training.heads import fit_heads
from training.matrices import Matrices, Targets, build, targets

WORDS = ["退货", "屏幕", "发票", "投诉", "快递", "refund", "screen", "invoice"]
RIDGE = 0.7


@pytest.fixture(scope="module")
def matrices() -> Matrices:
    rng = np.random.default_rng(0)
    texts = ["，".join(rng.choice(WORDS, 4)) for _ in range(40)]
    return build(texts, load_config(["encoder=use-multilingual-3", "landmarks=6"]))


@pytest.fixture
def target() -> Targets:
    rng = np.random.default_rng(1)
    return Targets(rng.integers(0, 2, (40, 6)).astype(np.float32), (3, 2, 1))


def textbook(x: Any, y: Any, w: Any, ridge: float) -> Any:
    """(X'WX + aI)^-1 X'W (y - mean), and the weighted mean as bias."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    mean = w @ y / w.sum()
    return np.linalg.solve(x.T @ (w[:, None] * x) + ridge * np.eye(x.shape[1]), x.T @ (w * (y - mean))), mean


def slow_scores(m: Matrices, target: Targets, rows: Any, w: Any, judged: Any) -> Any:
    x = np.hstack([m.wide.toarray(), m.deep])
    out = np.zeros((len(judged), target.values.shape[1]))
    for k in range(target.values.shape[1]):
        told = ~np.isnan(target.values[rows, k]) & (w > 0)
        beta, mean = textbook(x[rows[told]], target.values[rows[told], k], w[told], RIDGE)
        out[:, k] = x[judged] @ beta + mean
    return out


def compare(m: Matrices, target: Targets, w: Any) -> None:
    rows, judged = np.arange(30), np.arange(30, 40)
    fast = fit_heads(m, target, rows, w, RIDGE).scores(m, judged)
    np.testing.assert_allclose(fast, slow_scores(m, target, rows, w, judged), atol=2e-3)


def test_equal_weights(matrices: Matrices, target: Targets) -> None:
    compare(matrices, target, np.ones(30, np.float32))


def test_weights_are_honoured(matrices: Matrices, target: Targets) -> None:
    w = np.random.default_rng(2).random(30).astype(np.float32)
    compare(matrices, target, w)
    rows = np.arange(30)
    one, other = (fit_heads(matrices, target, rows, x, RIDGE).bias for x in (w, np.ones(30, np.float32)))
    assert np.abs(one - other).max() > 1e-3


def test_weight_zero_is_not_there(matrices: Matrices, target: Targets) -> None:
    w = np.repeat(np.array([1, 0], np.float32), 15)
    rows = np.arange(30)
    one = fit_heads(matrices, target, rows, w, RIDGE).scores(matrices, rows)
    other = fit_heads(matrices, target, rows[:15], w[:15], RIDGE).scores(matrices, rows)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_row_counts_only_for_what_it_tells(matrices: Matrices, target: Targets) -> None:
    target.values[:10, 3:] = np.nan  # knows its category alone, as JD's intents do
    target.values[25:, :3] = np.nan
    compare(matrices, target, np.ones(30, np.float32))


def test_targets() -> None:
    from features.taxonomy import default_taxonomy
    from training.data import Row

    taxonomy = default_taxonomy()
    told = targets(
        [Row("1", "", "s", "repair", ("warranty", "screen_damage"), "p2"), Row("2", "", "s", None, None, None)],
        taxonomy,
    )
    c, t, u = told.sizes
    keys = [x.key for x in (*taxonomy.categories, *taxonomy.tags)]
    assert {keys[i] for i in np.flatnonzero(told.values[0, : c + t])} == {"repair", "warranty", "screen_damage"}
    assert told.values[0, c + t :].tolist() == [0, 1, 1]
    assert u == 3
    assert np.isnan(told.values[1]).all()
