"""What every column is worth: shuffled in what is judged, and left out of what is learnt from; and what gaps cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from models.churn import sigmoid
from training.churn.copies import customer_weights
from training.churn.figures import FIGURES, figures
from training.churn.judge import calibrate, deal
from training.churn.learn import fit_trees
from training.churn.matrix import Floats, Matrix
from training.config import ChurnConfig

__all__ = ["column_costs", "gap_costs"]

Ints = npt.NDArray[np.int64]


def _figures(margins: Floats, left: Floats) -> Floats:
    slope, offset = calibrate(margins, left)
    return figures(sigmoid(slope * margins + offset), left, np.ones(len(left)))


def _models(matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig) -> list[tuple[Any, Ints]]:
    """Fit one round of folds: each model with the rows that it did not see."""
    weight = customer_weights(group)
    dealt = deal(left, group, config.folds, config.seed)
    return [(fit_trees(matrix, train, left, weight, config, config.seed), held) for train, held in dealt]


def _margins(models: list[tuple[Any, Ints]], x: Floats) -> Floats:
    out = np.zeros(len(x))
    for model, held in models:
        out[held] = model.decision_function(x[held])
    return out


def _without(matrix: Matrix, column: int) -> Matrix:
    def rest(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return row[:column] + row[column + 1 :]

    return Matrix(np.delete(matrix.x, column, axis=1), rest(matrix.fields), rest(matrix.levels))


def column_costs(matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig) -> dict[str, dict[str, float]]:
    """Tell by how much the held-out figures change without each column.

    Returns
    -------
    dict of str to dict of str to float
        By field: ``shuffled_auc``, ``shuffled_brier`` (its values dealt anew among the customers that are judged) and
        ``dropped_auc``, ``dropped_brier`` (learnt without it); positive AUC and negative Brier mean that it is missed.
    """
    models = _models(matrix, left, group, config)
    whole = _figures(_margins(models, matrix.x), left)
    auc, brier = FIGURES.index("auc"), FIGURES.index("brier")
    rng, out = np.random.default_rng(config.seed), {}
    for c, field in enumerate(matrix.fields):
        shuffled = []
        for _ in range(config.shuffles):
            x = matrix.x.copy()
            x[:, c] = rng.permutation(x[:, c])
            shuffled.append(_figures(_margins(models, x), left))
        rest = _without(matrix, c)
        dropped = _figures(_margins(_models(rest, left, group, config), rest.x), left)
        mean = np.mean(shuffled, axis=0)
        out[field.name] = {
            "shuffled_auc": float(whole[auc] - mean[auc]),
            "shuffled_brier": float(whole[brier] - mean[brier]),
            "dropped_auc": float(whole[auc] - dropped[auc]),
            "dropped_brier": float(whole[brier] - dropped[brier]),
        }
    return out


def gap_costs(matrix: Matrix, left: Floats, group: Ints, config: ChurnConfig) -> dict[str, dict[str, float]]:
    """Give the held-out figures where less is known: every field unknown half of the time, learnt with gaps or without.

    Calibrated on full records, as a release is.
    """
    x = np.where(np.random.default_rng(config.seed).random(matrix.x.shape) < 0.5, np.nan, matrix.x)
    out = {}
    for name, how in (("half known", config), ("half known/learnt without gaps", replace(config, blanked=0))):
        models = _models(matrix, left, group, how)
        slope, offset = calibrate(_margins(models, matrix.x), left)
        p = sigmoid(slope * _margins(models, x) + offset)
        told = figures(p, left, np.ones(len(left)))
        out[name] = {"n": float(len(left)), **dict(zip(FIGURES, map(float, told), strict=True))}
    return out
