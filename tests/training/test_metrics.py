"""The figures against plain loops, and at both ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.taxonomy import default_taxonomy
from models.heads import Probabilities
from training.data import Row
from training.matrices import targets
from training.metrics import (
    by_label,
    choose_tag_floor,
    decode_tags,
    errors,
    expected_calibration_error,
    reliability,
    score,
)

TAXONOMY = default_taxonomy()
CATEGORIES, TAGS = [c.key for c in TAXONOMY.categories], [t.key for t in TAXONOMY.tags]
PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def slow_ece(pairs: list[tuple[float, bool]], bins: int) -> float:
    total = 0.0
    for b in range(bins):
        inside = [(p, r) for p, r in pairs if b / bins <= p < (b + 1) / bins or (b == bins - 1 and p == 1)]
        if inside:
            total += abs(sum(p for p, _ in inside) - sum(r for _, r in inside))
    return total / len(pairs)


@given(PAIRS, st.sampled_from([4, 8, 16]))  # bins whose ends are exact in binary
def test_calibration_error_is_the_slow_one(pairs: list[tuple[float, bool]], bins: int) -> None:
    p, right = np.array([p for p, _ in pairs]), np.array([r for _, r in pairs])
    assert expected_calibration_error(p, right, bins) == pytest.approx(slow_ece(pairs, bins), abs=1e-9)
    assert sum(n for _, _, n in reliability(p, right, bins)) == len(pairs)


def test_calibration_error_at_both_ends() -> None:
    assert expected_calibration_error(np.ones(5), np.ones(5, bool)) == 0
    assert expected_calibration_error(np.ones(5), np.zeros(5, bool)) == 1
    assert expected_calibration_error(np.empty(0), np.empty(0, bool)) == 0


@pytest.fixture
def rows() -> list[Row]:
    from training.data import load_table

    table = load_table("corpus")
    assert table is not None
    return list(table.rows[::20])


def probabilities(rows: list[Row], right: bool) -> tuple[Probabilities, Any]:
    """A model that is sure, and right or wrong in everything."""
    target = targets(rows, TAXONOMY)
    c, t, _ = target.sizes
    category, tags = target.values[:, :c], target.values[:, c : c + t]
    level = 3 - target.values[:, c + t :].sum(axis=1).astype(int)
    if not right:
        category, tags, level = np.roll(category, 1, axis=1), 1 - tags, 3 - level
    return Probabilities(category, tags, np.eye(4, dtype=np.float32)[level]), target


def test_a_perfect_model(rows: list[Row]) -> None:
    p, target = probabilities(rows, right=True)
    given_tags = decode_tags(p, 0.5, TAXONOMY)
    figures = score(p, target, np.arange(len(rows)), [r.source for r in rows], given_tags)
    assert set(figures) == {"all"} | {r.source for r in rows}
    for row in figures.values():
        assert row["category_accuracy"] == row["category_macro_f1"] == row["urgency_accuracy"] == 1
        assert row["category_ece"] == row["urgency_ece"] == 0
    assert figures["all"]["tags_micro_f1"] == 1
    assert errors(p, target, np.arange(len(rows)), rows, TAXONOMY) == []
    assert all(
        v["f1"] == 1 for v in by_label(p, target, np.arange(len(rows)), given_tags, TAXONOMY).values() if v["support"]
    )


def test_a_model_that_is_always_wrong(rows: list[Row]) -> None:
    p, target = probabilities(rows, right=False)
    row = score(p, target, np.arange(len(rows)), [r.source for r in rows], p.tags > 0.5)["all"]
    assert row["category_accuracy"] == row["category_macro_f1"] == row["tags_micro_f1"] == row["urgency_accuracy"] == 0
    assert row["category_ece"] == row["urgency_ece"] == 1
    found = errors(p, target, np.arange(len(rows)), rows, TAXONOMY)
    assert len(found) == len(rows)
    assert not any(r.text in str(found) for r in rows if len(r.text) > 8)


def test_an_impossible_tag_is_never_given() -> None:
    category = np.eye(len(CATEGORIES), dtype=np.float32)
    p = Probabilities(category, np.ones((len(CATEGORIES), len(TAGS)), np.float32), np.zeros((len(CATEGORIES), 4)))
    assert (decode_tags(p, 0.5, TAXONOMY) == TAXONOMY.allowed).all()


def test_the_tag_floor_is_the_best_of_its_grid() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((200, len(TAGS))) < 0.1) & TAXONOMY.allowed[0]
    tags = np.where(truth, rng.uniform(0.3, 1.0, truth.shape), rng.uniform(0.0, 0.35, truth.shape)).astype(np.float32)
    category = np.zeros((200, len(CATEGORIES)), np.float32)
    category[:, 0] = 1
    p = Probabilities(category, tags, np.zeros((200, 4), np.float32))
    assert 0.28 <= choose_tag_floor(p, truth, TAXONOMY) <= 0.38
