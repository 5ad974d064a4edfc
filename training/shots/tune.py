"""A few knobs chosen for a table by cross-validation on it: one knob after the other, from what the page says."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from features.taxonomy import Taxonomy
from training.calibrate import cross_fit
from training.config import TriageConfig
from training.data import Table
from training.dataset import Dataset, gather
from training.judge import score_unseen
from training.matrices import Matrices, build, targets

__all__ = ["GRID", "tune"]

log = logging.getLogger(__name__)

# In the order in which they are chosen; the map to probabilities is fitted last, over what the heads then say.
GRID: Final[Mapping[str, tuple[float, ...]]] = {
    "ngram_share": (0.1, 0.25, 0.5, 1.0),
    "gamma": (0.5, 1.0, 2.0, 4.0),
    "label_names": (0.0, 0.3, 1.0),
    "ridge": (0.03, 0.1, 0.3, 1.0),
    "freedom": (0.03, 0.1, 0.3, 1.0),
}
# Rows to tune on at most: the choice needs no more, and a solve takes the cube of them.
ROWS: Final = 3000


def tune(table: Table, taxonomy: Taxonomy, config: TriageConfig) -> TriageConfig:
    """Choose the knobs of `GRID` by held-out accuracy on a table.

    Parameters
    ----------
    table : Table
        What will be trained on: nothing else is looked at.
    taxonomy : Taxonomy
    config : TriageConfig
        Where to start from; ties stay with it.
    """
    sized = replace(config, max_rows=min(ROWS, config.max_rows))
    known: dict[tuple[float, float], tuple[Dataset, Matrices]] = {}

    def right(knobs: TriageConfig, calibrated: bool) -> float:
        key = (knobs.gamma, knobs.label_names)
        if key not in known:
            known.clear()
            data = gather(replace(sized, label_names=knobs.label_names), table)
            known[key] = data, build([r.text for r in data.rows], knobs)
        return accuracy(*known[key], taxonomy, knobs, calibrated)

    best, most = config, right(config, calibrated=False)
    for knob, values in GRID.items():
        last = knob == "freedom"
        most = right(best, calibrated=True) if last else most
        start = getattr(config, knob)
        for value in (v for v in values if v != start):
            change: dict[str, Any] = {knob: value}
            tried = replace(best, **change)
            if (found := right(tried, last)) > most:
                best, most = tried, found
        log.info("%s=%s: %.4f held out", knob, getattr(best, knob), most)
    return best


def accuracy(
    data: Dataset, matrices: Matrices, taxonomy: Taxonomy, config: TriageConfig, calibrated: bool = True
) -> float:
    """Give the share of categories that heads fitted without a row's fold say right, calibrated or by raw score."""
    target = targets(data.rows, taxonomy)
    fold, scores, _ = score_unseen(matrices, target, data, config)
    said = scores[:, : target.sizes[0]]
    if calibrated:
        said = cross_fit(scores, target, data.judged, fold, config.freedom).category
    truth = target.values[data.judged][:, : target.sizes[0]].argmax(axis=1)
    return float((said.argmax(axis=1) == truth).mean())
