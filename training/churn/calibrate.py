"""From what boosting and forest say to a probability that holds, for full records and for those with gaps."""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.churn import sigmoid
from training.churn.matrix import Floats

__all__ = ["calibrate", "calibrated", "calibration"]

# What records with gaps count beside full ones: the figures of full ones are the same from .1 to 1, and an empty one is
# told 22 to 20 %.
GAPS_COUNT: Final = 0.5


def calibrate(parts: Floats, left: Floats, weight: Floats) -> Floats:
    """Fit Platt's method to both parts of a margin, as much as is known of a customer: ``(2, 3)``.

    Parameters
    ----------
    parts : ndarray of float64, (n, 3)
        See `training.churn.learn.Fitted.parts`.
    left, weight : ndarray of float64, (n,)

    Returns
    -------
    ndarray of float64, (2, 3)
        What boosting and forest count and what is added: for a customer of whom all is known, and of whom nothing is.
        Between them it is in proportion. No part counts less than nothing, so that the order of customers stands.
    """
    for used in ([0, 1], [0], [1]):
        if parts[:, used].any(axis=0).all():
            x = np.hstack([parts[:, used], parts[:, used] * parts[:, [2]], parts[:, [2]]])
            model = LogisticRegression(C=1e3, max_iter=5000).fit(x, left, weight)
            k, own = len(used), model.coef_[0]
            out = np.zeros((2, 3))
            out[0, used], out[1, used] = own[:k], own[:k] + own[k : 2 * k]
            out[:, 2] = model.intercept_[0], model.intercept_[0] + own[-1]
            if (out[0, used] > 0).all():
                break
    out[:, :2] = np.maximum(out[:, :2], 0.0)
    if not out[0, :2].any():
        out[0, 0] = 0.1
    return out


def calibrated(parts: Floats, calibration: Floats) -> Floats:
    """Turn parts ``(n, 3)`` into risks ``(n,)``."""
    count = calibration[0] + parts[:, [2]] * (calibration[1] - calibration[0])  # (n, 3)
    return sigmoid(count[:, 0] * parts[:, 0] + count[:, 1] * parts[:, 1] + count[:, 2])


def calibration(parts: Floats, left: Floats) -> Floats:
    """Calibrate on records as they are and with gaps, ``(2, n, 3)``."""
    weight = np.repeat([1.0, GAPS_COUNT], len(left))
    return calibrate(parts.reshape(-1, 3), np.tile(left, 2), weight)
