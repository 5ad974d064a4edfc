"""What boosted trees say, and how much of it each column accounts for, looked up in tables instead of walked.

A tree's answers to its questions spell a number below 2^splits. What the tree says for each of these numbers, and each
column's share of it, is worked out once at loading (`tabulate`). Answering then is: look up for each column which
questions its code says yes to, put the numbers together, and look up what the trees say. No walk, no loop over rows or
trees. (QuickScorer, Lucchese et al. 2015, goes the same way with masks of leaves.)

The shares are path-dependent TreeSHAP (Lundberg et al. 2018, "Consistent individualized feature attribution"): Shapley
values of the game in which a tree whose question is not answered goes both ways, as often as the customers that it
was learnt on. Unlike a walk's increments (Saabas) they do not favour the questions at the bottom; with so few splits
they are exact sums, not samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial
from typing import Final

import numpy as np
import numpy.typing as npt

from models.trees import Codes, Floats, Trees, every_answer, leaf_numbers, node_cover

__all__ = ["Tables", "tabulate"]

# Expectations worked out at once while loading: 8 megabytes, and some times that for the way there.
PART: Final = 2**20


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
    known = every_answer(s).astype(np.bool_)  # every subset of the splits, by its number
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


def _went(trees: Trees, split: int, cover: Floats) -> Floats:
    """Tell how often customers at a split went no and yes, ``(2, t)``; half and half where nobody came."""
    child, rows = trees.child[:, split].T, np.arange(len(trees.leaf))
    n = np.where(child < 0, trees.cover[rows, np.maximum(-1 - child, 0)], cover[rows, np.maximum(child, 0)])
    out: Floats = np.divide(n, n.sum(axis=0), out=np.full(n.shape, 0.5), where=n.sum(axis=0) > 0)
    return out


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
    cover, yes, rows = node_cover(trees), every_answer(s), np.arange(t)
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
