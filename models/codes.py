"""From a field's values to the codes that trees ask about: levels of a category, ranges of a number, and not known.

Trees see one input for a number, its code, and one for each level of a category, 1 where it is that; NaN is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.customer import Field, Value, parse_field
from models.trees import MAX_CODES, Codes, Floats

__all__ = ["FEW", "Coder", "inputs", "load_coders", "owners", "safer"]

Ints = npt.NDArray[np.int64]

# A trend of a field of at most so many codes is kept by looking at each of them (`safer`).
FEW: Final = 4


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

    @property
    def width(self) -> int:
        """How many inputs it has."""
        return max(1, len(self.levels))

    @property
    def few(self) -> bool:
        """Whether its trend is kept by looking at each of its codes."""
        return self.field.trend != 0 and self.missing <= FEW

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


def inputs(codes: Codes, coders: Sequence[Coder]) -> Floats:
    """Give what trees see of codes ``(n, c)``: ``(n, inputs)``."""
    out: Floats = np.empty((len(codes), sum(coder.width for coder in coders)))
    at = 0
    for coder, column in zip(coders, codes.T, strict=True):
        own = column[:, None] == np.arange(coder.width) if coder.levels else column[:, None]
        out[:, at : at + coder.width] = np.where((column == coder.missing)[:, None], np.nan, own)
        at += coder.width
    return out


def owners(coders: Sequence[Coder]) -> Ints:
    """Tell whose each input is, ``(inputs,)``."""
    return np.repeat(np.arange(len(coders)), [coder.width for coder in coders])


def safer(codes: Codes, coders: Sequence[Coder]) -> Iterator[Codes]:
    """Give codes ``(n, c)`` again and again, with fields of a trend and few codes set to what should be no riskier.

    The largest that something says of these and of the codes themselves never falls along a trend, whatever it says of
    each. There are as many as the product of their numbers of codes: two fields of four have sixteen.
    """
    variants = [codes]
    for place, coder in enumerate(coders):
        if coder.few:
            known = codes[:, place] != coder.missing
            rises = coder.field.trend > 0
            limit, ends = (np.minimum, range(coder.missing - 1)) if rises else (np.maximum, range(1, coder.missing))
            for variant, code in [(v, code) for v in variants for code in ends]:
                other = variant.copy()
                other[known, place] = limit(other[known, place], code)
                variants.append(other)
    yield from variants[1:]
