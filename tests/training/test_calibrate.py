"""Probabilities and thresholds keep what they promise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from training.calibrate import NEVER, cross_fit, fit_calibration, isotonic, lower_bound, pick_threshold
from training.matrices import Targets
from training.metrics import expected_calibration_error


@given(st.integers(0, 300), st.integers(0, 300), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_lower_bound_is_scipys(hits: int, misses: int, confidence: float) -> None:
    if hits + misses:
        exact = binomtest(hits, hits + misses, alternative="greater").proportion_ci(confidence, "exact").low
        assert lower_bound(hits, hits + misses, confidence) == pytest.approx(exact, abs=1e-9)


def draw(rng: Any, n: int, honest: bool = True) -> tuple[Any, Any]:
    """Probabilities, and whether each answer was right."""
    p = rng.uniform(0.3, 1.0, n).astype(np.float32)
    return p, rng.random(n) < (p if honest else 0.5)


@pytest.mark.parametrize(("wanted", "n"), [(0.95, 900), (0.9, 900), (0.85, 300), (0.6, 900)])
def test_a_threshold_keeps_its_promise(wanted: float, n: int) -> None:
    """In at most one of twenty worlds the true precision above the threshold is less than promised."""
    rng = np.random.default_rng(0)
    broken = picked = 0
    for _ in range(200):
        p, right = draw(rng, n)
        pick = pick_threshold(p, right, wanted, 0.95)
        if pick.threshold < NEVER:
            picked += 1
            broken += (pick.threshold + 1.0) / 2 < wanted  # the mean of a uniform p above it, were p the truth
    assert picked > 20
    assert broken <= 0.05 * 200


@pytest.mark.parametrize(("wanted", "share"), [(0.95, 0.94), (0.9, 0.885), (0.6, 0.59)])
def test_the_worst_world(wanted: float, share: float) -> None:
    """Where the true precision is a little too low at every threshold, hardly any world gets one."""
    rng = np.random.default_rng(0)
    picks = [pick_threshold(p, rng.random(900) < share, wanted, 0.95) for p, _ in (draw(rng, 900) for _ in range(200))]
    assert sum(x.threshold < NEVER for x in picks) <= 0.1 * 200


def test_what_a_pick_says_is_so() -> None:
    p, right = draw(np.random.default_rng(1), 2000)
    pick = pick_threshold(p, right, 0.9, 0.95)
    above = p >= pick.threshold
    assert pick.precision == pytest.approx(right[above].mean(), abs=0.005)
    assert pick.coverage == pytest.approx(above.mean(), abs=0.005)
    assert pick.bound >= 0.9
    assert pick.bound < pick.precision


def test_never_where_nothing_holds() -> None:
    p, right = draw(np.random.default_rng(0), 1000, honest=False)
    pick = pick_threshold(p, right, 0.9, 0.95)
    assert (pick.threshold, pick.coverage) == (NEVER, 0.0)
    assert math.isnan(pick.precision)
    assert pick_threshold(p[:5], np.ones(5, bool), 0.95, 0.95).threshold == NEVER


def test_always_where_all_is_right() -> None:
    p, _ = draw(np.random.default_rng(0), 1000)
    assert pick_threshold(p, np.ones(1000, bool), 0.95, 0.95).coverage == pytest.approx(1.0)


def simulated(rng: Any, n: int) -> tuple[Any, Targets]:
    """Scores that speak of the truth, with noise: 3 categories, 2 tags, 2 urgency steps."""
    category = rng.integers(0, 3, n)
    tags = rng.integers(0, 2, (n, 2))
    level = rng.integers(0, 3, n)
    truth = np.hstack([np.eye(3)[category], tags, level[:, None] <= np.arange(2)]).astype(np.float32)
    return (truth * 0.4 + rng.normal(0, 0.3, truth.shape)).astype(np.float32), Targets(truth, (3, 2, 2))


def test_calibration_is_honest_on_new_rows() -> None:
    rng = np.random.default_rng(0)
    scores, target = simulated(rng, 6000)
    rows = np.arange(6000)
    p = cross_fit(scores, target, rows, rows % 5)
    right = target.values[:, :3].argmax(axis=1) == p.category.argmax(axis=1)
    assert expected_calibration_error(p.category.max(axis=1), right) < 0.02
    assert expected_calibration_error(p.tags.ravel(), target.values[:, 3:5].ravel() > 0.5) < 0.02
    level = 2 - target.values[:, 5:].sum(axis=1).astype(int)
    assert expected_calibration_error(p.urgency.max(axis=1), level == p.urgency.argmax(axis=1)) < 0.03
    again = isotonic(p.category.max(axis=1), right, rows % 5)
    assert expected_calibration_error(again, right) < 0.02


def test_cross_fit_never_sees_a_rows_own_truth() -> None:
    scores, target = simulated(np.random.default_rng(0), 300)
    rows = np.arange(300)
    one = cross_fit(scores, target, rows, rows % 3)
    target.values[0, :3] = np.roll(target.values[0, :3], 1)
    other = cross_fit(scores, target, rows, rows % 3)
    same = rows % 3 == 0
    np.testing.assert_array_equal(one.category[same], other.category[same])
    assert (one.category[~same] != other.category[~same]).any()


@pytest.mark.parametrize("sizes", [(3, 0, 0), (2, 0, 0), (3, 2, 2)])
def test_labels_that_never_occur(sizes: tuple[int, int, int]) -> None:
    """One category is absent, tags and urgency are all of one kind: still probabilities."""
    rng = np.random.default_rng(0)
    c, t, u = sizes
    truth = np.hstack([np.eye(c)[rng.integers(0, 2, 60)], np.zeros((60, t)), np.ones((60, u))]).astype(np.float32)
    scores = rng.normal(size=truth.shape).astype(np.float32)
    target = Targets(truth, sizes)
    p = cross_fit(scores, target, np.arange(60), np.arange(60) % 3)
    np.testing.assert_allclose(p.category.sum(axis=1), 1, atol=1e-5)
    assert (p.category[:, 2:] < 0.01).all()
    assert all(np.isfinite(x).all() for x in (p.category, p.tags, p.urgency))
    assert set(fit_calibration(scores, target, np.arange(60))) >= {"category_scale", "tag_scale", "urgency_scale"}
