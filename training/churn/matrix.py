"""From checked values to the matrix that boosting learns from: categories first, then numbers; NaN is missing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.customer import Field
from training.churn.table import CustomerTable

__all__ = ["Matrix", "blanked", "build"]

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
    """

    x: Floats
    fields: tuple[Field, ...]
    levels: tuple[tuple[str, ...], ...]

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
    return Matrix(np.array(columns).T, tuple(fields), tuple(levels))


def blanked(x: Floats, times: int, seed: int) -> Floats:
    """Give rows again with cells left out at random, ``(times * n, c)``: each row loses another share of them."""
    rng = np.random.default_rng(seed)
    out = np.tile(x, (times, 1))
    out[rng.random(out.shape) < rng.random((len(out), 1))] = np.nan
    return out
