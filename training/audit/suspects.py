"""Which labels are likely wrong, and what they should be: cleanlab over held-out probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from cleanlab.filter import find_label_issues
from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class

from features.taxonomy import Taxonomy
from models.heads import Probabilities
from models.space import Floats
from training.audit.review import Suspect

__all__ = ["find_suspects"]

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

# cleanlab counts by the confident joint how many labels are wrong (Northcutt et al. 2021), and this filter takes those
# to which the held-out model gives least. It found most for the least reading: of 5 % flipped categories in the
# embedded corpus 81 % at a precision of 39 %, where "both" found 85 % at 33 %.
FILTER: Final = "low_self_confidence"


def _doubtful(labels: Ints, p: Floats) -> Bools:
    """Find labels that are likely wrong, ``(n,)``, where the model prefers another; where all are one, none is."""
    if len(np.unique(labels)) < 2:
        return np.zeros(len(labels), np.bool_)
    found: Bools = find_label_issues(labels, p, filter_by=FILTER, n_jobs=1)
    found &= p.argmax(axis=1) != labels
    return found


def _doubtful_tags(tags: Bools, p: Floats) -> Bools:
    """Find tags that are likely wrong, there or not, ``(n, tags)``; one that is always or never there cannot be."""
    found: Bools = np.zeros_like(tags)
    varied = np.flatnonzero(tags.any(axis=0) & ~tags.all(axis=0))
    if len(varied):
        labels = [np.flatnonzero(row).tolist() for row in tags[:, varied]]
        found[:, varied] = find_multilabel_issues_per_class(labels, p[:, varied], filter_by=FILTER, n_jobs=1)
    found &= (p > 0.5) != tags
    return found


def _of_one_label(field: str, labels: Ints, p: Floats, keys: Sequence[str]) -> Iterator[Suspect]:
    for i in np.flatnonzero(_doubtful(labels, p)).tolist():
        given = int(labels[i])
        yield Suspect(i, field, keys[given], keys[int(p[i].argmax())], float(p[i, given]))


def _of_tags(tags: Bools, p: Floats, allowed: Bools, keys: Sequence[str], doubt: dict[int, float]) -> Iterator[Suspect]:
    """Suggest sets of tags, none of which the suggested category would forbid.

    Parameters
    ----------
    tags : ndarray of bool, (n, tags)
    p : ndarray, (n, tags)
    allowed : ndarray of bool, (n, tags)
        Under the category that would stand if every suggestion were accepted.
    keys : sequence of str
    doubt : dict of int to float
        How sure the given category is, where another is suggested.
    """
    flagged = _doubtful_tags(tags, p)
    suggested = (tags ^ flagged) & allowed
    for i in np.flatnonzero((suggested != tags).any(axis=1)).tolist():
        sure = np.where(tags[i], p[i], 1.0 - p[i])[flagged[i]].min(initial=doubt.get(i, 1.0))
        given, new = (" ".join(keys[j] for j in np.flatnonzero(row).tolist()) for row in (tags[i], suggested[i]))
        yield Suspect(i, "tags", given, new, float(sure))


def find_suspects(truth: Floats, p: Probabilities, taxonomy: Taxonomy) -> list[Suspect]:
    """Find the labels that are likely wrong, the likeliest first.

    Parameters
    ----------
    truth : ndarray, (n, outputs)
        The labels, as `training.matrices.targets` gives them, none of them NaN.
    p : Probabilities
        Held out, of the same rows.
    taxonomy : Taxonomy

    Returns
    -------
    list of Suspect
        At most one for each field of a row. If all of a row's are accepted, its labels fit together.
    """
    c, t = len(taxonomy.categories), len(taxonomy.tags)
    category = truth[:, :c].argmax(axis=1)
    found = list(_of_one_label("category", category, p.category, [x.key for x in taxonomy.categories]))
    if taxonomy.urgency:
        level = len(taxonomy.urgency) - 1 - truth[:, c + t :].sum(axis=1).astype(np.int64)
        found += _of_one_label("urgency", level, p.urgency, [u.key for u in taxonomy.urgency])
    if t:
        doubt = {s.row: s.confidence for s in found if s.field == "category"}
        final = np.array([p.category[i].argmax() if i in doubt else k for i, k in enumerate(category)])
        tags = truth[:, c : c + t] > 0.5
        found += _of_tags(tags, p.tags, taxonomy.allowed[final], [x.key for x in taxonomy.tags], doubt)
    return sorted(found, key=lambda s: (s.confidence, s.row, s.field))
