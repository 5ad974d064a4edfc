"""Whole answers of a saved release, rules included, in the layout that figures are taken from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from features.schema import Ticket
from models.heads import Probabilities
from models.triage import TriageModel
from training.data import Row

__all__ = ["whole_answers"]


def whole_answers(model: TriageModel, rows: Sequence[Row]) -> tuple[Probabilities, npt.NDArray[np.bool_]]:
    """Answer rows with the code that serves.

    Returns
    -------
    Probabilities
        The answer's own place holds its probability (of urgency, which an answer gives none of, 1), every other 0.
    ndarray of bool, (len(rows), tags)
        The tags given.
    """
    taxonomy = model.taxonomy
    answers = model.answer([Ticket(row.id, row.text) for row in rows])
    place = [{x.key: i for i, x in enumerate(part)} for part in (taxonomy.categories, taxonomy.tags, taxonomy.urgency)]
    p = Probabilities(*(np.zeros((len(rows), max(1, len(k))), np.float32) for k in place))
    tags = np.zeros((len(rows), len(place[1])), np.bool_)
    for i, answer in enumerate(answers):
        p.category[i, place[0][answer.category.key]] = answer.category.probability
        tags[i, [place[1][t.key] for t in answer.tags]] = True
        if answer.urgency:
            p.urgency[i, place[2][answer.urgency.level]] = 1.0
    return p, tags
