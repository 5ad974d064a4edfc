"""From held-out scores to probabilities, and from probabilities to thresholds with a bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from scipy.stats import beta
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from models.heads import Heads, Probabilities
from models.space import Floats
from training.matrices import Targets

__all__ = [
    "Pick",
    "apply_calibration",
    "cross_apply",
    "cross_fit",
    "fit_calibration",
    "isotonic",
    "lower_bound",
    "pick_threshold",
]

NEVER = 1.01  # no probability reaches it


def _spoken(scores: Floats, target: Targets) -> Floats:
    """Give the scores by voice, ``(n, voices, outputs)``."""
    return scores.reshape(len(scores), -1, sum(target.sizes))


def _spread(scores: Floats) -> Floats:
    """Give the standard deviation of every voice of ``(n, voices, k)``, as a column ``(voices, 1)``."""
    spread: Floats = scores.std(axis=(0, 2))[:, None].astype(np.float32)
    return np.where(spread > 0, spread, 1.0).astype(np.float32)


def _of_category(scores: Floats, labels: npt.NDArray[np.int64], freedom: float) -> tuple[Floats, Floats]:
    """Fit a softmax regression over scores ``(n, voices, c)``: ``(voices * c, c)`` and ``(c,)``."""
    n, voices, c = scores.shape
    spread = np.repeat(_spread(scores), c, axis=1).reshape(-1, 1)  # (voices * c, 1)
    scale, bias = np.tile(np.eye(c, dtype=np.float32), (voices, 1)) / spread, np.full(c, -20.0, np.float32)
    present = np.unique(labels)
    if len(present) < 2:
        return scale, np.zeros(c, np.float32)
    flat = scores.reshape(n, -1) / spread.T
    model = LogisticRegression(C=freedom, max_iter=1000).fit(flat, labels)
    if len(present) == 2:  # scikit-learn keeps one column for two classes
        coefficients = np.vstack([np.zeros_like(model.coef_), model.coef_])
        intercepts = np.array([0.0, model.intercept_[0]])
    else:
        coefficients, intercepts = model.coef_, model.intercept_
    if freedom < 1.0:  # a stiff map ranks well, and is timid
        stretch = _stretch(flat @ coefficients.T + intercepts, np.searchsorted(present, labels))
        coefficients, intercepts = coefficients * stretch, intercepts * stretch
    scale[:, present] = coefficients.T / spread
    bias[present] = intercepts
    return scale, bias


def _stretch(logits: Floats, labels: npt.NDArray[np.int64]) -> float:
    """Give the factor of logits ``(n, c)`` that makes the labels likeliest: the inverse of a temperature."""

    def surprise(log_factor: float) -> float:
        stretched = logits * np.exp(log_factor)
        return float((logsumexp(stretched, axis=1) - stretched[np.arange(len(labels)), labels]).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-1.0, 4.0), method="bounded").x))


def _of_tags(scores: Floats, truth: Floats) -> tuple[Floats, float]:
    """Fit one slope a voice and one offset for all tags (Platt): scores ``(n, voices, t)``, truth ``(n, t)``."""
    voices = scores.shape[1]
    if not 0 < truth.sum() < truth.size:
        return np.ones(voices, np.float32), 0.0
    flat = scores.transpose(0, 2, 1).reshape(-1, voices)
    model = LogisticRegression(C=100.0).fit(flat, truth.ravel())
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def _of_step(scores: Floats, truth: Floats) -> tuple[Floats, float]:
    """Fit a logistic step over all scores ``(n, voices, outputs)``."""
    n, voices, outputs = scores.shape
    if not 0 < truth.sum() < len(truth):
        return np.zeros(voices * outputs, np.float32), 8.0 if truth.all() else -8.0
    # The linear heads' scores lie between 0 and 1: what is louder is brought down to them.
    louder = np.repeat(np.maximum(_spread(scores) / _spread(scores[:, :1]), 1.0), outputs, axis=1).ravel()
    model = LogisticRegression(C=3.0, max_iter=500).fit(scores.reshape(n, -1) / louder, truth)
    return (model.coef_[0] / louder).astype(np.float32), float(model.intercept_[0])


def fit_calibration(
    scores: Floats, target: Targets, rows: npt.NDArray[np.int64], freedom: float = 1.0
) -> dict[str, Floats]:
    """Fit the maps from held-out scores to probabilities.

    Parameters
    ----------
    scores : ndarray, (len(rows), voices * outputs)
        Of heads, and of a network, that did not see these rows.
    target : Targets
    rows : ndarray of int64
        Where in `target` the truth stands.
    freedom : float
        Inverse penalty of the softmax regression.

    Returns
    -------
    dict of str to ndarray
        As `models.heads.Heads.calibration` names them: a softmax regression over category scores, one slope a voice
        for all tags (Platt), and for urgency logistic steps over all scores, so that a complaint or a hazard tag
        speaks too.
    """
    c, t, u = target.sizes
    truth, spoken = target.values[rows], _spoken(scores, target)
    voices = spoken.shape[1]
    told = ~np.isnan(truth[:, 0])
    scale, bias = _of_category(spoken[told, :, :c], truth[told, :c].argmax(axis=1), freedom)
    out = {"category_scale": scale.astype(np.float32), "category_bias": bias}
    tagged = ~np.isnan(truth[:, c : c + t]).any(axis=1)
    slopes, offset = _of_tags(spoken[tagged, :, c : c + t], truth[tagged, c : c + t])
    out["tag_scale"] = np.tile(slopes[:, None], (1, t)).astype(np.float32)  # (voices, t)
    out["tag_bias"] = np.full(t, offset, np.float32)
    steps = truth[:, c + t :]
    urgent = ~np.isnan(steps).any(axis=1)
    fits = [_of_step(spoken[urgent], steps[urgent, k]) for k in range(u)]
    out["urgency_scale"] = np.array([f for f, _ in fits], np.float32).reshape(u, voices * sum(target.sizes)).T
    out["urgency_bias"] = np.array([b for _, b in fits], np.float32)
    return out


def apply_calibration(scores: Floats, target: Targets, calibration: dict[str, Floats]) -> Probabilities:
    """Apply it with the code that answers."""
    outputs = sum(target.sizes)
    nothing = np.zeros((0, outputs), np.float32)
    return Heads(nothing, nothing, np.zeros(outputs, np.float32), calibration, target.sizes).calibrate(scores)


def cross_fit(
    scores: Floats,
    target: Targets,
    rows: npt.NDArray[np.int64],
    fold: npt.NDArray[np.int64],
    freedom: float = 1.0,
) -> Probabilities:
    """Calibrate every fold by the others, so that no probability was fitted on its own truth."""
    return cross_apply(scores, fold, scores, target, rows, fold, freedom)


def cross_apply(
    new: Floats,
    new_fold: npt.NDArray[np.int64],
    scores: Floats,
    target: Targets,
    rows: npt.NDArray[np.int64],
    fold: npt.NDArray[np.int64],
    freedom: float = 1.0,
) -> Probabilities:
    """Calibrate new scores of the same folds as `cross_fit` does the rows' own.

    Parameters
    ----------
    new : ndarray, (m, outputs)
        Of texts that belong to a fold: a held-out row's in other words.
    new_fold : ndarray of int64, (m,)
    scores : ndarray, (len(rows), outputs)
        Held out; what the calibration is fitted on.
    target : Targets
    rows, fold : ndarray of int64
    freedom : float
        As in `fit_calibration`.
    """
    c, t, u = target.sizes
    p = Probabilities(*(np.zeros((len(new), k), np.float32) for k in (c, t, u + 1 if u else 1)))
    for k in np.unique(new_fold):
        out, here = fold != k, new_fold == k
        fitted = fit_calibration(scores[out], target, rows[out], freedom)
        part = apply_calibration(new[here], target, fitted)
        p.category[here], p.tags[here], p.urgency[here] = part.category, part.tags, part.urgency
    return p


def lower_bound(right: int, n: int, confidence: float) -> float:
    """One-sided Clopper-Pearson lower bound of a share: ``right`` of ``n``."""
    return float(beta.ppf(1 - confidence, right, n - right + 1)) if right else 0.0


@dataclass(frozen=True, slots=True)
class Pick:
    """A threshold with what it held on held-out tickets."""

    threshold: float
    precision: float
    coverage: float
    bound: float


def pick_threshold(p: Floats, right: npt.NDArray[np.bool_], wanted: float, confidence: float) -> Pick:
    """Choose the lowest threshold above which at least `wanted` is right, with confidence.

    Shares of the surest tickets (2 %, 4 %, …) are tested in this fixed order, and the search stops at the first whose
    bound fails: fixed-sequence testing, which needs no correction for the number of tests (Bauer 1991; as in
    Learn-then-Test, Angelopoulos et al. 2021). Shares too small for any bound to hold are passed over, whatever their
    outcome; that looks at more than strict fixed sequences do, and the tests simulate that the promise is kept.
    """
    best = Pick(NEVER, float("nan"), 0.0, float("nan"))
    for share in np.linspace(0.02, 1.0, 50):
        threshold = float(np.quantile(p, 1 - share))
        above = p >= threshold
        n, hits = int(above.sum()), int(right[above].sum())
        bound = lower_bound(hits, n, confidence)
        if n >= 30 and bound < wanted:
            # A handful of the surest tickets cannot prove 95 %: only give up once there were enough to do so.
            if best.coverage or n * (1 - wanted) > 10:
                break
            continue
        if bound >= wanted:
            best = Pick(round(threshold, 4), hits / n, n / len(p), bound)
    return best


def isotonic(p: Floats, right: npt.NDArray[np.bool_], fold: npt.NDArray[np.int64]) -> Floats:
    """Recalibrate the top probability by isotonic regression across folds, to compare with temperature."""
    out = np.zeros_like(p)
    for k in np.unique(fold):
        model = IsotonicRegression(out_of_bounds="clip", y_min=0.0, y_max=1.0)
        out[fold == k] = model.fit(p[fold != k], right[fold != k]).predict(p[fold == k])
    return out
