"""Fit a triage release: rows in, held-out figures and the weights of a release out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.taxonomy import Taxonomy
from models.heads import Probabilities
from models.space import Floats
from training.calibrate import apply_calibration, fit_calibration
from training.config import TriageConfig
from training.dataset import Dataset, Ints
from training.heads import Linear, fit_heads
from training.judge import Judged, judge
from training.matrices import Matrices, Targets, build, targets
from training.robustness.table import Slices, held_out_slices, translations

__all__ = ["Fitted", "fit"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that a release needs, and all that a run logs.

    Attributes
    ----------
    tensors : dict of str to ndarray
    config : dict
        What the answering code needs besides the weights.
    judged : Judged
    slices : Slices
        What the held-out heads say of the judged tickets rewritten.
    target : Targets
    own : callable
        The final heads' word on rows they saw, to check the saved release against.
    """

    tensors: dict[str, npt.NDArray[Any]]
    config: dict[str, Any]
    judged: Judged
    slices: Slices
    target: Targets
    own: Callable[[Ints], Probabilities]


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
    """Take figures, calibration and thresholds from rows held out; then fit the heads on all rows."""
    matrices = build([r.text for r in data.rows], config)
    target = targets(data.rows, taxonomy)
    judged = judge(matrices, target, data, taxonomy, config)
    heads = fit_heads(matrices, target, np.arange(len(data.rows)), data.weight, config.ridge)
    calibration = fit_calibration(judged.held.scores, target, judged.held.rows)
    likeness = matrices.near[data.judged].max(axis=1, initial=0.0)
    release = {
        "encoder": {"name": matrices.space.encoder.name, "digest": matrices.space.encoder.digest},
        "gamma": config.gamma,
        "tag_floor": judged.floor,
        "likeness_floor": round(float(np.quantile(likeness, config.out_of_scope_share)), 4),
        "thresholds": {f: {k: a[k] for k in ("automate", "suggest")} for f, a in judged.autonomy.items()},
    }
    return Fitted(
        tensors=_tensors(matrices, heads, calibration),
        config=release,
        judged=judged,
        slices=held_out_slices(judged, target, data, taxonomy, translations()),
        target=target,
        own=lambda some: apply_calibration(heads.scores(matrices, some), target, calibration),
    )
