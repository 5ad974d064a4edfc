"""From a field's values to the codes that trees ask about: levels of a category, ranges of a number, and not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.customer import Field, Value, parse_field
from models.trees import MAX_CODES, Codes, Floats

__all__ = ["Coder", "load_coders"]


@dataclass(frozen=True, slots=True)
class Coder:
    """Turns one field's values into codes; the last code is that of a missing value.

    Attributes
    ----------
    field : Field
    edges : ndarray of float64
        Of a number: code i is above edge i-1 and not above edge i.
    levels : tuple of str
        Of a category: code i is level i.
    low, high : float
        The range in training, of a number.
    """

    field: Field
    edges: Floats
    levels: tuple[str, ...]
    low: float
    high: float

    @property
    def missing(self) -> int:
        """The code of a value that is not known."""
        return len(self.levels) if self.field.kind == "category" else len(self.edges) + 1

    def codes(self, values: Sequence[Value | None]) -> Codes:
        """Give the codes of a column of values, ``(n,)``."""
        if self.field.kind == "category":
            place: dict[Value | None, int] = {level: i for i, level in enumerate(self.levels)}
            return np.fromiter((place.get(v, self.missing) for v in values), np.uint8, len(values))
        if str in set(map(type, values)):  # of a shop's own field, which was checked for no kind: not a number
            values = [None if isinstance(v, str) else v for v in values]
        numbers = np.array(values, np.float64)  # None becomes NaN
        found = np.searchsorted(self.edges, numbers, side="left")
        return np.where(np.isnan(numbers), self.missing, found).astype(np.uint8)

    def flag(self, value: Value | None) -> str | None:
        """Tell why an answer is less sure for this value: the code of a flag, or None."""
        if value is None:
            return None
        if isinstance(value, str) or self.field.kind == "category":
            return None if value in self.levels else "unknown_value"
        return None if self.low <= value <= self.high else "beyond_training"


def load_coders(rows: Sequence[Mapping[str, Any]], tensors: Mapping[str, Any]) -> Iterator[Coder]:
    """Take them from a release, one for each field that it describes.

    Raises
    ------
    ValueError
        If edges or levels do not fit.
    """
    edges, counts, bounds = tensors["edges"].astype(np.float64), tensors["edge_counts"], tensors["bounds"]
    if len(rows) != len(counts) or bounds.shape != (len(rows), 2) or counts.sum() != len(edges):
        raise ValueError("the edges do not fit the fields")
    ends = np.cumsum(counts)
    for row, start, end, (low, high) in zip(rows, ends - counts, ends, bounds, strict=True):
        own = edges[start:end]
        levels = tuple(row["levels"])
        if (np.diff(own) <= 0).any() or len(own) + 2 > MAX_CODES or len(levels) + 1 > MAX_CODES:
            raise ValueError("edges do not rise, or are too many")
        yield Coder(parse_field(row["name"], row["field"]), own, levels, float(low), float(high))
