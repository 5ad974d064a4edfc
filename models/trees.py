"""Boosted trees in numpy: every split is a yes-or-no question, and a tree's answers spell a number below 2^splits.

What a tree says for each of these numbers, and how much of it each column accounts for, is worked out once at loading
(`tabulate`). Answering then is: look up for each column which questions its value says yes to, add the numbers up,
and look up what the trees say. No walk, no loop over rows or trees.

The shares are path-dependent TreeSHAP (Lundberg et al. 2018, "Consistent individualized feature attribution"): Shapley
values of the game in which a tree whose question is not answered goes both ways, as often as the customers that it
was learnt on. Unlike a walk's increments (Saabas) they do not favour the questions at the bottom, and a column that
comes to matter more never gets a smaller share; with so few splits they are exact sums, not samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import factorial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_CODES", "MAX_SPLITS", "Codes", "Floats", "Tables", "Trees", "leaf_numbers", "tabulate"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

# The tables of 400 trees take 0.3 s to work out with 5 splits and 5 s with 7, at every start; and what is learnt from
# some thousands of customers gains nothing from larger trees (training/configs/churn.yaml has the figures).
MAX_SPLITS: Final = 5
# Expectations worked out at once while loading: 8 megabytes, and some times that for the way there.
PART: Final = 2**20
# Of one column: 254 edges make 255 codes, and one is for a missing value.
MAX_CODES: Final = 256


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees as they were learnt; t trees of at most s splits, numbered from the root such that parents come first.

    Attributes
    ----------
    column : ndarray of int, (t, s)
        Which column a split asks about; -1 where a tree has fewer splits.
    yes : ndarray of bool, (t, s, codes)
        For which codes of that column the answer is yes.
    child : ndarray of int, (t, s, 2)
        Where no and yes lead: another split of the tree, or ``-1 - leaf``.
    leaf : ndarray of float64, (t, s + 1)
        What the tree adds to the margin.
    cover : ndarray of float64, (t, s + 1)
        How many customers of training ended there.
    """

    column: npt.NDArray[np.int64]
    yes: npt.NDArray[np.bool_]
    child: npt.NDArray[np.int64]
    leaf: Floats
    cover: Floats

    @classmethod
    def load(cls, tensors: Mapping[str, Any]) -> Trees:
        """Take them from a release's tensors, and see that they are trees.

        Raises
        ------
        ValueError
            If shapes do not fit, a path leads to a parent or nowhere, or a leaf is not there.
        """
        column, child = tensors["column"].astype(np.int64), tensors["child"].astype(np.int64)
        trees = cls(
            column,
            tensors["yes"].astype(np.bool_),
            child,
            tensors["leaf"].astype(np.float64),
            tensors["cover"].astype(np.float64),
        )
        t, s = column.shape
        if not 1 <= s <= MAX_SPLITS or trees.yes.shape[:2] != (t, s) or not 1 <= trees.yes.shape[2] <= MAX_CODES:
            raise ValueError("the splits do not fit")
        if child.shape != (t, s, 2) or not trees.leaf.shape == trees.cover.shape == (t, s + 1):
            raise ValueError("the leaves do not fit")
        forward = (child > np.arange(s)[:, None]) & (child < s)
        if not (forward | ((child < 0) & (child >= -1 - s))).all() or (column[:, 0] < 0).any():
            raise ValueError("a path leads nowhere")
        if (trees.cover < 0).any():
            raise ValueError("a cover is negative")
        return trees


@dataclass(frozen=True, slots=True)
class Tables:
    """What answering looks up; t trees, c columns, p = 2^splits answers.

    Attributes
    ----------
    bits : ndarray of uint8, (c, codes, t)
        What a column's code adds to the number of each tree's answers.
    value : ndarray of float64, (t * p,)
        What each tree adds to the margin.
    base : float
        The mean of that over the customers of training.
    trees : list of ndarray of int, one a column, each (k,)
        Those that ask about the column.
    share : list of ndarray of float64, one a column, each (k, p)
        The column's part of what such a tree adds beyond its mean.
    """

    bits: Codes
    value: Floats
    base: float
    trees: list[npt.NDArray[np.int64]]
    share: list[Floats]

    def answers(self, codes: Codes) -> Codes:
        """Give the number of each tree's answers, for codes ``(n, c)``: ``(n, t)``."""
        out: Codes = self.bits[0][codes[:, 0]]
        for column in range(1, len(self.bits)):
            out |= self.bits[column][codes[:, column]]
        return out

    def margin(self, answers: Codes) -> Floats:
        """Add up what the trees say, for `answers` ``(n, t)``: ``(n,)``."""
        size = len(self.value) // answers.shape[1]
        at = answers + np.arange(0, len(self.value), size, dtype=np.int32)
        out: Floats = self.value[at].sum(axis=1)
        return out

    def shares(self, answers: Codes) -> Floats:
        """Tell how much of the margin each column accounts for beyond `base`, for `answers` ``(n, t)``: ``(n, c)``."""
        out = np.zeros((len(answers), len(self.bits)))
        for column, (share, trees) in enumerate(zip(self.share, self.trees, strict=True)):
            if len(trees):
                at = answers[:, trees] + np.arange(0, share.size, share.shape[1], dtype=np.int32)
                out[:, column] = share.ravel()[at].sum(axis=1)
        return out


