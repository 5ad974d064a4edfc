"""No training row may be a copy of a ticket that judges."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedKFold

from training.data import Row, content_key

__all__ = ["drop_copies", "folds_by_content"]

SIMILAR = 0.7  # Jaccard of character trigrams: above it two texts are one text with a word changed
SHORT = 6  # characters; shorter texts ("怎么退货") are contained in others by chance


def _trigrams(key: str) -> frozenset[str]:
    return frozenset(key[i : i + 3] for i in range(max(1, len(key) - 2)))


def drop_copies(rows: Sequence[Row], judges: Sequence[Row]) -> list[Row]:
    """Leave out rows that equal, contain, are contained in, or nearly equal a judging text.

    The shared sets overlap: a chat turn stands alone in one and inside a dialogue in another.
    """
    keys = [content_key(j.text) for j in judges]
    pieces = {content_key(part) for j in judges for part in j.text.split("；")} | set(keys)
    grams = [_trigrams(k) for k in keys]
    holders: dict[str, list[int]] = defaultdict(list)
    for i, g in enumerate(grams):
        for gram in g:
            holders[gram].append(i)

    def copied(text: str) -> bool:
        key = content_key(text)
        if key in pieces:
            return True
        mine = _trigrams(key)
        for i, shared in Counter(i for g in mine for i in holders.get(g, ())).items():
            if shared / (len(mine) + len(grams[i]) - shared) > SIMILAR:
                return True
            if min(len(key), len(keys[i])) >= SHORT and (key in keys[i] or keys[i] in key):
                return True
        return False

    return [row for row in rows if not copied(row.text)]


def folds_by_content(rows: Sequence[Row], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Deal rows into folds: texts that count as the same stay together, labels and sources are spread evenly.

    Returns
    -------
    ndarray of int64, (len(rows),)
    """
    first: dict[str, int] = {}
    group = np.array([first.setdefault(content_key(r.text), i) for i, r in enumerate(rows)])
    heads = np.unique(group)
    strata = [f"{rows[i].category}/{rows[i].source}" for i in heads]
    size = Counter(strata)
    common = size.most_common(1)[0][0]
    strata = [s if size[s] >= folds else common for s in strata]  # too few to be spread: they go where chance puts them
    fold = np.zeros(len(rows), np.int64)
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for k, (_, held) in enumerate(split.split(heads, strata)):
        fold[np.isin(group, heads[held])] = k
    return fold
