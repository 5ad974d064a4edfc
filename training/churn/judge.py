"""Repeated cross-validation: the figures of a run, beside its rivals', on three ways to deal rows into folds.

``customers``
    All rows of a customer stand in one fold: what a shop will meet. Everything else is compared with this.
``content``
    Equal rows stand in one fold, changed copies may not.
``random``
    Rows are dealt as they come: what is often published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from training.churn.calibrate import calibrated, calibration
from training.churn.copies import customer_weights
from training.churn.figures import with_intervals
from training.churn.learn import Fitted, fit_trees
from training.churn.matrix import Floats, Matrix, blanked
from training.churn.rivals import RIVALS
from training.config import ChurnConfig

__all__ = ["Held", "Judged", "deal", "folds", "held_out", "held_parts", "judge", "unseen_parts"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Held:
    """What models said of customers they did not see.

    Attributes
    ----------
    parts : ndarray of float64, (repeats, 2, n, 3)
        Before calibration: of the records as they are, and with fields left out.
    p : ndarray of float64, (repeats, n)
        Calibrated by the other folds.
    """

    parts: Floats
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
    calibration : ndarray of float64, (2, 3)
        For the release.
    """

    metrics: dict[str, dict[str, float]]
    held: Held
    rivals: dict[str, Floats]
    calibration: Floats


def deal(left: Floats, group: Ints, folds: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Deal rows into folds, groups whole and outcomes spread evenly: (rows to learn from, rows to judge)."""
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    yield from split.split(np.zeros(len(left)), left, group)


def held_parts(models: Sequence[tuple[Fitted, Ints]], x: Floats, seed: int) -> Floats:
    """Say of every row what the model says that did not see it, as it is and with gaps, ``(2, n, 3)``."""
    return np.stack([unseen_parts(models, x), unseen_parts(models, blanked(x, seed + 1))])


def unseen_parts(models: Sequence[tuple[Fitted, Ints]], x: Floats) -> Floats:
    """Say of every row what the model says that did not see it, ``(n, 3)``."""
    out = np.zeros((len(x), 3))
    for model, held in models:
        out[held] = model.parts(x[held])
    return out


def folds(matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig, repeat: int = 0) -> list[tuple[Fitted, Ints]]:
    """Fit one round of folds: each model with the rows that it did not see."""
    weight, seed = customer_weights(group), config.seed + repeat
    dealt = deal(left, group, config.folds, seed)
    return [(fit_trees(matrix, train, left, weight, config, seed), held) for train, held in dealt]


def held_out(matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig, repeat: int) -> Held:
    """Judge every row once by trees that did not see its group."""
    models, p = folds(matrix, left, group, config, repeat), np.zeros(len(left))
    parts = held_parts(models, matrix.x, config.seed + repeat)
    for _, held in models:
        rest = np.setdiff1d(np.arange(len(left)), held)
        p[held] = calibrated(parts[0, held], calibration(parts[:, rest], left[rest]))
    return Held(parts[None], p[None])


def _rival(name: str, matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig, repeat: int) -> Floats:
    p = np.zeros(len(left))
    for train, held in deal(left, group, config.folds, config.seed + repeat):
        p[held] = RIVALS[name](matrix, train, left, held)
    return p


def _versions(config: ChurnConfig, matrix: Matrix) -> dict[str, ChurnConfig]:
    """Give what is released, and, where it is told how copies are made, the same without that."""
    told = config.stepped and matrix.steps.any()
    return {"": config} | ({"/ours not told of copies": replace(config, stepped=0.0)} if told else {})


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
        for also, how in _versions(config, matrix).items():
            rounds = [held_out(matrix, left, group, how, r) for r in range(config.repeats)]
            told = np.concatenate([r.p for r in rounds])
            metrics[name + also] = with_intervals(list(told), left, customers, config.draws, config.seed)
            ours[name + also] = Held(np.concatenate([r.parts for r in rounds]), told)
        for rival in RIVALS:
            theirs = [_rival(rival, matrix, left, group, config, r) for r in range(config.repeats)]
            metrics[f"{name}/{rival}"] = with_intervals(theirs, left, customers, config.draws, config.seed)
            if name == meant:
                rivals[rival] = theirs[0]
    held = ours[meant]
    every = np.concatenate(list(held.parts), axis=1)  # (2, repeats * n, 3)
    return Judged(metrics, held, rivals, calibration(every, np.tile(left, config.repeats)))