def tabulate(trees: Trees, columns: int) -> Tables:
    """Work out the tables of trees that ask about `columns` columns.

    Raises
    ------
    ValueError
        If they ask about others.
    """
    if trees.column.max(initial=0) >= columns or trees.column.min(initial=0) < -1:
        raise ValueError("a split asks about a column that is not there")
    s = trees.column.shape[1]
    known = _answered(s).astype(np.bool_)  # every subset of the splits, by its number
    base, shares = 0.0, []
    for part in _parts(trees):
        expected = _expected(part, known)
        base += float(expected[:, 0, 0].sum())
        shares.append(_shares(expected, known))
    share = np.concatenate(shares)  # (t, s, p)
    local = _first_split(trees.column)
    pairs = [np.argwhere((trees.column == c) & (local == np.arange(s))) for c in range(columns)]
    return Tables(
        _bits(trees, columns),
        np.take_along_axis(trees.leaf, leaf_numbers(trees), axis=1).ravel(),
        base,
        [at[:, 0] for at in pairs],
        [share[at[:, 0], at[:, 1]] for at in pairs],
    )


def _bits(trees: Trees, columns: int) -> Codes:
    t, s, codes = trees.yes.shape
    bits = np.zeros((columns, codes, t), np.uint8)
    for split in range(s):
        at = np.flatnonzero(trees.column[:, split] >= 0)
        # One tree at most once in `at`: no addition is lost.
        bits[trees.column[at, split], :, at] |= (trees.yes[at, split] << split).astype(np.uint8)
    return bits


def _answered(splits: int) -> npt.NDArray[np.int64]:
    """Spell every number of answers out, ``(p, splits)``."""
    return (np.arange(2**splits)[:, None] >> np.arange(splits)) & 1


def leaf_numbers(trees: Trees) -> npt.NDArray[np.int64]:
    """Follow every number of answers to a leaf, ``(t, p)``."""
    t, s = trees.column.shape
    yes, rows = _answered(s), np.arange(t)[:, None]
    at = np.zeros((t, len(yes)), np.int64)
    for _ in range(s):
        inside = np.maximum(at, 0)
        np.copyto(at, trees.child[rows, inside, yes[np.arange(len(yes)), inside]], where=at >= 0)
    out: npt.NDArray[np.int64] = -1 - at
    return out


def _went(trees: Trees, split: int, cover: Floats) -> Floats:
    """Tell how often customers at a split went no and yes, ``(2, t)``; half and half where nobody came."""
    child, rows = trees.child[:, split].T, np.arange(len(trees.leaf))
    n = np.where(child < 0, trees.cover[rows, np.maximum(-1 - child, 0)], cover[rows, np.maximum(child, 0)])
    out: Floats = np.divide(n, n.sum(axis=0), out=np.full(n.shape, 0.5), where=n.sum(axis=0) > 0)
    return out


def _node_cover(trees: Trees) -> Floats:
    """Count the customers that came to each split, ``(t, s)``."""
    t, s = trees.column.shape
    cover, rows = np.zeros((t, s)), np.arange(t)
    for split in reversed(range(s)):  # children come after their parents
        for child in trees.child[:, split].T:
            inner = cover[rows, np.maximum(child, 0)]
            cover[:, split] += np.where(child < 0, trees.cover[rows, np.maximum(-1 - child, 0)], inner)
    return cover


def _first_split(column: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Tell for each split the tree's first one about the same column, ``(t, s)``."""
    out: npt.NDArray[np.int64] = (column[:, :, None] == column[:, None, :]).argmax(axis=2)
    return out


def _parts(trees: Trees) -> Iterator[Trees]:
    """Give the trees a few at a time: large ones have 1,024 expectations each."""
    step = max(1, PART // 4 ** trees.column.shape[1])
    for i in range(0, len(trees.leaf), step):
        at = slice(i, i + step)
        yield Trees(trees.column[at], trees.yes[at], trees.child[at], trees.leaf[at], trees.cover[at])


def _expected(trees: Trees, known: npt.NDArray[np.bool_]) -> Floats:
    """Expect what a tree adds if only some questions are answered: `known` ``(subsets, s)`` gives ``(t, subsets, p)``.

    A question about a column is answered if the tree's first question about it is.
    """
    t, s = trees.column.shape
    cover, yes, rows = _node_cover(trees), _answered(s), np.arange(t)
    told = known[:, _first_split(trees.column)].transpose(1, 0, 2)  # (t, subsets, s)
    reached = np.zeros((s, t, len(known), len(yes)))
    reached[0] = 1.0
    out = np.zeros((t, len(known), len(yes)))
    for split in range(s):
        went = _went(trees, split, cover)
        for side in range(2):
            child = trees.child[:, split, side]
            goes = np.where(told[:, :, split, None], yes[:, split] == side, went[side][:, None, None])
            flow = reached[split] * goes
            leaf = np.where(child < 0, trees.leaf[rows, np.maximum(-1 - child, 0)], 0.0)
            out += flow * leaf[:, None, None]
            for tree in np.flatnonzero(child >= 0):
                reached[child[tree], tree] += flow[tree]
    return out


def _shares(expected: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """Give the Shapley value of each tree's columns, at their first split, for every number of answers: ``(t, s, p)``.

    Splits that a tree has not, and later ones about the same column, are players who change nothing: they get nothing,
    and the others get what they would without them.
    """
    s, size = known.shape[1], known.sum(axis=1)
    out = np.zeros((len(expected), s, expected.shape[2]))
    for split in range(s):
        without = np.flatnonzero(~known[:, split])
        weight = np.array([factorial(int(k)) * factorial(s - 1 - int(k)) / factorial(s) for k in size[without]])
        gain = expected[:, without | (1 << split)] - expected[:, without]
        out[:, split] = (gain * weight[:, None]).sum(axis=1)
    return out
