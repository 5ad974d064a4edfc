"""Trees as tables of answers say what slow walks and sums over all subsets say."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.tree_tables import tabulate
from models.trees import MAX_SPLITS, Trees

COLUMNS, CODES = 4, 5


def grown(rng: np.random.Generator, trees: int, splits: int) -> Trees:
    """Grow random trees: each split replaces a leaf of the tree so far."""
    shape = (trees, splits)
    out = Trees(
        np.full(shape, -1),
        rng.random((*shape, CODES)) < 0.5,
        np.full((*shape, 2), -1),
        rng.normal(size=(trees, splits + 1)),
        rng.integers(1, 50, (trees, splits + 1)).astype(float),
    )
    for t in range(trees):
        ends, used = [(0, 0), (0, 1)], rng.integers(1, splits + 1)  # some trees are smaller
        for split in range(1, used):
            out.child[(t, *ends.pop(rng.integers(len(ends))))] = split
            ends += [(split, 0), (split, 1)]
        for leaf, at in enumerate(ends):
            out.child[(t, *at)] = -1 - leaf
        out.column[t, :used] = rng.integers(0, COLUMNS, used)
    return out


def walk(trees: Trees, t: int, row: Any, known: frozenset[int], at: int = 0) -> float:
    """Follow a row; where its column is not known, go both ways as often as customers did."""
    if at < 0:
        return float(trees.leaf[t, -1 - at])
    column = int(trees.column[t, at])
    no, yes = (int(c) for c in trees.child[t, at])
    if column in known:
        return walk(trees, t, row, known, yes if trees.yes[t, at, row[column]] else no)
    n = [came(trees, t, child) for child in (no, yes)]
    return (n[0] * walk(trees, t, row, known, no) + n[1] * walk(trees, t, row, known, yes)) / sum(n)


def came(trees: Trees, t: int, at: int) -> float:
    return float(trees.cover[t, -1 - at]) if at < 0 else sum(came(trees, t, int(c)) for c in trees.child[t, at])


def shapley(trees: Trees, t: int, row: Any, column: int) -> float:
    """Sum over all subsets of the other columns, as the definition has it."""
    others, total = [c for c in range(COLUMNS) if c != column], 0.0
    for size in range(COLUMNS):
        weight = factorial(size) * factorial(COLUMNS - 1 - size) / factorial(COLUMNS)
        for subset in combinations(others, size):
            with_it = walk(trees, t, row, frozenset({*subset, column}))
            total += weight * (with_it - walk(trees, t, row, frozenset(subset)))
    return total


EVERYTHING = frozenset(range(COLUMNS))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_tables_are_the_slow_twins(seed: int, splits: int) -> None:
    rng = np.random.default_rng(seed)
    trees = grown(rng, 3, splits)
    codes = rng.integers(0, CODES, (6, COLUMNS)).astype(np.uint8)
    tables = tabulate(trees, COLUMNS)
    answers = tables.answers(codes)
    margin = [sum(walk(trees, t, row, EVERYTHING) for t in range(3)) for row in codes]
    np.testing.assert_allclose(tables.margin(answers), margin, atol=1e-12)
    np.testing.assert_allclose(tables.base, sum(walk(trees, t, codes[0], frozenset()) for t in range(3)), atol=1e-12)
    slow = [[sum(shapley(trees, t, row, c) for t in range(3)) for c in range(COLUMNS)] for row in codes]
    np.testing.assert_allclose(tables.shares(answers), slow, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, MAX_SPLITS), st.booleans())
def test_shares_add_up_exactly(seed: int, splits: int, empty_leaves: bool) -> None:
    rng = np.random.default_rng(seed)
    trees = grown(rng, 5, splits)
    if empty_leaves:
        trees.cover[rng.random(trees.cover.shape) < 0.3] = 0.0
    tables = tabulate(trees, COLUMNS)
    answers = tables.answers(rng.integers(0, CODES, (20, COLUMNS)).astype(np.uint8))
    np.testing.assert_allclose(tables.base + tables.shares(answers).sum(axis=1), tables.margin(answers), atol=1e-12)


def test_a_column_that_no_split_asks_about_gets_nothing() -> None:
    rng = np.random.default_rng(0)
    tables = tabulate(grown(rng, 5, 3), COLUMNS + 1)
    shares = tables.shares(tables.answers(rng.integers(0, CODES, (20, COLUMNS + 1)).astype(np.uint8)))
    assert (shares[:, COLUMNS] == 0).all()


def tensors(**changes: Any) -> dict[str, Any]:
    trees = grown(np.random.default_rng(1), 3, 3)
    return {k: getattr(trees, k) for k in ("column", "yes", "child", "leaf", "cover")} | changes


def test_trees_come_back() -> None:
    assert (Trees.load(tensors()).leaf == tensors()["leaf"]).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"child": np.zeros((3, 3, 2), int)},
        {"child": np.full((3, 3, 2), 3)},
        {"child": np.full((3, 3, 2), -5)},
        {"child": np.full((3, 2, 2), -1)},
        {"leaf": np.zeros((3, 3))},
        {"cover": np.full((3, 4), -1.0)},
        {"column": np.full((3, 3), -1)},
        {"column": np.zeros((3, 9), int)},
        {"yes": np.zeros((3, 3, 257), bool)},
        {"yes": np.zeros((3, 2, 5), bool)},
    ],
)
def test_what_is_no_tree_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Trees.load(tensors(**changes))


@pytest.mark.parametrize("columns", [0, 1])
def test_questions_about_columns_that_are_not_there(columns: int) -> None:
    with pytest.raises(ValueError, match="not there"):
        tabulate(Trees.load(tensors(column=np.full((3, 3), 2))), columns)
