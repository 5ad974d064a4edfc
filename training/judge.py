"""Held-out figures: what models say of rows they did not see, and what may be automated on the strength of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from features.taxonomy import Taxonomy
from features.text import normalize
from models.heads import Probabilities
from models.silence import hushed
from models.space import Floats
from training.autonomy import autonomy
from training.calibrate import cross_apply, cross_fit, isotonic
from training.config import TriageConfig
from training.data.leaks import folds_by_content
from training.dataset import Dataset, Ints, family
from training.heads import Linear, fit_heads
from training.matrices import Matrices, Targets
from training.metrics import by_label, choose_tag_floor, decode_tags, errors, expected_calibration_error, score

__all__ = [
    "HeldOut",
    "Judged",
    "Score",
    "Voice",
    "answer_unseen",
    "deal",
    "hold_out",
    "judge",
    "score_unseen",
    "together",
]

# Texts to raw scores, ``(n, outputs)``, by all that was fitted without one fold, whatever kind of model that is.
Score = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class Voice:
    """What answers beside the linear heads, fitted on the same folds.

    Attributes
    ----------
    held : ndarray of float32, (len(data.judged), outputs)
        What it says of the rows it did not see.
    score : tuple of Score
        One for each fold.
    """

    held: Floats
    score: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What models say of judged rows that they did not see, fold by fold.

    Attributes
    ----------
    rows : ndarray of int64, (j,)
    fold : ndarray of int64, (j,)
    scores : ndarray of float32, (j, outputs)
    p : Probabilities
        Calibrated across folds.
    score : tuple of callable
        By fold: scores any texts by what did not see the fold; on the fold's own texts it gives `scores`.
    freedom : float
        Of the calibration.
    """

    rows: Ints
    fold: Ints
    scores: Floats
    p: Probabilities
    score: tuple[Score, ...]
    freedom: float = 1.0


@dataclass(frozen=True, slots=True)
class Judged:
    """All held-out figures of a run.

    Attributes
    ----------
    held : HeldOut
    shown : ndarray of int64
        Which rows the figures are of.
    floor : float
        From which probability on a tag is given.
    metrics : dict of str to dict
        By source, and ``all``.
    labels : dict of str to dict
        Precision, recall, F1 and support by label.
    autonomy : dict of str to dict
        By field and label: thresholds, with precision, its bound and coverage.
    errors : list of dict
        Wrong categories, the surest first.
    """

    held: HeldOut
    shown: Ints
    floor: float
    metrics: dict[str, dict[str, float]]
    labels: dict[str, dict[str, float]]
    autonomy: dict[str, dict[str, float]]
    errors: list[dict[str, Any]]


def deal(data: Dataset, config: TriageConfig) -> Ints:
    """Deal the judged rows into folds that share no content, ``(len(data.judged),)``."""
    return folds_by_content([data.rows[i] for i in data.judged], config.folds, config.seed)


def score_unseen(
    matrices: Matrices, target: Targets, data: Dataset, config: TriageConfig
) -> tuple[Ints, Floats, list[Linear]]:
    """Score every judged row by linear heads fitted without its fold, nor its rows in other words.

    Returns
    -------
    ndarray of int64, (len(data.judged),)
        The folds.
    ndarray of float32, (len(data.judged), outputs)
        The raw scores.
    list of Linear
        The heads of every fold.
    """
    fold = deal(data, config)
    scores = np.zeros((len(data.judged), sum(target.sizes)), np.float32)
    every = []
    for k in range(config.folds):
        held = data.judged[fold == k]
        train = data.unseen(held)
        heads = fit_heads(matrices, target, train, data.weight[train], config.ridge, config.ngram_share)
        scores[fold == k] = heads.scores(matrices, held)
        every.append(heads)
    return fold, scores, every


