"""Trees behind ONNX Runtime say what a slow walk says, and what is no tree is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.customer import record
from models.codes import Coder, inputs, owners, safer
from models.tree_graph import graph_of
from models.tree_runner import TreeRunner
from models.trees import Trees

FIELDS, OWNER, CODES = 3, np.array([0, 0, 1, 2, 2]), 5


def grown(rng: np.random.Generator, trees: int, leaves: int) -> Trees:
    """Grow random trees of at most so many leaves; some are a leaf alone."""
    rows: list[list[float]] = []

    def grow(size: int) -> None:
        at, first = len(rows), int(rng.integers(1, size)) if size > 1 else 0
        rows.append([-1, 0, 0, 0, rng.normal()])
        if size > 1:
            rows[at][:3] = rng.integers(len(OWNER)), rng.integers(CODES), rng.integers(2)
            grow(first)
            rows[at][3] = len(rows) - at
            grow(size - first)

    for _ in range(trees):
        grow(int(rng.integers(1, leaves + 1)))
    column, code, gone, no, value = np.array(rows).T
    return Trees(column.astype(int), code.astype(int), gone.astype(bool), no.astype(int), value)


def walk(trees: Trees, row: Any) -> tuple[float, Any]:
    """Follow a row through every tree: what they say, and what each field's questions changed."""
    shares, margin = np.zeros(FIELDS), 0.0
    for root in np.flatnonzero(trees.parent < 0):
        at = root
        while trees.column[at] >= 0:
            asked = row[trees.column[at]]
            yes = trees.gone[at] if np.isnan(asked) else asked <= trees.code[at]
            after = at + 1 if yes else at + trees.no[at]
            shares[OWNER[trees.column[at]]] += trees.value[after] - trees.value[at]
            at = after
        margin += trees.value[at]
    return margin, shares


def rows(rng: np.random.Generator, n: int) -> Any:
    out = rng.integers(0, CODES + 1, (n, len(OWNER))).astype(float)
    out[rng.random(out.shape) < 0.2] = np.nan
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_the_runner_is_the_slow_walks_twin(seed: int, leaves: int) -> None:
    rng = np.random.default_rng(seed)
    trees, x = grown(rng, 5, leaves), rows(rng, 20)
    runner = TreeRunner(trees, OWNER, FIELDS)
    said = runner.shares(x)
    told = [walk(trees, row) for row in x]
    np.testing.assert_allclose(said, [shares for _, shares in told], atol=1e-5)
    np.testing.assert_allclose(runner.base + said.sum(axis=1), [margin for margin, _ in told], atol=1e-5)


def test_a_row_does_not_depend_on_the_others() -> None:
    rng = np.random.default_rng(2)
    runner, x = TreeRunner(grown(rng, 50, 40), OWNER, FIELDS), rows(rng, 500)
    assert (runner.shares(x) == np.concatenate([runner.shares(row[None]) for row in x])).all()
    assert runner.shares(x[:0]).shape == (0, FIELDS)


def test_the_graph_is_what_the_format_asks_for() -> None:
    onnx.checker.check_model(onnx.load_from_string(graph_of(grown(np.random.default_rng(3), 300, 90), OWNER, FIELDS)))


def test_a_field_that_no_split_asks_about_gets_nothing() -> None:
    rng = np.random.default_rng(0)
    said = TreeRunner(grown(rng, 5, 30), OWNER, FIELDS + 1).shares(rows(rng, 20))
    assert (said[:, FIELDS] == 0).all()


def tensors(**changes: Any) -> dict[str, Any]:
    """Two trees: a split over a split and a leaf, and a leaf alone."""
    rows = {"column": [0, 1, -1, -1, -1, -1], "code": [1, 2, 0, 0, 0, 0], "gone": [1, 0, 0, 0, 0, 0],
            "no": [4, 2, 0, 0, 0, 0], "value": [0.0, 1, 2, 3, 4, 5]}  # fmt: skip
    return {f"boosting.{k}": np.array(v) for k, v in (rows | changes).items()}


def test_trees_come_back() -> None:
    trees = Trees.load(tensors(), "boosting")
    assert trees.parent.tolist() == [-1, 0, 1, 1, 0, -1]
    again = Trees.load(trees.tensors("forest"), "forest")
    assert all((getattr(again, k) == getattr(trees, k)).all() for k in ("column", "code", "gone", "no", "value"))


@pytest.mark.parametrize(
    "changes",
    [
        {"no": [4, 1, 0, 0, 0, 0]},
        {"no": [4, 3, 0, 0, 0, 0]},
        {"no": [0, 2, 0, 0, 0, 0]},
        {"no": [-1, 2, 0, 0, 0, 0]},
        {"no": [9, 2, 0, 0, 0, 0]},
        {"no": [4, 2, 0, 2, 0, 0]},
        {"no": [4, 2]},
        {"column": [0, 1, -1, -1, -1, 1]},
        {"column": [0, -2, -1, -1, -1, -1]},
        {"value": [0.0]},
        {"value": np.zeros((6, 2))},
        {"column": [], "code": [], "gone": [], "no": [], "value": []},
    ],
)
def test_what_is_no_tree_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Trees.load(tensors(**changes), "boosting")


def test_a_tree_without_end_is_refused() -> None:
    n = 500
    deep = {"column": [0] * n + [-1] * (n + 1), "no": list(range(2 * n, 0, -2)) + [0] * (n + 1)}
    deep |= {k: [0] * (2 * n + 1) for k in ("code", "gone", "value")}
    with pytest.raises(ValueError, match="deeper"):
        TreeRunner(Trees.load(tensors(**deep), "boosting"), OWNER, FIELDS)


@pytest.mark.parametrize(("inputs", "fields"), [(1, 3), (2, 0)])
def test_questions_about_inputs_that_are_not_there(inputs: int, fields: int) -> None:
    with pytest.raises(ValueError, match="not there"):
        TreeRunner(Trees.load(tensors(), "boosting"), OWNER[:inputs], fields)


CODERS = (
    Coder(record()["device"], np.zeros(0), ("phone", "tablet"), 0, 1),
    Coder(record()["complaints"], np.array([0.5, 1.5]), (), 0, 2),
    Coder(record()["satisfaction"], np.array([1.5, 2.5]), (), 1, 3),
    Coder(record()["tenure_months"], np.arange(9.0), (), 0, 9),
)


def test_a_category_has_an_input_a_level_and_a_number_one() -> None:
    codes = np.array([[1, 2, 0, 7], [2, 3, 3, 10]], np.uint8)
    assert owners(CODERS).tolist() == [0, 0, 1, 2, 3]
    seen = inputs(codes, CODERS)
    assert seen[0].tolist() == [0, 1, 2, 0, 7]
    assert np.isnan(seen[1]).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_highest_of_what_is_safer_keeps_every_trend(seed: int) -> None:
    rng = np.random.default_rng(seed)
    said = rng.normal(size=[c.missing + 1 for c in CODERS])
    codes = np.stack(np.unravel_index(np.arange(said.size), said.shape), axis=1).astype(np.uint8)
    highest = np.max([said[tuple(c.T)] for c in [codes, *safer(codes, CODERS)]], axis=0).reshape(said.shape)
    assert (np.diff(highest[:, :3], axis=1) >= 0).all(), "more complaints"
    assert (np.diff(highest[:, :, :3], axis=2) <= 0).all(), "more satisfied"
    assert (highest[:, 3, 3] == said[:, 3, 3]).all(), "what is not known is left alone"
