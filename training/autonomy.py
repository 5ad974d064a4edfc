"""What may run without a person: a threshold for every label, chosen on held-out tickets, each with its bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from features.taxonomy import Taxonomy
from models.decide import NO_TAGS
from models.heads import Probabilities
from models.space import Floats
from training.calibrate import NEVER, lower_bound, pick_threshold
from training.config import TriageConfig
from training.matrices import Targets

__all__ = ["autonomy", "thresholds"]

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
# With fewer held-out answers of a label no bound says anything: it shares the field's threshold for suggestions.
FEWEST: Final = 30


class _Answers(NamedTuple):
    """Where one label is answered, ``(n,)``, how likely it then is, and whether it is right."""

    field: str
    label: str
    said: Any
    sure: Any
    right: Any


def _answers(p: Probabilities, target: Targets, rows: Ints, tags: Bools, taxonomy: Taxonomy) -> Iterator[_Answers]:
    """Give the answers of every field and label."""
    c, t, u = target.sizes
    truth = target.values[rows]
    for i, label in enumerate(taxonomy.categories):
        yield _Answers("category", label.key, p.category.argmax(axis=1) == i, p.category[:, i], truth[:, i] > 0.5)
    for i, label in enumerate(taxonomy.tags):
        yield _Answers("tags", label.key, tags[:, i], p.tags[:, i], truth[:, c + i] > 0.5)
    if t:
        right = ~(truth[:, c : c + t] > 0.5).any(axis=1)
        yield _Answers("tags", NO_TAGS, ~tags.any(axis=1), (1.0 - p.tags).prod(axis=1), right)
    if u:
        level = u - truth[:, c + t :].sum(axis=1).astype(int)
        for i, label in enumerate(taxonomy.urgency):
            yield _Answers("urgency", label.key, p.urgency.argmax(axis=1) == i, p.urgency[:, i], level == i)


def _row(sure: Floats, right: Bools, field: str, config: TriageConfig, suggest: float) -> dict[str, float]:
    """Choose one label's thresholds and say what they held."""
    enough = len(sure) >= FEWEST
    auto = pick_threshold(sure, right, config.precision[field], config.confidence) if enough else None
    hint = pick_threshold(sure, right, config.suggest_precision[field], config.confidence) if enough else None
    acts = auto is not None and auto.coverage > 0
    return {
        "answers": float(len(sure)),
        "automate": auto.threshold if auto and acts else NEVER,
        "precision": auto.precision if auto and acts else float("nan"),
        "bound": auto.bound if auto and acts else float("nan"),
        "coverage": auto.coverage if auto and acts else 0.0,
        "suggest": hint.threshold if hint and hint.coverage else suggest,
    }


def _whole(rows: list[tuple[dict[str, float], Floats, Bools]], confidence: float) -> dict[str, float]:
    """Say what a field's thresholds hold together."""
    acts = [(sure >= row["automate"], right) for row, sure, right in rows]
    n, hits = sum(int(a.sum()) for a, _ in acts), sum(int((a & r).sum()) for a, r in acts)
    answers = sum(len(a) for a, _ in acts)
    return {
        "answers": float(answers),
        "precision": hits / n if n else float("nan"),
        "bound": lower_bound(hits, n, confidence) if n else float("nan"),
        "coverage": n / max(1, answers),
    }


def autonomy(
    p: Probabilities, target: Targets, rows: Ints, tags: Bools, taxonomy: Taxonomy, config: TriageConfig
) -> dict[str, dict[str, float]]:
    """Choose the thresholds of every label.

    Parameters
    ----------
    p : Probabilities
        Held out.
    target : Targets
    rows : ndarray of int64
        Where in `target` their truth stands.
    tags : ndarray of bool, (len(rows), tags)
        The tags that are given.
    taxonomy : Taxonomy
    config : TriageConfig

    Returns
    -------
    dict of str to dict
        ``field/label`` to its answers, thresholds, what was right above `automate`, its lower bound (one-sided
        Clopper-Pearson) and the share of its answers above; and ``field`` to the same of all its labels together.
    """
    found = {}
    told = list(_answers(p, target, rows, tags, taxonomy))
    for field in dict.fromkeys(a.field for a in told):
        of_field = [(a.label, a.sure[a.said], a.right[a.said]) for a in told if a.field == field]
        pooled = [np.concatenate(parts) for parts in zip(*((s, r) for _, s, r in of_field), strict=True)]
        hint = pick_threshold(pooled[0], pooled[1] > 0, config.suggest_precision[field], config.confidence)
        suggest = hint.threshold if hint.coverage else 0.5
        labelled = [(k, _row(s, r, field, config, suggest), s, r) for k, s, r in of_field]
        found[field] = _whole([(row, s, r) for _, row, s, r in labelled], config.confidence)
        found |= {f"{field}/{k}": row for k, row, _, _ in labelled}
    return found


def thresholds(table: dict[str, dict[str, float]]) -> dict[str, dict[str, Any]]:
    """Give the part of `autonomy` that a release answers by: field to label to thresholds."""
    out: dict[str, dict[str, Any]] = {}
    for name, row in table.items():
        field, _, label = name.partition("/")
        if label:
            out.setdefault(field, {})[label] = {k: round(row[k], 4) for k in ("automate", "suggest")}
    return out
