"""Few-shot draws of a table: so many rows of every class, at random."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.errors import ConfigError
from training.data import Row, content_key
from training.data.leaks import folds_by_content

__all__ = ["draw", "known", "set_apart"]


def draw(rows: Sequence[Row], shots: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Draw rows of every category.

    Parameters
    ----------
    rows : sequence of Row
        Of a text that occurs more than once only the first is drawn.
    shots : int
        Rows of a category; of one that has fewer, all.
    seed : int
        The same draws the same.

    Returns
    -------
    list of Row
        The draw, in the order of the rows.
    list of Row
        The others, without texts that were drawn.

    Raises
    ------
    ConfigError
        If less than two are asked for: one teaches, and one is held out to calibrate.
    """
    if shots < 2:
        raise ConfigError(f"shots must be at least 2, not {shots}")
    places: dict[str | None, list[int]] = defaultdict(list)
    keys = [content_key(r.text) for r in rows]
    seen: set[str] = set()
    for i, row in enumerate(rows):
        if keys[i] not in seen:
            places[row.category].append(i)
        seen.add(keys[i])
    rng = np.random.default_rng(seed)
    drawn = {places[c][j] for c in sorted(places, key=str) for j in rng.permutation(len(places[c]))[:shots]}
    taken = {keys[i] for i in drawn}
    return [rows[i] for i in sorted(drawn)], [r for r, k in zip(rows, keys, strict=True) if k not in taken]


def set_apart(rows: Sequence[Row], folds: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Set one fold apart to test on where there is no test table; gives the rows to draw from, and the test."""
    fold = folds_by_content(rows, folds, seed)
    parts = [[r for r, k in zip(rows, fold, strict=True) if bool(k == 0) is apart] for apart in (False, True)]
    return parts[0], parts[1]


def known(test: Sequence[Row], categories: set[str], name: str = "test") -> list[Row]:
    """Take the rows whose category can be answered, under one source's name.

    Raises
    ------
    ConfigError
        If there is none.
    """
    rows = [replace(r, source=name) for r in test if r.category in categories]
    if not rows:
        raise ConfigError("no row to test on has a category of the table that is trained on")
    return rows
