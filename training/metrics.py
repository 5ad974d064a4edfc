"""The figures a release is judged by, on tickets it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score

from features.taxonomy import Taxonomy
from models.heads import Probabilities
from models.space import Floats
from models.triage import urgency_score
from training.data import Row
from training.matrices import Targets

__all__ = ["choose_tag_floor", "decode_tags", "expected_calibration_error", "reliability", "score"]

Bools = npt.NDArray[np.bool_]


def reliability(p: Floats, right: Bools, bins: int = 10) -> list[tuple[float, float, int]]:
    """Group by probability into bins of equal width: (mean probability, share right, tickets)."""
    where = np.minimum((p * bins).astype(int), bins - 1)
    return [
        (float(p[where == b].mean()), float(right[where == b].mean()), int((where == b).sum()))
        for b in range(bins)
        if (where == b).any()
    ]


def expected_calibration_error(p: Floats, right: Bools, bins: int = 10) -> float:
    """Mean gap between probability and share right, weighted by tickets (Guo et al. 2017; bins of equal width)."""
    return float(sum(n * abs(mean - share) for mean, share, n in reliability(p, right, bins)) / max(1, len(p)))


def decode_tags(p: Probabilities, floor: float, taxonomy: Taxonomy) -> Bools:
    """Give the tags that an answer would hold, ``(n, tags)``."""
    given: Bools = (p.tags >= np.float32(floor)) & taxonomy.allowed[p.category.argmax(axis=1)]
    return given


def choose_tag_floor(p: Probabilities, truth: Bools, taxonomy: Taxonomy) -> float:
    """Give the one floor for all tags that is best by micro-F1."""
    grid = np.linspace(0.1, 0.7, 25)
    f1 = [_micro_f1(truth, decode_tags(p, float(g), taxonomy)) for g in grid]
    return round(float(grid[int(np.argmax(f1))]), 3)


def _micro_f1(truth: Bools, given: Bools) -> float:
    hits = int((truth & given).sum())
    return 2 * hits / max(1, int(truth.sum()) + int(given.sum()))


def _top_fifth_recall(urgent: Bools, score: Floats) -> float:
    top = score >= np.quantile(score, 0.8)
    return float((urgent & top).sum() / max(1, urgent.sum()))


def _slice(p: Probabilities, target: Targets, rows: npt.NDArray[np.int64], tags: Bools) -> dict[str, float]:
    c, t, u = target.sizes
    truth = target.values[rows]
    category, chosen = truth[:, :c].argmax(axis=1), p.category.argmax(axis=1)
    out = {
        "n": float(len(rows)),
        "category_accuracy": float((category == chosen).mean()),
        "category_macro_f1": float(f1_score(category, chosen, average="macro")),
        "category_ece": expected_calibration_error(p.category.max(axis=1), category == chosen),
    }
    if t:
        out["tags_micro_f1"] = _micro_f1(truth[:, c : c + t] > 0.5, tags)
    if u:
        level = u - truth[:, c + t :].sum(axis=1).astype(int)
        out["urgency_accuracy"] = float((level == p.urgency.argmax(axis=1)).mean())
        out["urgency_ece"] = expected_calibration_error(p.urgency.max(axis=1), level == p.urgency.argmax(axis=1))
        out["urgent_in_top_fifth"] = _top_fifth_recall(level <= 1, urgency_score(p.urgency))
    return out


def score(
    p: Probabilities,
    target: Targets,
    rows: npt.NDArray[np.int64],
    sources: Sequence[str],
    tags: Bools,
) -> dict[str, dict[str, float]]:
    """Score held-out probabilities, in all and by source.

    Parameters
    ----------
    p : Probabilities
        Of the rows, in order.
    target : Targets
    rows : ndarray of int64
        Where in `target` the truth stands.
    sources : sequence of str, (len(rows),)
    tags : ndarray of bool, (len(rows), tags)
        As `decode_tags` gives them.
    """
    names = np.array(sources)
    out = {"all": _slice(p, target, rows, tags)}
    for name in sorted(set(sources)):
        here = names == name
        part = Probabilities(p.category[here], p.tags[here], p.urgency[here])
        out[name] = _slice(part, target, rows[here], tags[here])
    return out


def by_label(
    p: Probabilities, target: Targets, rows: Any, tags: Bools, taxonomy: Taxonomy
) -> dict[str, dict[str, float]]:
    """Give precision, recall, F1 and support of every category and tag."""
    c, t, _ = target.sizes
    truth = target.values[rows][:, : c + t] > 0.5
    given = np.hstack([np.eye(c, dtype=np.bool_)[p.category.argmax(axis=1)], tags])
    out = {}
    for i, label in enumerate([*taxonomy.categories, *taxonomy.tags]):
        hits, n, m = (int(x.sum()) for x in (truth[:, i] & given[:, i], truth[:, i], given[:, i]))
        out[label.key] = {
            "precision": hits / m if m else float("nan"),
            "recall": hits / n if n else float("nan"),
            "f1": 2 * hits / (n + m) if n + m else float("nan"),
            "support": n,
        }
    return out


def errors(
    p: Probabilities, target: Targets, rows: Any, table: Sequence[Row], taxonomy: Taxonomy
) -> list[dict[str, Any]]:
    """List the wrong categories, the surest first, by row id; texts stay where they are."""
    c = target.sizes[0]
    truth, chosen = target.values[rows][:, :c].argmax(axis=1), p.category.argmax(axis=1)
    wrong = np.flatnonzero(truth != chosen)
    keys = [x.key for x in taxonomy.categories]
    found = [
        {"id": table[rows[i]].id, "truth": keys[truth[i]], "given": keys[chosen[i]], "p": float(p.category[i].max())}
        for i in wrong
    ]
    return sorted(found, key=lambda e: -e["p"])
