"""What every column is worth: shuffled in what is judged, and left out of what is learnt from; and what gaps cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from training.churn.calibrate import calibrated, calibration
from training.churn.figures import FIGURES, figures
from training.churn.judge import folds, held_parts, unseen_parts
from training.churn.matrix import Floats, Matrix
from training.config import ChurnConfig

__all__ = ["column_costs", "gap_costs"]

Ints = npt.NDArray[np.int64]


def _figures(parts: Floats, how: Floats, left: Floats) -> Floats:
    return figures(calibrated(parts, how), left, np.ones(len(left)))


def _boosted(matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig) -> Floats:
    """Judge boosting alone."""
    parts = held_parts(folds(matrix, left, group, replace(config, forest=0)), matrix.x, config.seed)
    return _figures(parts[0], calibration(parts, left), left)


def _without(matrix: Matrix, column: int) -> Matrix:
    def rest(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return row[:column] + row[column + 1 :]

    return Matrix(
        np.delete(matrix.x, column, axis=1), rest(matrix.fields), rest(matrix.levels), np.delete(matrix.steps, column)
    )


def column_costs(matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig) -> dict[str, dict[str, float]]:
    """Tell by how much the held-out figures change without each column.

    Returns
    -------
    dict of str to dict of str to float
        By field: ``shuffled_auc``, ``shuffled_brier`` (its values dealt anew among the customers that are judged) and
        ``dropped_auc``, ``dropped_brier`` (learnt without it, by boosting alone: a forest takes long);
        positive AUC and negative Brier mean that it is missed.
    """
    models = folds(matrix, left, group, config)
    parts = held_parts(models, matrix.x, config.seed)
    how = calibration(parts, left)
    whole, alone = _figures(parts[0], how, left), _boosted(matrix, left, group, config)
    auc, brier = FIGURES.index("auc"), FIGURES.index("brier")
    rng, out = np.random.default_rng(config.seed), {}
    for c, field in enumerate(matrix.fields):
        shuffled = []
        for _ in range(config.shuffles):
            x = matrix.x.copy()
            x[:, c] = rng.permutation(x[:, c])
            shuffled.append(_figures(unseen_parts(models, x), how, left))
        dropped = _boosted(_without(matrix, c), left, group, config)
        mean = np.mean(shuffled, axis=0)
        out[field.name] = {
            "shuffled_auc": float(whole[auc] - mean[auc]),
            "shuffled_brier": float(whole[brier] - mean[brier]),
            "dropped_auc": float(alone[auc] - dropped[auc]),
            "dropped_brier": float(alone[brier] - dropped[brier]),
        }
    return out


def gap_costs(matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig) -> dict[str, dict[str, float]]:
    """Give the held-out figures where less is known: every field unknown half of the time, learnt with gaps or without.

    Calibrated as a release is.
    """
    x = np.where(np.random.default_rng(config.seed).random(matrix.x.shape) < 0.5, np.nan, matrix.x)
    out = {}
    for name, how in (("half known", config), ("half known/learnt without gaps", replace(config, blanked=0.0))):
        models = folds(matrix, left, group, how)
        told = _figures(unseen_parts(models, x), calibration(held_parts(models, matrix.x, config.seed), left), left)
        out[name] = {"n": float(len(left)), **dict(zip(FIGURES, map(float, told), strict=True))}
    return out
