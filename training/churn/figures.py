"""The figures that a churn model is judged by, on customers it did not see, each with a 95 % interval.

Every figure takes weights, so that an interval is a resampling of customers: a customer drawn twice weighs twice, and
all rows of it together (Field and Welsh 2007, the cluster bootstrap).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["FIGURES", "figures", "reliability", "roc", "with_intervals"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FIGURES = ("auc", "ap", "brier", "ece", "lift")
BINS = 10
TOP = 0.1  # whom a shop can call: the riskiest tenth


def roc(p: Floats, left: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Give (false, true) positives from the surest down, after each different probability, as weights."""
    order = np.argsort(-p, kind="stable")
    last = np.append(np.diff(p[order]) != 0, True)
    true, false = (np.cumsum((weight * side)[order])[last] for side in (left, 1.0 - left))
    return np.append(0.0, false), np.append(0.0, true)


def reliability(p: Floats, left: Floats, weight: Floats) -> list[tuple[float, float, float]]:
    """Group by probability into bins of equal width: (mean probability, share who left, weight)."""
    where = np.minimum((p * BINS).astype(int), BINS - 1)
    n, mean, share = (np.bincount(where, weight * v, minlength=BINS) for v in (np.ones_like(p), p, left))
    return [(float(mean[b] / n[b]), float(share[b] / n[b]), float(n[b])) for b in np.flatnonzero(n)]


def figures(p: Floats, left: Floats, weight: Floats) -> Floats:
    """Give `FIGURES` of probabilities: area under the ROC curve, average precision, Brier, ECE, lift of the top tenth.

    Parameters
    ----------
    p, left, weight : ndarray of float64, (n,)
    """
    false, true = roc(p, left, weight)
    total, positives = false[-1] + true[-1], true[-1]
    auc = float(np.trapezoid(true, false)) / (positives * false[-1])
    precision = true[1:] / np.maximum(true[1:] + false[1:], 1e-12)  # who weighs nothing may come first
    ap = float((np.diff(true) * precision).sum()) / positives
    brier = float((weight * (p - left) ** 2).sum() / weight.sum())
    ece = sum(n * abs(mean - share) for mean, share, n in reliability(p, left, weight)) / total
    # Customers of one probability are taken in equal parts where the tenth ends among them.
    caught = float(np.interp(TOP * total, false + true, true))
    return np.array([auc, ap, brier, ece, caught / (TOP * total) / (positives / total)])


def with_intervals(repeats: Sequence[Floats], left: Floats, group: Ints, draws: int, seed: int) -> dict[str, float]:
    """Give the mean figures of several rounds of cross-validation, and between what they lie.

    Parameters
    ----------
    repeats : sequence of ndarray of float64, each (n,)
        Held-out probabilities, of one round each.
    left : ndarray of float64, (n,)
    group : ndarray of int64, (n,)
        The customers, which are resampled.
    draws : int
    seed : int

    Returns
    -------
    dict of str to float
        Each of `FIGURES`, with ``_low`` and ``_high``; and ``n``.
    """
    one = np.ones(len(left))
    point = np.mean([figures(p, left, one) for p in repeats], axis=0)
    rng, customers = np.random.default_rng(seed), int(group.max()) + 1
    drawn = []
    for _ in range(draws):
        weight = np.bincount(rng.integers(0, customers, customers), minlength=customers)[group].astype(np.float64)
        drawn.append(np.mean([figures(p, left, weight) for p in repeats], axis=0))
    # A resampled table is further from calibrated than the table itself: the interval is moved back by that much.
    low, high = np.maximum(0.0, np.quantile(drawn, [0.025, 0.975], axis=0) - np.mean(drawn, axis=0) + point)
    out = {"n": float(len(left))}
    for i, name in enumerate(FIGURES):
        out |= {name: float(point[i]), f"{name}_low": float(low[i]), f"{name}_high": float(high[i])}
    return out
