"""Fit a triage release: rows in, held-out figures and a verified release out."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError
from features.taxonomy import Taxonomy
from models.heads import Probabilities
from models.space import Floats
from training.calibrate import cross_fit, fit_calibration, isotonic, pick_threshold
from training.config import TriageConfig
from training.data import Row, Table, content_key, load_table
from training.data.leaks import drop_copies, folds_by_content
from training.heads import Linear, fit_heads
from training.matrices import Matrices, Targets, build, targets
from training.metrics import by_label, choose_tag_floor, decode_tags, errors, expected_calibration_error, score

__all__ = ["Dataset", "Fitted", "HeldOut", "fit", "gather", "hold_out"]

log = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of a run, free of copies of judged tickets.

    Attributes
    ----------
    rows : tuple of Row
    weight : ndarray of float32, (n,)
    judged : ndarray of int64
        Where the rows stand that are held out by turns.
    tables : tuple of Table
        Where they came from, for the run's log.
    """

    rows: tuple[Row, ...]
    weight: Floats
    judged: Ints
    tables: tuple[Table, ...]


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
    """

    rows: Ints
    fold: Ints
    scores: Floats
    p: Probabilities


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that a release needs, and all that a run logs."""

    tensors: dict[str, npt.NDArray[Any]]
    config: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    labels: dict[str, dict[str, float]]
    autonomy: dict[str, dict[str, float]]
    errors: list[dict[str, Any]]
    held: HeldOut
    target: Targets


def _family(source: str) -> str:
    return source.split("/")[0]


def gather(config: TriageConfig, table: Table | None = None) -> Dataset:
    """Collect the rows of a run: the configured sources, or one table of the caller's.

    Raises
    ------
    ConfigError
        If fewer than two categories have rows enough to be held out.
    """
    if table is not None:
        rows = _sample(table.rows, config)
        tables: tuple[Table, ...] = (table,)
        weight = np.ones(len(rows), np.float32)
        judged = np.arange(len(rows))
    else:
        tables = tuple(t for name, w in config.weights.items() if w > 0 and (t := load_table(name)))
        for name, w in config.weights.items():
            if w > 0 and name not in {t.name for t in tables}:
                log.warning("the source %s is not on this machine and is left out", name)
        gold = [r for t in tables if t.name == "gold" for r in t.rows]
        rest = [r for t in tables if t.name != "gold" for r in t.rows]
        rows = [*gold, *drop_copies(rest, gold)]
        weight = np.array([config.weights[_family(r.source)] for r in rows], np.float32)
        present = {_family(r.source) for r in rows}
        judges = present & set(config.judged) or present  # with the embedded corpus alone, it judges itself
        judged = np.array([i for i, r in enumerate(rows) if _family(r.source) in judges], np.int64)
    if len({rows[i].category for i in judged}) < 2 or len(judged) < 2 * config.folds:
        raise ConfigError("too few rows to hold any out: at least two categories and two rows a fold are needed")
    return Dataset(tuple(rows), weight, judged, tables)


def _sample(rows: Sequence[Row], config: TriageConfig) -> list[Row]:
    """Drop repeated rows, and keep a table within what one solve holds, label by label."""
    seen: dict[tuple[str, str | None], Row] = {}
    for row in rows:
        seen.setdefault((content_key(row.text), row.category), row)
    unique = list(seen.values())
    if len(unique) <= config.max_rows:
        return unique
    log.warning("%d rows are more than max_rows=%d: a stratified sample is taken", len(unique), config.max_rows)
    order = np.random.default_rng(config.seed).permutation(len(unique))
    size = Counter(r.category for r in unique)
    dealt: Counter[str | None] = Counter()
    place = []
    for i in order:
        dealt[unique[i].category] += 1
        place.append((dealt[unique[i].category] / size[unique[i].category], int(i)))
    return [unique[i] for _, i in sorted(place)[: config.max_rows]]


def hold_out(matrices: Matrices, target: Targets, data: Dataset, config: TriageConfig) -> HeldOut:
    """Score every judged row by heads fitted without its fold."""
    fold = folds_by_content([data.rows[i] for i in data.judged], config.folds, config.seed)
    scores = np.zeros((len(data.judged), sum(target.sizes)), np.float32)
    everyone = np.arange(len(data.rows))
    for k in range(config.folds):
        held = data.judged[fold == k]
        train = np.setdiff1d(everyone, held)
        heads = fit_heads(matrices, target, train, data.weight[train], config.ridge)
        scores[fold == k] = heads.scores(matrices, held)
    return HeldOut(data.judged, fold, scores, cross_fit(scores, target, data.judged, fold))


