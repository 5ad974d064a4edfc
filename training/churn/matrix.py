"""From checked values to the matrix that boosting learns from: categories first, then numbers; NaN is missing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from features.customer import Field
from models.codes import Coder
from models.trees import MAX_CODES
from training.churn.table import SHARED, CustomerTable

__all__ = ["Matrix", "blanked", "build", "coders"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A table as numbers.

    Attributes
    ----------
    x : ndarray of float64, (n, c)
        A category's value is the place of its level; true is 1.
    fields : tuple of Field, (c,)
        Categories first: scikit-learn's boosting puts them there, and so its columns keep our numbers.
    levels : tuple of tuple of str, (c,)
        Of categories; all of them occur.
    steps : ndarray of float64, (c,)
        By how much a copy of a customer may be raised, all fields at once; nothing where no copies are known.
    """

    x: Floats
    fields: tuple[Field, ...]
    levels: tuple[tuple[str, ...], ...]
    steps: Floats

    @property
    def categories(self) -> list[bool]:
        """Which columns are categories."""
        return [f.kind == "category" for f in self.fields]


def build(table: CustomerTable, leave_out: Collection[str], free: Collection[str] = ()) -> Matrix:
    """Turn a table into a matrix, but for the fields that are left out; those in `free` are held to no trend."""
    kept = [replace(f, trend=0) if f.name in free else f for f in table.fields if f.name not in leave_out]
    fields = sorted(kept, key=lambda f: f.kind != "category")
    levels, columns = [], []
    for field in fields:
        values = table.values[field.name]
        # In the order of the record, then what only the table knows.
        known = dict.fromkeys([*field.values, *sorted({v for v in values if isinstance(v, str)})])
        own = tuple(v for v in known if field.kind == "category" and v in values)
        place = {v: float(i) for i, v in enumerate(own)}
        levels.append(own)
        columns.append([np.nan if v is None else place[v] if isinstance(v, str) else float(v) for v in values])
    steps = SHARED[table.name].steps if table.name in SHARED else {}
    return Matrix(np.array(columns).T, tuple(fields), tuple(levels), np.array([steps.get(f.name, 0.0) for f in fields]))


def coders(matrix: Matrix, rows: Any) -> tuple[Coder, ...]:
    """Learn from some rows how fields become codes: an edge between neighbouring values, of many between quantiles."""
    out = []
    for column, field, levels in zip(matrix.x[rows].T, matrix.fields, matrix.levels, strict=True):
        known = column[~np.isnan(column)]
        values = np.unique(known) if len(known) else np.zeros(1)
        low, high = float(values[0]), float(values[-1])
        if len(values) > MAX_CODES - 1:
            values = np.unique(np.quantile(known, np.linspace(0, 1, MAX_CODES - 1)))
        edges = np.zeros(0) if field.kind == "category" else (values[1:] + values[:-1]) / 2
        out.append(Coder(field, edges, levels, low, high))
    return tuple(out)


def blanked(x: Floats, seed: int) -> Floats:
    """Give rows again with cells left out at random, ``(n, c)``: each row loses another share of them."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(x.shape) < rng.random((len(x), 1)), np.nan, x)
