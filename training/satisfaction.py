"""Fit satisfaction: dialogues in, held-out figures and the weights of a release out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, recall_score
from sklearn.model_selection import StratifiedGroupKFold

from features.satisfaction import courses
from features.schema import Ticket
from models.heads import softmax
from models.space import Floats
from training.config import SatisfactionConfig, load_config
from training.data.dialogues import jd_dialogues, jd_turn, post_turn, posts
from training.dataset import Ints
from training.matrices import Matrices, build
from training.metrics import expected_calibration_error
from training.vectors import for_release, opened

__all__ = ["Rated", "figures", "fit", "load_rated"]


@dataclass(frozen=True, slots=True)
class Rated:
    """A customer's turn, rated by people.

    Attributes
    ----------
    ticket : Ticket
        With what was said before.
    dialogue, source : str
    label : int
        0 dissatisfied, 1 neutral, 2 satisfied.
    fine : int or None
        0 to 4 where the source tells five classes.
    """

    ticket: Ticket
    dialogue: str
    source: str
    label: int
    fine: int | None = None


def load_rated() -> list[Rated]:
    """Load all rated turns; raises `FileNotFoundError` where the dialogues are not on this machine.

    JD: every turn by the majority of three readers or more. Micro-blogs: the last turn by the rounded mean of 19.
    """
    rated = []
    for d in jd_dialogues():
        for i, turn in enumerate(d["turns"]):
            if turn["sat"] is not None and turn["user"]:
                text, said = jd_turn(d["turns"], i)
                rated.append(Rated(Ticket("", text, messages=said), f"uss-{d['dialogue_id']}", "jd", int(turn["sat"])))
    for d in posts():
        own = [i for i, t in enumerate(d["turns"]) if t["sender"] == "customer"]
        if own:
            text, said = post_turn(d["turns"], own[-1])
            fine = round(mean(d["quality"]["S"]))  # -2 to 2
            label = int(np.sign(fine)) + 1
            rated.append(Rated(Ticket("", text, messages=said), f"stc3-{d['id']}", "posts", label, fine + 2))
    return rated


@dataclass(frozen=True, slots=True)
class _Features:
    matrices: Matrices
    told: Floats  # (n, course), standardised
    mean: Floats
    scale: Floats
    gram: Floats  # (n, n)


def _features(rated: list[Rated], config: SatisfactionConfig) -> _Features:
    shared = ("seed", "encoder", "ngrams", "min_df", "landmarks", "gamma")
    space = replace(load_config(), **{k: getattr(config, k) for k in shared})
    matrices = build([r.ticket.text for r in rated], space)
    raw = courses([r.ticket for r in rated])
    centre, scale = raw.mean(axis=0), (1.0 / (raw.std(axis=0) + 1e-6)).astype(np.float32)
    told: Floats = ((raw - centre) * scale).astype(np.float32)
    gram: Floats = matrices.gram()
    gram += np.float32(config.course) * told @ told.T
    return _Features(matrices, told, centre, scale, gram)


def _dual(gram: Floats, labels: Ints, classes: int, ridge: float) -> tuple[Floats, Floats]:
    """Solve with every class of the same weight: the dual coefficients ``(n, classes)`` and the bias."""
    size = np.bincount(labels, minlength=classes)
    weight = (1.0 / np.maximum(size, 1))[labels].astype(np.float32)
    weight /= weight.mean()
    goal = np.eye(classes, dtype=np.float32)[labels]
    bias: Floats = ((goal * weight[:, None]).sum(axis=0) / weight.sum()).astype(np.float32)
    solver = KernelRidge(alpha=ridge, kernel="precomputed").fit(gram, goal - bias, sample_weight=weight)
    return solver.dual_coef_.astype(np.float32), bias


def _held(
    gram: Floats, labels: Ints, groups: list[str], classes: int, config: SatisfactionConfig
) -> tuple[Floats, Ints]:
    """Score every row by what did not see its dialogue; give the scores and the folds."""
    scores, fold = np.zeros((len(labels), classes), np.float32), np.zeros(len(labels), np.int64)
    split = StratifiedGroupKFold(config.folds, shuffle=True, random_state=config.seed)
    for k, (train, held) in enumerate(split.split(gram, labels, groups)):
        dual, bias = _dual(gram[np.ix_(train, train)], labels[train], classes, config.ridge)
        scores[held], fold[held] = gram[np.ix_(held, train)] @ dual + bias, k
    return scores, fold


def _calibration(scores: Floats, labels: Ints) -> tuple[Floats, Floats]:
    """Fit a softmax regression from scores to probabilities: ``(classes, classes)`` and ``(classes,)``."""
    model = LogisticRegression(C=1.0, max_iter=1000).fit(scores, labels)
    return model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)


def figures(p: Floats, labels: Ints, usual: Floats) -> dict[str, float]:
    """Give what calibrated probabilities are worth.

    Parameters
    ----------
    p : ndarray, (n, classes)
    labels : ndarray of int64, (n,)
    usual : ndarray, (classes,)
        How often each class occurs: the label that is answered stands highest above it.
    """
    answered, likeliest, own = (p / usual).argmax(axis=1), p.argmax(axis=1), np.arange(len(labels))
    prior = np.bincount(labels, minlength=len(usual)) / len(labels)
    return {
        "n": float(len(labels)),
        "uar": float(recall_score(labels, answered, average="macro")),
        "uar_likeliest": float(recall_score(labels, likeliest, average="macro")),
        "macro_f1": float(f1_score(labels, answered, average="macro")),
        "accuracy": float((answered == labels).mean()),
        "accuracy_likeliest": float((likeliest == labels).mean()),
        "ece": expected_calibration_error(p.max(axis=1), likeliest == labels),
        "log_loss": float(-np.log(np.maximum(p[own, labels], 1e-9)).mean()),
        "log_loss_of_prior": float(-np.log(prior[labels]).mean()),
    }


def _usual(labels: Ints) -> Floats:
    shares: Floats = (np.bincount(labels, minlength=3) / len(labels)).astype(np.float32)
    return shares


def _judge(rated: list[Rated], gram: Floats, config: SatisfactionConfig) -> tuple[dict[str, dict[str, float]], Floats]:
    labels = np.array([r.label for r in rated])
    source = np.array([r.source for r in rated])
    scores, fold = _held(gram, labels, [r.dialogue for r in rated], 3, config)
    p = np.zeros_like(scores)
    for k in range(config.folds):
        scale, offset = _calibration(scores[fold != k], labels[fold != k])
        p[fold == k] = softmax(scores[fold == k] @ scale + offset)
    usual, everyone = _usual(labels), np.ones(len(labels), np.bool_)
    parts = {"all": everyone, **{s: source == s for s in sorted(set(source))}}
    found = {name: figures(p[here], labels[here], usual) for name, here in parts.items()}
    fine = np.flatnonzero([r.fine is not None for r in rated])
    five = np.array([rated[i].fine for i in fine], np.int64)
    if len(fine):
        held, _ = _held(gram[np.ix_(fine, fine)], five, [rated[i].dialogue for i in fine], 5, config)
        uar = recall_score(five, held.argmax(axis=1), average="macro")
        found["posts, five classes"] = {"n": float(len(fine)), "uar": float(uar)}
    return found, scores


def fit(
    rated: list[Rated], config: SatisfactionConfig
) -> tuple[dict[str, npt.NDArray[Any]], Mapping[str, Any], dict[str, dict[str, float]]]:
    """Judge by dialogues held out, then fit on all.

    Returns
    -------
    tuple
        The tensors of a release, its configuration, and the figures by source.
    """
    f = _features(rated, config)
    found, scores = _judge(rated, f.gram, config)
    labels = np.array([r.label for r in rated])
    scale, offset = _calibration(scores, labels)
    dual, bias = _dual(f.gram, labels, 3, config.ridge)
    m = f.matrices
    half = {"idf": m.space.idf, "landmarks": m.space.landmarks, "ngrams": m.wide.T @ dual}
    full = {
        "mean": m.space.mean, "dense": m.whiten @ (m.deep.T @ dual), "course": config.course * f.told.T @ dual,
        "course_mean": f.mean, "course_scale": f.scale, "bias": bias, "scale": scale, "offset": offset,
    }  # fmt: skip
    tensors = {
        "buckets": m.buckets.astype(np.int32),
        **{k: v.astype(np.float16) for k, v in half.items()},
        **{k: v.astype(np.float32) for k, v in full.items()},
    }
    encoder, _ = for_release(opened(config.encoder))
    return tensors, {"encoder": encoder, "gamma": config.gamma, "usual": [float(u) for u in _usual(labels)]}, found