def _autonomy(held: HeldOut, target: Targets, tags: npt.NDArray[np.bool_], config: TriageConfig) -> dict[str, Any]:
    """Choose every field's thresholds, and say what they held on held-out rows."""
    c, t, u = target.sizes
    truth = target.values[held.rows]
    p = held.p
    sure: dict[str, tuple[Floats, npt.NDArray[np.bool_]]] = {
        "category": (p.category.max(axis=1), truth[:, :c].argmax(axis=1) == p.category.argmax(axis=1))
    }
    if t:
        whole = np.where(tags, p.tags, 1.0 - p.tags).prod(axis=1)
        sure["tags"] = (whole, ((truth[:, c : c + t] > 0.5) == tags).all(axis=1))
    if u:
        level = u - truth[:, c + t :].sum(axis=1).astype(int)
        sure["urgency"] = (p.urgency.max(axis=1), level == p.urgency.argmax(axis=1))
    out = {}
    for field, (chance, right) in sure.items():
        auto = pick_threshold(chance, right, config.precision[field], config.confidence)
        suggest = pick_threshold(chance, right, config.suggest_precision[field], config.confidence)
        out[field] = {
            "automate": auto.threshold,
            "automate_precision": auto.precision,
            "automate_coverage": auto.coverage,
            "automate_bound": auto.bound,
            "suggest": suggest.threshold,
            "suggest_precision": suggest.precision,
            "suggest_coverage": suggest.coverage,
            "suggest_bound": suggest.bound,
        }
    return out


def _tensors(matrices: Matrices, heads: Linear, calibration: dict[str, Floats]) -> dict[str, npt.NDArray[Any]]:
    half = {"idf": matrices.space.idf, "landmarks": matrices.space.landmarks, "ngrams": heads.ngrams}
    full = {"mean": matrices.space.mean, "dense": heads.dense, "bias": heads.bias}
    return {
        "buckets": matrices.buckets.astype(np.int32),
        **{k: v.astype(np.float16) for k, v in half.items()},
        **{k: v.astype(np.float32) for k, v in full.items()},
        **{f"calibration.{k}": v.astype(np.float32) for k, v in calibration.items()},
    }


def fit(data: Dataset, taxonomy: Taxonomy, config: TriageConfig) -> Fitted:
    """Fit heads on all rows; take figures, calibration and thresholds from rows held out.

    Parameters
    ----------
    data : Dataset
    taxonomy : Taxonomy
    config : TriageConfig

    Notes
    -----
    Figures are of the judged rows of the first family in ``config.judged`` that is there (gold): the others help to
    calibrate. They are five-fold cross-validated, folds disjoint by content; the calibration is fitted across the
    same folds, never on a row's own truth.
    """
    matrices = build([r.text for r in data.rows], config)
    target = targets(data.rows, taxonomy)
    held = hold_out(matrices, target, data, config)
    truth = target.values[held.rows][:, target.sizes[0] : sum(target.sizes[:2])] > 0.5
    floor = choose_tag_floor(held.p, truth, taxonomy) if taxonomy.tags else 0.5
    tags = decode_tags(held.p, floor, taxonomy)
    first = next((f for f in config.judged if any(_family(data.rows[i].source) == f for i in held.rows)), None)
    shown = np.array([first is None or _family(data.rows[i].source) == first for i in held.rows])
    p = Probabilities(held.p.category[shown], held.p.tags[shown], held.p.urgency[shown])
    rows = held.rows[shown]
    metrics = score(p, target, rows, [data.rows[i].source for i in rows], tags[shown])
    metrics["all"]["category_ece_isotonic"] = _isotonic(held, target, shown)
    autonomy = _autonomy(held, target, tags, config)
    heads = fit_heads(matrices, target, np.arange(len(data.rows)), data.weight, config.ridge)
    calibration = fit_calibration(held.scores, target, held.rows)
    real = matrices.likeness[data.judged]
    release = {
        "encoder": {"name": matrices.space.encoder.name, "digest": matrices.space.encoder.digest},
        "gamma": config.gamma,
        "tag_floor": floor,
        "likeness_floor": round(float(np.quantile(real, config.out_of_scope_share)), 4),
        "thresholds": {f: {"automate": a["automate"], "suggest": a["suggest"]} for f, a in autonomy.items()},
    }
    return Fitted(
        tensors=_tensors(matrices, heads, calibration),
        config=release,
        metrics=metrics,
        labels=by_label(p, target, rows, tags[shown], taxonomy),
        autonomy=autonomy,
        errors=errors(p, target, rows, data.rows, taxonomy),
        held=held,
        target=target,
    )


def _isotonic(held: HeldOut, target: Targets, shown: npt.NDArray[np.bool_]) -> float:
    """ECE if isotonic regression were laid over the temperature: the rival that every run is measured against."""
    right = target.values[held.rows][:, : target.sizes[0]].argmax(axis=1) == held.p.category.argmax(axis=1)
    p = isotonic(held.p.category.max(axis=1), right, held.fold)
    return expected_calibration_error(p[shown], right[shown])
