"""Repeated cross-validation: the figures of a run, beside its rivals', on three ways to deal rows into folds.

``customers``
    All rows of a customer stand in one fold: what a shop will meet. Everything else is compared with this.
``content``
    Equal rows stand in one fold, changed copies may not.
``random``
    Rows are dealt as they come: what is often published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from models.churn import sigmoid
from training.churn.copies import customer_weights
from training.churn.figures import with_intervals
from training.churn.learn import fit_trees
from training.churn.matrix import Floats, Matrix
from training.churn.rivals import RIVALS
from training.config import ChurnConfig

__all__ = ["Held", "Judged", "calibrate", "deal", "held_margins", "judge"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Held:
    """What a model said of customers it did not see.

    Attributes
    ----------
    margins : ndarray of float64, (repeats, n)
        Before calibration.
    p : ndarray of float64, (repeats, n)
        Calibrated by the other folds.
    """

    margins: Floats
    p: Floats


@dataclass(frozen=True, slots=True)
class Judged:
    """All held-out figures of a run.

    Attributes
    ----------
    metrics : dict of str to dict of str to float
        By ``<deal>`` for ours, and ``<deal>/<rival>``.
    held : Held
        On the deal that the release is made for.
    rivals : dict of str to ndarray of float64, each (n,)
        Their probabilities in the first round of that deal, for plots.
    calibration : tuple of float
        Slope and offset for the release.
    """

    metrics: dict[str, dict[str, float]]
    held: Held
    rivals: dict[str, Floats]
    calibration: tuple[float, float]


def deal(left: Floats, group: Ints, folds: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Deal rows into folds, groups whole and outcomes spread evenly: (rows to learn from, rows to judge)."""
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    yield from split.split(np.zeros(len(left)), left, group)


def calibrate(margins: Floats, left: Floats) -> tuple[float, float]:
    """Fit Platt's slope and offset; the slope is never below a tenth, so that the order of customers stands."""
    model = LogisticRegression(C=1e6, max_iter=1000).fit(margins.reshape(-1, 1), left)
    return max(0.1, float(model.coef_[0, 0])), float(model.intercept_[0])


def held_margins(matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig, repeat: int) -> Held:
    """Judge every row once by trees that did not see its group."""
    margins, p, fold = np.zeros(len(left)), np.zeros(len(left)), np.zeros(len(left), int)
    weight = customer_weights(group)
    for k, (train, held) in enumerate(deal(left, group, config.folds, config.seed + repeat)):
        model = fit_trees(matrix, train, left, weight, config, config.seed + repeat)
        margins[held], fold[held] = model.decision_function(matrix.x[held]), k
    for k in range(config.folds):
        slope, offset = calibrate(margins[fold != k], left[fold != k])
        p[fold == k] = sigmoid(slope * margins[fold == k] + offset)
    return Held(margins[None], p[None])


def _rival(name: str, matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig, repeat: int) -> Floats:
    p = np.zeros(len(left))
    for train, held in deal(left, group, config.folds, config.seed + repeat):
        p[held] = RIVALS[name](matrix, train, left, held)
    return p


def judge(matrix: Matrix, left: Floats, groups: Mapping[str, Ints], config: ChurnConfig) -> Judged:
    """Take all figures.

    Parameters
    ----------
    matrix : Matrix
    left : ndarray of float64, (n,)
    groups : mapping of str to ndarray of int64, each (n,)
        The deals; ``customers`` among them, whose customers are what every interval resamples.
    config : ChurnConfig
    """
    metrics: dict[str, dict[str, float]] = {}
    ours: dict[str, Held] = {}
    rivals: dict[str, Any] = {}
    customers, meant = groups["customers"], config.deal if config.deal in groups else "customers"
    for name, group in groups.items():
        rounds = [held_margins(matrix, left, group, config, r) for r in range(config.repeats)]
        ours[name] = Held(np.concatenate([r.margins for r in rounds]), np.concatenate([r.p for r in rounds]))
        metrics[name] = with_intervals(list(ours[name].p), left, customers, config.draws, config.seed)
        for rival in RIVALS:
            told = [_rival(rival, matrix, left, group, config, r) for r in range(config.repeats)]
            metrics[f"{name}/{rival}"] = with_intervals(told, left, customers, config.draws, config.seed)
            if name == meant:
                rivals[rival] = told[0]
    held = ours[meant]
    slope, offset = calibrate(held.margins.ravel(), np.tile(left, config.repeats))
    return Judged(metrics, held, rivals, (slope, offset))