def hold_out(
    matrices: Matrices, target: Targets, data: Dataset, config: TriageConfig, beside: Voice | None = None
) -> HeldOut:
    """Score every judged row by heads fitted without its fold.

    Parameters
    ----------
    matrices : Matrices
    target : Targets
    data : Dataset
    config : TriageConfig
    beside : Voice, optional
    """
    fold, scores, heads = score_unseen(matrices, target, data, config)
    score: list[Score] = [partial(h.score_texts, matrices.space) for h in heads]
    if beside is not None:
        scores = np.hstack([scores, beside.held])
        score = [partial(together, one, other) for one, other in zip(score, beside.score, strict=True)]
    p = cross_fit(scores, target, data.judged, fold, config.freedom)
    return HeldOut(data.judged, fold, scores, p, tuple(score), config.freedom)


def together(one: Score, other: Score, texts: Sequence[str]) -> Floats:
    """Let two score texts side by side."""
    return np.hstack([one(texts), other(texts)])


def answer_unseen(
    held: HeldOut, target: Targets, taxonomy: Taxonomy, texts: Sequence[str], fold: Ints
) -> Probabilities:
    """Answer texts that are not among the rows, each by what did not see its fold.

    Parameters
    ----------
    held : HeldOut
    target : Targets
    taxonomy : Taxonomy
    texts : sequence of str
    fold : ndarray of int64, (len(texts),)
        That of the row which a text is another version of.

    Returns
    -------
    Probabilities
        For a row's own text what ``held.p`` says of it.
    """
    scores = np.zeros((len(texts), held.scores.shape[1]), np.float32)
    for k in np.unique(fold):
        here = np.flatnonzero(fold == k)
        scores[here] = held.score[k]([texts[i] for i in here.tolist()])
    p = cross_apply(scores, fold, held.scores, target, held.rows, held.fold, held.freedom)
    return hushed(p, [normalize(t) for t in texts], taxonomy)


def judge(
    matrices: Matrices,
    target: Targets,
    data: Dataset,
    taxonomy: Taxonomy,
    config: TriageConfig,
    beside: Voice | None = None,
) -> Judged:
    """Cross-validate, calibrate across folds, and take all figures; ``beside`` as in `hold_out`.

    Notes
    -----
    Figures are of the judged rows of the first family in ``config.judged`` that is there (gold): the others help to
    calibrate. They are cross-validated, folds disjoint by content; the calibration is fitted across the same folds,
    never on a row's own truth.
    """
    held = hold_out(matrices, target, data, config, beside)
    held = replace(held, p=hushed(held.p, [normalize(data.rows[i].text) for i in held.rows], taxonomy))
    truth = target.values[held.rows][:, target.sizes[0] : sum(target.sizes[:2])] > 0.5
    floor = choose_tag_floor(held.p, truth, taxonomy) if taxonomy.tags else 0.5
    tags = decode_tags(held.p, floor, taxonomy)
    first = next((f for f in config.judged if any(family(data.rows[i].source) == f for i in held.rows)), None)
    shown = np.array([first is None or family(data.rows[i].source) == first for i in held.rows])
    p = Probabilities(held.p.category[shown], held.p.tags[shown], held.p.urgency[shown])
    rows = held.rows[shown]
    metrics = score(p, target, rows, [data.rows[i].source for i in rows], tags[shown])
    metrics["all"]["category_ece_isotonic"] = _isotonic(held, target, shown)
    return Judged(
        held=held,
        shown=rows,
        floor=floor,
        metrics=metrics,
        labels=by_label(p, target, rows, tags[shown], taxonomy),
        autonomy=autonomy(held.p, target, held.rows, tags, taxonomy, config),
        errors=errors(p, target, rows, data.rows, taxonomy),
    )


def _isotonic(held: HeldOut, target: Targets, shown: npt.NDArray[np.bool_]) -> float:
    """ECE if isotonic regression were laid over the temperature: the rival that every run is measured against."""
    right = target.values[held.rows][:, : target.sizes[0]].argmax(axis=1) == held.p.category.argmax(axis=1)
    p = isotonic(held.p.category.max(axis=1), right, held.fold)
    return expected_calibration_error(p[shown], right[shown])
