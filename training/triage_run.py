"""What a fit of tickets leaves behind: a candidate on disk, checked, and what MLflow keeps of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import ReleaseError
from features.taxonomy import Taxonomy
from features.text import normalize
from models.release import save_release
from models.triage import TriageModel
from training import held, track
from training.card import write_card
from training.config import TriageConfig
from training.dataset import Dataset, family
from training.facts import made_by, rounded
from training.plots import confusion_plot, reliability_plot
from training.robustness.table import Slices
from training.triage import Fitted

__all__ = ["check_release", "log_fit", "save"]


def check_release(model: TriageModel, fitted: Fitted, data: Dataset, tickets: int = 200) -> None:
    """See that the saved release, by the code that answers, says what the heads said when they were fitted.

    Raises
    ------
    ReleaseError
        If a probability differs by more than half precision explains.
    """
    some = np.arange(0, len(data.rows), max(1, len(data.rows) // tickets))
    answered = model.probabilities([normalize(data.rows[i].text) for i in some]).category
    apart = float(np.abs(answered - fitted.own(some).category).max())
    if apart > 0.02:
        raise ReleaseError(f"the saved release differs from what was fitted by {apart:.3f}")


def _facts(fitted: Fitted, slices: Slices, data: Dataset, config: TriageConfig) -> dict[str, Any]:
    used = Counter(family(r.source) for r in data.rows)
    tables = [{"name": t.name, "rows": used.get(t.name, len(t.rows)), "sha256": t.digest} for t in data.tables]
    return {
        "metrics": rounded(fitted.judged.metrics),
        "labels": rounded(fitted.judged.labels),
        "autonomy": rounded(fitted.judged.autonomy),
        "robustness": slices.as_dict(),
        "data": tables,
        **({"reviewed": data.review.as_dict()} if data.review else {}),
        "encoder": fitted.config["encoder"],
        "knobs": config.as_dict(),
    }


def save(
    name: str, fitted: Fitted, slices: Slices, data: Dataset, taxonomy: Taxonomy, config: TriageConfig, run: str
) -> Path:
    """Write a candidate; gives its folder."""
    facts = _facts(fitted, slices, data, config)
    return save_release(
        name,
        fitted.tensors,
        taxonomy,
        fitted.config,
        facts,
        write_card(name, facts),
        made_by(run),
        track.CANDIDATES,
        *fitted.files,
    )


def log_fit(fitted: Fitted, slices: Slices, data: Dataset, taxonomy: Taxonomy, seconds: float) -> None:
    """Log a fit's figures, tables and plots to the open run."""
    judged, target = fitted.judged, fitted.target
    p, rows = judged.held.p, judged.held.rows
    names = [c.key for c in taxonomy.categories]
    plots = {
        "reliability.png": reliability_plot(p, target, rows),
        "confusion.png": confusion_plot(p, target, rows, names),
    }
    tables = {
        "labels.json": rounded(judged.labels),
        "autonomy.json": rounded(judged.autonomy),
        "robustness.json": slices.as_dict(),
        "errors.json": judged.errors,
        held.FILE: held.told(judged, target, data.rows, taxonomy).as_dict(),
    }
    metrics = {**judged.metrics, **slices.as_metrics(), "run": {"seconds": seconds}}
    track.log_figures(metrics, tables, plots)
