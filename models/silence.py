"""Texts without a word of the customer's own: answered by definition, not by what was learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from features.taxonomy import Taxonomy
from models.heads import Probabilities
from models.space import Floats

__all__ = ["NO_REQUEST", "hushed", "silent"]

NO_REQUEST: Final = "other"


def silent(normal: str) -> bool:
    """Tell whether a normalised text holds neither letters nor digits but for what stands for links, cards and such."""
    return not any(c.isalnum() for c in normal)


def hushed(p: Probabilities, normals: Sequence[str], taxonomy: Taxonomy) -> Probabilities:
    """Answer silent texts: no request, no tag, and nothing waits on them.

    Parameters
    ----------
    p : Probabilities
        Of the texts, in order; left as they are.
    normals : sequence of str
    taxonomy : Taxonomy
        One without such a category leaves it open.
    """
    quiet = np.array([silent(n) for n in normals], np.bool_)
    if not quiet.any():
        return p
    keys = [c.key for c in taxonomy.categories]
    out = Probabilities(p.category.copy(), p.tags.copy(), p.urgency.copy())
    if NO_REQUEST in keys:
        out.category[quiet] = _one_hot(len(keys), keys.index(NO_REQUEST))
    out.tags[quiet] = 0.0
    out.urgency[quiet] = _one_hot(out.urgency.shape[1], out.urgency.shape[1] - 1)
    return out


def _one_hot(n: int, place: int) -> Floats:
    out = np.zeros(n, np.float32)
    out[place] = 1.0
    return out
